"""Cluster timeline and rates in, list cost out."""

from collections.abc import Iterable, Sequence
from math import fsum
from typing import Final

from isocost.domain.cluster import (
    ClusterSpec,
    ClusterTimeline,
    NodeInterval,
    NodeType,
    node_type_of,
)
from isocost.domain.cost import CostBreakdown, RateCard
from isocost.errors import InvalidInput
from isocost.pricing.node_rate import NodeRate, node_rate
from isocost.units import S_PER_HOUR

# For platforms that bill neither Databricks units nor volumes, such as this machine's own Spark.
MACHINES_ONLY: Final = RateCard()

Billed = tuple[NodeInterval, NodeRate]


def list_cost(
    timeline: ClusterTimeline, node_types: Sequence[NodeType], rates: RateCard = MACHINES_ONLY
) -> CostBreakdown:
    """Return what the nodes that really ran cost at list rates, billed by the second.

    No minimum is billed (EC2 and Databricks bill a node's first minute in full), so that the cost
    of an interval is the sum of the costs of its pieces.

    Raises:
        InvalidInput: if a node's type has no rate.
    """
    known = {
        name: node_type_of(ClusterSpec(name, 1), node_types)
        for name in {node.node_type_id for node in timeline.nodes}
    }
    billed = [(node, _rate(node, known[node.node_type_id], rates)) for node in timeline.nodes]
    return CostBreakdown(
        vm_usd=_rent_usd(billed),
        dbu_usd=fsum(node.hours * rate.dbu_usd_per_hour for node, rate in billed),
        disk_usd=fsum(node.hours * rate.disk_usd_per_hour for node, rate in billed),
        driver_usd=_rent_usd(pair for pair in billed if pair[0].is_driver),
        spot_usd=_rent_usd(p for p in billed if p[0].is_spot and not p[0].is_driver),
        missing=tuple(dict.fromkeys(why for _, rate in billed for why in rate.missing)),
    )


def usd_per_s(
    spec: ClusterSpec, node_types: Sequence[NodeType], rates: RateCard = MACHINES_ONLY
) -> float:
    """Return the list rate of all workers in USD per second, DBUs included.

    Raises:
        InvalidInput: if the node type, or the price of its DBUs, is unknown.
    """
    rate = node_rate(node_type_of(spec, node_types), rates)
    if rate.missing:
        raise InvalidInput(
            f"The cluster {spec} cannot be priced: {'; '.join(rate.missing)}. Pass the rate card "
            "of the workspace's region and plan."
        )
    return spec.worker_count * rate.usd_per_hour / S_PER_HOUR


def _rate(node: NodeInterval, node_type: NodeType, rates: RateCard) -> NodeRate:
    return node_rate(node_type, rates, is_spot=node.is_spot, disk_gib=node.disk_gib)


def _rent_usd(billed: Iterable[Billed]) -> float:
    return fsum(node.hours * rate.vm_usd_per_hour for node, rate in billed)

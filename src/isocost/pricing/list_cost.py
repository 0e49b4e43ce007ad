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
        missing=_without_repeats(r.left_out + r.assumed for _, r in billed),
    )


def usd_per_s(
    spec: ClusterSpec,
    node_types: Sequence[NodeType],
    rates: RateCard = MACHINES_ONLY,
    *,
    driver: NodeType | None = None,
    is_spot: bool = False,
    disk_gib: float = 0.0,
) -> float:
    """Return the list rate of the whole cluster in USD per second, DBUs included.

    Args:
        spec: the workers.
        node_types: where the workers' node type is found.
        rates: of the region and plan.
        driver: the driver's node type, rented on demand; None where a driver is not paid for.
        is_spot: whether the workers are spot nodes.
        disk_gib: attached volumes of each node, the driver's too.

    Raises:
        InvalidInput: if the node type, or the price of its DBUs or disks, is unknown.
    """
    worker = node_rate(node_type_of(spec, node_types), rates, is_spot=is_spot, disk_gib=disk_gib)
    nodes = [worker] * spec.worker_count
    if driver is not None:
        nodes.append(node_rate(driver, rates, disk_gib=disk_gib))
    if left_out := _without_repeats(node.left_out for node in nodes):
        raise InvalidInput(
            f"The cluster {spec} cannot be priced: {'; '.join(left_out)}. Pass the rate card of "
            "the workspace's region and plan."
        )
    return fsum(node.usd_per_hour for node in nodes) / S_PER_HOUR


def _rate(node: NodeInterval, node_type: NodeType, rates: RateCard) -> NodeRate:
    return node_rate(node_type, rates, is_spot=node.is_spot, disk_gib=node.disk_gib)


def _rent_usd(billed: Iterable[Billed]) -> float:
    return fsum(node.hours * rate.vm_usd_per_hour for node, rate in billed)


def _without_repeats(reasons: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(why for some in reasons for why in some))

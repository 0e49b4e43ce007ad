"""Cluster timeline and node rates in, list cost out."""

from collections.abc import Sequence

from isocost.domain.cluster import ClusterSpec, ClusterTimeline, NodeType, node_type_of
from isocost.domain.cost import CostBreakdown
from isocost.units import S_PER_HOUR


def list_cost(timeline: ClusterTimeline, node_types: Sequence[NodeType]) -> CostBreakdown:
    """Return what the nodes that really ran cost at list rates, billed by the second.

    Raises:
        InvalidInput: if a node's type has no rate.
    """
    usd_per_hour = {
        node.node_type_id: node_type_of(ClusterSpec(node.node_type_id, 1), node_types).usd_per_hour
        for node in timeline.nodes
    }
    return CostBreakdown(
        vm_usd=sum(node.hours * usd_per_hour[node.node_type_id] for node in timeline.nodes)
    )


def usd_per_s(spec: ClusterSpec, node_types: Sequence[NodeType]) -> float:
    """Return the list rate of the whole cluster in USD per second."""
    return spec.worker_count * node_type_of(spec, node_types).usd_per_hour / S_PER_HOUR

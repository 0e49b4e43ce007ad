"""Node types and the platform's capacity in; candidates that can run, and rejections, out.

Each limit is one function that returns the rejection it makes, or None.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.recommendation import Rejection


@dataclass(frozen=True, slots=True)
class Capacity:
    """What all workers of one cluster may have together."""

    cores: int
    memory_gib: float


@dataclass(frozen=True, slots=True)
class CandidateSpace:
    """The candidates within every limit, and those that were rejected."""

    candidates: tuple[ClusterSpec, ...]
    rejections: tuple[Rejection, ...]


Limit = Callable[[ClusterSpec, NodeType, Capacity], Rejection | None]


def core_limit(spec: ClusterSpec, node_type: NodeType, capacity: Capacity) -> Rejection | None:
    """Reject a cluster with more cores than the platform has."""
    cores = spec.worker_count * node_type.cores
    if cores <= capacity.cores:
        return None
    return Rejection(spec, "more cores than the platform has", cores, capacity.cores, "cores")


def memory_limit(spec: ClusterSpec, node_type: NodeType, capacity: Capacity) -> Rejection | None:
    """Reject a cluster with more memory than the platform has."""
    memory_gib = spec.worker_count * node_type.memory_gib
    if memory_gib <= capacity.memory_gib:
        return None
    return Rejection(
        spec, "more memory than the platform has", memory_gib, capacity.memory_gib, "GiB"
    )


LIMITS: tuple[Limit, ...] = (core_limit, memory_limit)


def candidate_space(
    node_types: Sequence[NodeType], capacity: Capacity, *, max_workers: int
) -> CandidateSpace:
    """Return every spec of 1 to `max_workers` workers, split by whether it may be used."""
    candidates: list[ClusterSpec] = []
    rejections: list[Rejection] = []
    for node_type in node_types:
        for worker_count in range(1, max_workers + 1):
            spec = ClusterSpec(node_type.node_type_id, worker_count)
            found = (limit(spec, node_type, capacity) for limit in LIMITS)
            rejection = next((r for r in found if r is not None), None)
            if rejection is None:
                candidates.append(spec)
            else:
                rejections.append(rejection)
    return CandidateSpace(tuple(candidates), tuple(rejections))

"""What may be rented and what really ran: node types, cluster specs and cluster timelines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from isocost.errors import InvalidInput
from isocost.units import S_PER_HOUR


@dataclass(frozen=True, slots=True)
class NodeType:
    """A machine kind with what it offers to spark tasks.

    Attributes:
        usd_per_hour: list rate of one node.
    """

    node_type_id: str
    cores: int
    memory_gib: float
    usd_per_hour: float

    def __post_init__(self) -> None:
        is_finite = isfinite(self.memory_gib) and isfinite(self.usd_per_hour)
        if not is_finite or self.cores < 1 or self.memory_gib <= 0 or self.usd_per_hour < 0:
            raise InvalidInput(
                f"Node type {self.node_type_id!r} needs at least 1 core, more than 0 GiB and a "
                f"rate of 0 or more, all finite; got {self.cores} cores, {self.memory_gib} GiB, "
                f"{self.usd_per_hour} USD per hour. Correct the catalog."
            )


@dataclass(frozen=True, slots=True, order=True)
class ClusterSpec:
    """What is asked for: `worker_count` workers of one node type."""

    node_type_id: str
    worker_count: int

    def __post_init__(self) -> None:
        if self.worker_count < 1:
            raise InvalidInput(
                f"A cluster needs at least 1 worker; got {self.worker_count}. "
                "Ask for one worker or more."
            )

    def __str__(self) -> str:
        return f"{self.worker_count} × {self.node_type_id}"


@dataclass(frozen=True, slots=True)
class NodeInterval:
    """One node's stay in the cluster, from `started_at` until `ended_at`."""

    node_id: str
    node_type_id: str
    started_at: datetime
    ended_at: datetime

    def __post_init__(self) -> None:
        if self.ended_at < self.started_at:
            raise InvalidInput(
                f"Node {self.node_id!r} ends at {self.ended_at}, before its start at "
                f"{self.started_at}. Correct the cluster timeline."
            )

    @property
    def hours(self) -> float:
        """How long the node was rented."""
        return (self.ended_at - self.started_at).total_seconds() / S_PER_HOUR


@dataclass(frozen=True, slots=True)
class ClusterTimeline:
    """What really ran, node by node; nodes may come and go."""

    nodes: tuple[NodeInterval, ...]


def steady_timeline(
    spec: ClusterSpec, started_at: datetime, ended_at: datetime
) -> ClusterTimeline:
    """Return the timeline of a cluster whose workers all stayed from start to end."""
    return ClusterTimeline(
        nodes=tuple(
            NodeInterval(f"worker-{n}", spec.node_type_id, started_at, ended_at)
            for n in range(spec.worker_count)
        )
    )


def total_cores(spec: ClusterSpec, node_types: Sequence[NodeType]) -> int:
    """Return the cluster's cores over all workers; raises InvalidInput for a foreign node type."""
    return node_type_of(spec, node_types).cores * spec.worker_count


def node_type_of(spec: ClusterSpec, node_types: Sequence[NodeType]) -> NodeType:
    """Return the node type that `spec` names; raises InvalidInput if none has that name."""
    for node_type in node_types:
        if node_type.node_type_id == spec.node_type_id:
            return node_type
    known = ", ".join(t.node_type_id for t in node_types)
    raise InvalidInput(f"No node type is called {spec.node_type_id!r}. Known here: {known}.")

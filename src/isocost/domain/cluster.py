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
        cores: as the cloud counts them: hardware threads where it sells those.
        usd_per_hour: list rate of one node.
        dbu_per_hour: Databricks units of one node; 0.0 on platforms that bill none.
        coremark: CoreMark iterations per second of the whole node; None where nobody measured.
        network_gbps: baseline network bandwidth; None where it is not published.
        local_disk_gib: size of all local NVMe or SSD disks; 0.0 without any.
        local_disk_count: how many they are.
        architecture: "x86_64" or "arm64", in the words of EC2.
        spot_usd_per_hour: what a spot node was last known to cost; None where nobody said.
    """

    node_type_id: str
    cores: int
    memory_gib: float
    usd_per_hour: float
    dbu_per_hour: float = 0.0
    coremark: float | None = None
    network_gbps: float | None = None
    local_disk_gib: float = 0.0
    local_disk_count: int = 0
    architecture: str = "x86_64"
    spot_usd_per_hour: float | None = None

    def __post_init__(self) -> None:
        sizes = (self.memory_gib, self.coremark, self.network_gbps, self.spot_usd_per_hour)
        rates = (self.usd_per_hour, self.dbu_per_hour, self.local_disk_gib)
        has_sizes = all(size is None or (isfinite(size) and size > 0) for size in sizes)
        has_rates = all(isfinite(rate) and rate >= 0 for rate in rates)
        if self.cores < 1 or not has_sizes or not has_rates:
            raise InvalidInput(
                f"Node type {self.node_type_id!r} needs at least 1 core, more than 0 GiB and "
                f"rates of 0 or more, all finite; got {self.cores} cores, {self.memory_gib} GiB, "
                f"{self.usd_per_hour} USD (spot {self.spot_usd_per_hour}) and {self.dbu_per_hour} "
                f"DBU per hour, CoreMark {self.coremark}, {self.network_gbps} Gbit/s, "
                f"{self.local_disk_gib} GiB of local disk. Correct the catalog."
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
    """One node's stay in the cluster, from `started_at` until `ended_at`.

    Attributes:
        disk_gib: billed volumes attached to it; its local disks are part of the node's rent.
    """

    node_id: str
    node_type_id: str
    started_at: datetime
    ended_at: datetime
    is_driver: bool = False
    is_spot: bool = False
    disk_gib: float = 0.0

    def __post_init__(self) -> None:
        if not (isfinite(self.disk_gib) and self.disk_gib >= 0):
            raise InvalidInput(
                f"Node {self.node_id!r} has {self.disk_gib} GiB of disk; it takes 0 or more. "
                "Correct the cluster timeline."
            )
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

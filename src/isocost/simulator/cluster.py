"""The cluster that a simulated run asks for: machines, disks, size and how it is bought."""

from dataclasses import dataclass, field
from enum import Enum

from isocost.domain.cluster import NodeType
from isocost.domain.workspace import Cloud
from isocost.errors import InvalidInput


class Availability(Enum):
    """How workers are bought."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    SPOT_WITH_FALLBACK = "spot with fallback"


@dataclass(frozen=True, slots=True)
class AttachedDisks:
    """Network disks of each node, for shuffle files and spill beside any local ones.

    The figures of one disk are those of an AWS gp3 volume as it comes, unprovisioned: 3,000 I/O
    operations and 125 MiB a second (docs.aws.amazon.com/ebs, "General Purpose SSD volumes").

    Attributes:
        kind: as the cloud calls it in cluster attributes.
    """

    count: int = 1
    gib: int = 100
    mib_per_s: float = 125.0
    iops: float = 3_000.0
    kind: str = "GENERAL_PURPOSE_SSD"

    def __post_init__(self) -> None:
        if self.count < 0 or min(self.gib, self.mib_per_s, self.iops) <= 0:
            raise InvalidInput(
                f"Disks are 0 or more, each above 0 GiB, MiB/s and operations; got {self}. "
                "Correct the cluster."
            )


@dataclass(frozen=True, slots=True)
class Autoscale:
    """Bounds between which the number of workers follows the load."""

    min_workers: int
    max_workers: int

    def __post_init__(self) -> None:
        if not 1 <= self.min_workers <= self.max_workers:
            raise InvalidInput(
                f"Autoscaling needs 1 ≤ min ≤ max workers; got {self.min_workers} to "
                f"{self.max_workers}. Correct the cluster."
            )


@dataclass(frozen=True, slots=True)
class SimulatedCluster:
    """One job cluster as it is asked for.

    Attributes:
        worker_count: how many start; with `autoscale` the number to begin with.
        first_on_demand_count: of driver and workers, in this order, as Databricks counts them.
        executors_per_node, executor_cores: as Databricks does it, one executor has all cores of
            its node.
        is_pooled: nodes come from a pool of idle machines, in seconds instead of minutes.
        spark_version: of Apache Spark, as event logs state it.
        runtime_version: of Databricks, as a cluster's attributes state it.
        spark_conf: (name, value) as the user set them.
        tags: (key, value) that the user put on the cluster.
    """

    worker_type: NodeType
    worker_count: int
    driver_type: NodeType
    cloud: Cloud = Cloud.AWS
    autoscale: Autoscale | None = None
    availability: Availability = Availability.ON_DEMAND
    first_on_demand_count: int = 1
    executors_per_node: int = 1
    executor_cores: int | None = None
    is_photon: bool = False
    is_pooled: bool = False
    disks: AttachedDisks = field(default_factory=AttachedDisks)
    spark_version: str = "3.5.0"
    runtime_version: str = "15.4.x-scala2.12"
    spark_conf: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        bounds = self.autoscale or Autoscale(1, max(1, self.worker_count))
        if not bounds.min_workers <= self.worker_count <= bounds.max_workers:
            raise InvalidInput(
                f"A cluster starts with {bounds.min_workers} to {bounds.max_workers} workers; "
                f"got {self.worker_count}. Correct the cluster."
            )

    @property
    def cores_per_executor(self) -> int:
        """How many spark tasks one executor runs at once."""
        return self.executor_cores or max(1, self.worker_type.cores // self.executors_per_node)

    @property
    def slots_per_node(self) -> int:
        """How many spark tasks one node runs at once."""
        return self.cores_per_executor * self.executors_per_node

    def is_spot_worker(self, ordinal: int) -> bool:
        """Say whether the worker of this number (from 0) is bought on the spot market."""
        # The driver is the first node that `first_on_demand` counts.
        is_kept = ordinal + 1 < self.first_on_demand_count
        return self.availability is not Availability.ON_DEMAND and not is_kept

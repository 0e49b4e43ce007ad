"""What a simulated run was: its stages, spark tasks, executors, nodes and how it ended.

Every time is in seconds since the cluster was requested (`SimulatedRun.requested_at`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from isocost.domain.cluster import ClusterTimeline, NodeInterval
from isocost.simulator.cluster import SimulatedCluster
from isocost.simulator.conditions import RunConditions
from isocost.simulator.workload import Workload

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Booleans: TypeAlias = npt.NDArray[np.bool_]


class SparkTaskEnd(Enum):
    """How a spark task attempt ended; the value is Spark's word for it."""

    SUCCESS = "Success"
    OUT_OF_MEMORY = "ExceptionFailure"
    EXECUTOR_LOST = "ExecutorLostFailure"
    FETCH_FAILED = "FetchFailed"
    KILLED = "TaskKilled"


class NodeEnd(Enum):
    """Why a node left."""

    RELEASED = "released"
    SCALED_DOWN = "scaled down"
    SPOT_LOSS = "spot loss"


class Failure(Enum):
    """Why a run failed."""

    OUT_OF_MEMORY = "out of memory"
    NO_CAPACITY = "no capacity"
    NODES_LOST = "nodes lost"


class ClusterEventKind(Enum):
    """What happened to a cluster; the value is Databricks' name for it."""

    CREATING = "CREATING"
    RUNNING = "RUNNING"
    UPSIZE_COMPLETED = "UPSIZE_COMPLETED"
    RESIZING = "RESIZING"
    NODES_LOST = "NODES_LOST"
    DRIVER_HEALTHY = "DRIVER_HEALTHY"
    TERMINATING = "TERMINATING"


@dataclass(frozen=True, slots=True)
class ClusterEvent:
    """One event in a cluster's life.

    Attributes:
        worker_count: how many workers there are, once it has happened.
        target_worker_count: how many there shall be.
        cause: in words, such as what made it resize; empty where there is nothing to say.
    """

    at_s: float
    kind: ClusterEventKind
    worker_count: int
    target_worker_count: int
    cause: str = ""


@dataclass(frozen=True, slots=True)
class NodeSpan:
    """One node's stay.

    Attributes:
        instance_id: as the cloud names the machine.
        ordinal: number among the workers, in order of request; None for the driver.
        started_s: when it came up and billing began.
    """

    node_id: str
    instance_id: str
    host: str
    node_type_id: str
    ordinal: int | None
    is_spot: bool
    requested_s: float
    started_s: float
    ended_s: float
    end: NodeEnd = NodeEnd.RELEASED

    @property
    def is_driver(self) -> bool:
        """Whether Spark's driver ran on it."""
        return self.ordinal is None


@dataclass(frozen=True, slots=True)
class ExecutorSpan:
    """One executor; `removed_s` is None if it stayed to the end."""

    executor_id: str
    host: str
    cores: int
    added_s: float
    removed_s: float | None = None
    removal_reason: str = ""


@dataclass(frozen=True, slots=True)
class StageAttempt:
    """One attempt of a stage.

    Attributes:
        first_row, row_count: its spark tasks in `SimulatedRun.spark_tasks`, which are sorted by
            stage attempt.
        failure: why it failed; None if it succeeded.
    """

    stage_id: int
    attempt_id: int
    spark_task_count: int
    submitted_s: float
    completed_s: float
    first_row: int
    row_count: int
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class SparkJobSpan:
    """One spark job from submission to end."""

    spark_job_id: int
    submitted_s: float
    ended_s: float
    is_failed: bool = False


@dataclass(frozen=True, slots=True)
class CachedOutput:
    """What a stage left in storage memory: bytes asked for and bytes that found room."""

    stage_id: int
    wanted_bytes: float
    held_bytes: float


@dataclass(frozen=True, slots=True)
class SparkTaskTable:
    """All ended spark task attempts, by columns of one length, in order of stage attempt.

    Attributes:
        spark_task_id: in order of launch, over all stages.
        index: which spark task of its stage; attempts of the same one share it.
        attempt: 0 at first.
        executor: place in `SimulatedRun.executors`.
        end: place in `list(SparkTaskEnd)`.
        lost_s: when the output of a successful one was lost while its stage still ran, so that
            Spark reports it a second time, as `Resubmitted`; NaN otherwise.
    """

    spark_task_id: Integers
    stage_id: Integers
    stage_attempt_id: Integers
    index: Integers
    attempt: Integers
    executor: Integers
    slot: Integers
    end: Integers
    launch_s: Floats
    finish_s: Floats
    lost_s: Floats
    deserialize_s: Floats
    run_s: Floats
    cpu_s: Floats
    gc_s: Floats
    fetch_wait_s: Floats
    shuffle_write_s: Floats
    input_bytes: Floats
    output_bytes: Floats
    shuffle_read_bytes: Floats
    shuffle_remote_fraction: Floats
    shuffle_write_bytes: Floats
    memory_spilled_bytes: Floats
    disk_spilled_bytes: Floats
    peak_memory_bytes: Floats

    def __len__(self) -> int:
        return len(self.launch_s)


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedRun:
    """One run, from the request of its cluster to the release.

    Attributes:
        workload: as it ran: at the run's input scale.
        application_start_s, application_end_s: None if Spark never started.
        released_s: when the last node was given back.
        failure: None if it succeeded; `message` says it in words.
    """

    workload: Workload
    cluster: SimulatedCluster
    conditions: RunConditions
    seed: int
    requested_at: datetime
    spark_tasks: SparkTaskTable
    stages: tuple[StageAttempt, ...]
    spark_jobs: tuple[SparkJobSpan, ...]
    executors: tuple[ExecutorSpan, ...]
    nodes: tuple[NodeSpan, ...]
    cluster_events: tuple[ClusterEvent, ...]
    cached: tuple[CachedOutput, ...]
    released_s: float
    application_start_s: float | None
    application_end_s: float | None
    failure: Failure | None = None
    message: str = ""

    @property
    def runtime_s(self) -> float | None:
        """From the application's start to its end; None if Spark never started."""
        if self.application_start_s is None or self.application_end_s is None:
            return None
        return self.application_end_s - self.application_start_s

    def at(self, seconds: float) -> datetime:
        """Return the time of day of a moment of this run."""
        return self.requested_at + timedelta(seconds=seconds)

    @property
    def timeline(self) -> ClusterTimeline:
        """Every node's stay, the driver's first."""
        return ClusterTimeline(
            tuple(
                NodeInterval(
                    node.node_id, node.node_type_id, self.at(node.started_s), self.at(node.ended_s)
                )
                for node in self.nodes
            )
        )

"""Run profiles: the numbers distilled from one application's event log.

Every time is in seconds since the application's start unless its name ends in `_at`. A number that
the log does not give is `None`, and `RunProfile.missing` says why; it is never zero.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class StageStatus(Enum):
    """How a stage attempt ended, as far as the log tells."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNFINISHED = "unfinished"


class RemovalCause(Enum):
    """Why an executor left before the end."""

    SPOT_LOSS = "spot loss"
    NODE_LOST = "node lost"
    IDLE = "idle"
    LOST_HEARTBEAT = "lost heartbeat"
    OUT_OF_MEMORY = "out of memory"
    DECOMMISSIONED = "decommissioned"
    STOPPED_BY_DRIVER = "stopped by the driver"
    PROCESS_LOST = "process lost"
    UNKNOWN = "unknown"


class OperatorKind(Enum):
    """What an operator of a SQL plan does, as far as cost goes."""

    SCAN = "scan"
    JOIN = "join"
    WRITE = "write"
    AGGREGATE = "aggregate"
    SORT = "sort"
    EXCHANGE = "exchange"
    WINDOW = "window"
    PYTHON = "python"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Distribution:
    """Spark task durations of one stage, compactly.

    Attributes:
        count: how many there were.
        total_s: their exact sum.
        quantiles_s: at `QUANTILE_LEVELS`, in that order; empty if count is 0.
        values_s: in launch order; all of them up to the reader's bound, else an even sample.
    """

    count: int
    total_s: float
    quantiles_s: tuple[float, ...]
    values_s: tuple[float, ...]


QUANTILE_LEVELS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class TaskTotals:
    """Sums over the ended attempts of a stage's spark tasks."""

    executor_run_s: float = 0.0
    executor_cpu_s: float = 0.0
    gc_s: float = 0.0
    deserialize_s: float = 0.0
    shuffle_fetch_wait_s: float = 0.0
    shuffle_write_s: float = 0.0
    input_bytes: int = 0
    output_bytes: int = 0
    shuffle_read_bytes: int = 0
    shuffle_write_bytes: int = 0
    memory_spilled_bytes: int = 0
    disk_spilled_bytes: int = 0
    duration_s: float = 0.0
    scheduler_delay_s: float = 0.0
    result_serialize_s: float = 0.0
    result_fetch_s: float = 0.0
    input_record_count: int = 0
    output_record_count: int = 0


@dataclass(frozen=True, slots=True)
class TimeShares:
    """Where the spark tasks' time went, each as a fraction of all of it (0 to 1).

    Attributes:
        cpu, io: None where the Spark version records no CPU time. `io` is what remains of the run
            time: reading, writing and any other waiting.
    """

    cpu: float | None
    gc: float
    shuffle_wait: float
    shuffle_write: float
    io: float | None
    scheduler_delay: float
    deserialize: float
    result: float


@dataclass(frozen=True, slots=True)
class FailureCount:
    """How many spark task attempts ended for one reason, in Spark's word for it."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Operator:
    """Operators of one name that ran in a stage.

    Attributes:
        output_row_count: what they put out in sum; None if they do not count it.
    """

    name: str
    kind: OperatorKind
    is_photon: bool
    count: int
    output_row_count: int | None = None


@dataclass(frozen=True, slots=True)
class MemoryPeaks:
    """The most that one executor held during a stage; None where nobody measured it."""

    heap_bytes: int | None = None
    execution_bytes: int | None = None
    storage_bytes: int | None = None
    off_heap_bytes: int | None = None
    process_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class StageProfile:
    """One stage attempt.

    Attributes:
        parent_ids: stages whose output this one reads, from the stage DAG.
        spark_job_id: the first spark job that submitted the stage; None if no job start named it.
        submitted_s, completed_s: None where the log lost the event.
        expected_task_count: `Number of Tasks` as announced at submission.
        task_count: ended task attempts, failed ones included.
        durations: launch to finish of the attempts that succeeded.
        peak_execution_memory_bytes: most that one spark task held; None if no task reported it.
        source_ids: stages that made what this one reads: `parent_ids`, with each skipped parent
            replaced by the stage that had made its output before.
        failed_task_count: as Spark counts: attempts neither successful nor killed, and successful
            ones whose output was lost later (`Resubmitted`).
        lost_task_count: spark tasks of a stage that succeeded whose ends are not in the log.
        first_launch_s, last_finish_s: of the spark tasks that succeeded.
        is_cpu_known: False if the Spark version records no CPU time.
    """

    stage_id: int
    attempt_id: int
    name: str
    parent_ids: tuple[int, ...]
    spark_job_id: int | None
    status: StageStatus
    submitted_s: float | None
    completed_s: float | None
    expected_task_count: int
    task_count: int
    failed_task_count: int
    durations: Distribution
    totals: TaskTotals
    peak_execution_memory_bytes: int | None
    resource_profile_id: int = 0
    source_ids: tuple[int, ...] = ()
    sql_execution_id: int | None = None
    failure_reason: str | None = None
    failures: tuple[FailureCount, ...] = ()
    killed_task_count: int = 0
    speculative_task_count: int = 0
    lost_task_count: int = 0
    first_launch_s: float | None = None
    last_finish_s: float | None = None
    operators: tuple[Operator, ...] = ()
    memory_peaks: MemoryPeaks | None = None
    is_cpu_known: bool = True

    @property
    def time_shares(self) -> TimeShares | None:
        """Where the spark tasks' time went; None if none of them told."""
        totals = self.totals
        if totals.duration_s <= 0:
            return None
        cpu_s = min(totals.executor_cpu_s, totals.executor_run_s)
        waits_s = totals.gc_s + totals.shuffle_fetch_wait_s + totals.shuffle_write_s
        io_s = max(0.0, totals.executor_run_s - cpu_s - waits_s)
        whole_s = totals.duration_s
        return TimeShares(
            cpu=cpu_s / whole_s if self.is_cpu_known else None,
            gc=totals.gc_s / whole_s,
            shuffle_wait=totals.shuffle_fetch_wait_s / whole_s,
            shuffle_write=totals.shuffle_write_s / whole_s,
            io=io_s / whole_s if self.is_cpu_known else None,
            scheduler_delay=totals.scheduler_delay_s / whole_s,
            deserialize=totals.deserialize_s / whole_s,
            result=(totals.result_serialize_s + totals.result_fetch_s) / whole_s,
        )


@dataclass(frozen=True, slots=True)
class ExecutorSpan:
    """One executor's stay; `removed_s` is None for one that was there at the end.

    Attributes:
        memory_bytes: what storage and execution share; None if its block manager never said.
        task_s: sum of the durations of the spark tasks it ended.
    """

    executor_id: str
    host: str
    cores: int
    added_s: float
    removed_s: float | None
    removal_reason: str | None = None
    removal_cause: RemovalCause | None = None
    memory_bytes: int | None = None
    resource_profile_id: int = 0
    task_count: int = 0
    task_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SparkJobProfile:
    """One spark job; times are None where the log lost the event.

    Attributes:
        is_succeeded: None if its end is not in the log.
        failure_reason: the first line of what Spark said, without values.
    """

    spark_job_id: int
    submitted_s: float | None
    completed_s: float | None
    is_succeeded: bool | None
    failure_reason: str | None = None
    sql_execution_id: int | None = None


@dataclass(frozen=True, slots=True)
class SqlExecution:
    """One SQL execution.

    Attributes:
        root_execution_id: the execution that this one is a part of; None if it is its own or the
            Spark version does not say.
        description_hash: tells equal descriptions without keeping them; None if there was none.
        plan_fingerprint: equal for the same query on other data; None if its start was lost.
        is_failed: None if its end is not in the log.
        files_read_count, files_read_bytes: what its scans listed; None if they do not tell.
        files_written_count, files_written_bytes: what its writes report; None if they do not.
        description, plan: kept only if asked for.
    """

    execution_id: int
    root_execution_id: int | None
    started_s: float | None
    completed_s: float | None
    is_failed: bool | None
    description_hash: str | None = None
    plan_fingerprint: str | None = None
    files_read_count: int | None = None
    files_read_bytes: int | None = None
    files_written_count: int | None = None
    files_written_bytes: int | None = None
    description: str | None = None
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class CachedRdd:
    """An RDD or table that was cached, at its largest.

    Attributes:
        scope: the operation that made it, such as `InMemoryTableScan`; never its name, which may
            quote a query.
        memory_bytes, disk_bytes: None where the log does not tell: Spark 2.3 and later write
            sizes only with `spark.eventLog.logBlockUpdates.enabled`.
        stage_ids: the first stages that made or read it, in the order in which they ended.
    """

    rdd_id: int
    scope: str
    partition_count: int
    cached_partition_count: int
    memory_bytes: int | None
    disk_bytes: int | None
    is_unpersisted: bool
    stage_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CriticalStep:
    """A stage attempt on the critical path, and how long the application waited for it alone."""

    stage_id: int
    attempt_id: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CoreTime:
    """Core-seconds of all executors from arrival to leave, split by what they did.

    Attributes:
        busy_core_s: running spark tasks, those that failed included.
        driver_core_s: idle while no stage ran.
        skew_core_s: idle while every spark task of the running stages had been launched: waiting
            for the last of them.
        idle_core_s: idle for any other reason.
    """

    total_core_s: float
    busy_core_s: float
    driver_core_s: float
    skew_core_s: float
    idle_core_s: float


@dataclass(frozen=True, slots=True)
class BusyCores:
    """How many cores ran spark tasks over time: means over equal steps from the start."""

    step_s: float
    cores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class DynamicAllocation:
    """What the configuration says of it; None where it says nothing."""

    is_enabled: bool
    min_executor_count: int | None = None
    max_executor_count: int | None = None
    initial_executor_count: int | None = None


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """The cluster as the log's own configuration describes it; None where it says nothing.

    Attributes:
        source: `databricks` (its `clusterUsageTags`) or `spark` (Spark's configuration).
        worker_count: fixed size, or at the start if it scales.
        spot_bid_fraction: of the on-demand rate.
        tags: (key, value) as the cloud's resources carry them, without the creator's name.
    """

    source: str
    master: str | None = None
    cloud: str | None = None
    region: str | None = None
    zone: str | None = None
    cluster_id: str | None = None
    cluster_name: str | None = None
    runtime_version: str | None = None
    is_photon: bool | None = None
    driver_node_type: str | None = None
    worker_node_type: str | None = None
    worker_count: int | None = None
    min_worker_count: int | None = None
    max_worker_count: int | None = None
    is_autoscaling: bool | None = None
    availability: str | None = None
    first_on_demand_count: int | None = None
    spot_bid_fraction: float | None = None
    disk_type: str | None = None
    disk_count_per_node: int | None = None
    disk_gib: int | None = None
    is_elastic_disk: bool | None = None
    databricks_job_id: str | None = None
    databricks_run_id: str | None = None
    executor_count: int | None = None
    executor_cores: int | None = None
    executor_memory: str | None = None
    executor_memory_overhead: str | None = None
    driver_memory: str | None = None
    cores_per_spark_task: float | None = None
    shuffle_partition_count: int | None = None
    is_speculation_on: bool | None = None
    dynamic_allocation: DynamicAllocation | None = None
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MissingFact:
    """A fact the log did not give, and what that does to the numbers."""

    what: str
    reason: str
    effect: str


@dataclass(frozen=True, slots=True)
class RunProfile:
    """One application attempt, distilled.

    Attributes:
        runtime_s: application end − application start by the log's own timestamps.
        driver_s: time within the runtime in which no stage ran.
        slots_per_core: spark tasks one core runs at once (1 / `spark.task.cpus`).
        is_cpu_known: False if the Spark version records no CPU time.
        critical_path: the stages the runtime waited for, in order.
        ideal_runtime_s: with unlimited cores: driver time, and on the critical path the longest
            spark task of each stage. None if no stage ran.
        plan_fingerprint: equal for the same code on other data and on another cluster.
        input_fingerprint: equal for the same inputs by location and format, dates left out.
    """

    application_id: str
    attempt_id: str | None
    application_name: str
    spark_version: str
    started_at: datetime
    runtime_s: float
    is_runtime_estimated: bool
    is_complete: bool
    driver_s: float
    slots_per_core: float
    stages: tuple[StageProfile, ...]
    executors: tuple[ExecutorSpan, ...]
    sql_execution_count: int
    resource_profile_count: int
    core_count_peak: int
    executor_count_peak: int
    node_count_peak: int
    missing: tuple[MissingFact, ...] = ()
    spark_jobs: tuple[SparkJobProfile, ...] = ()
    sql_executions: tuple[SqlExecution, ...] = ()
    cached_rdds: tuple[CachedRdd, ...] = ()
    cluster: ClusterFacts | None = None
    core_time: CoreTime | None = None
    busy_cores: BusyCores | None = None
    critical_path: tuple[CriticalStep, ...] = ()
    ideal_runtime_s: float | None = None
    plan_fingerprint: str | None = None
    input_fingerprint: str | None = None
    is_cpu_known: bool = True

    @property
    def totals(self) -> TaskTotals:
        """Sums over all stages."""
        return TaskTotals(**{
            name: sum(getattr(stage.totals, name) for stage in self.stages)
            for name in TaskTotals.__dataclass_fields__
        })

    @property
    def task_count(self) -> int:
        """Ended task attempts."""
        return sum(stage.task_count for stage in self.stages)

    @property
    def failed_task_count(self) -> int:
        """Ended task attempts that failed or whose output was lost; see `StageProfile`."""
        return sum(stage.failed_task_count for stage in self.stages)

    @property
    def completed_stage_count(self) -> int:
        """Stage attempts that completed, failed ones included."""
        return sum(stage.status is not StageStatus.UNFINISHED for stage in self.stages)

    @property
    def executor_removed_count(self) -> int:
        """Executors that left before the end."""
        return sum(span.removed_s is not None for span in self.executors)

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


@dataclass(frozen=True, slots=True)
class ExecutorSpan:
    """One executor's stay; `removed_s` is None for one that was there at the end."""

    executor_id: str
    host: str
    cores: int
    added_s: float
    removed_s: float | None
    removal_reason: str | None = None


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

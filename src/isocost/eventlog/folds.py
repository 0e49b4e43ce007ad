"""What is known so far of an application's parts: values that grow while a log is read.

All times are in milliseconds since 1970, and None where the log lost the event.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class SparkJobFold:
    """One spark job."""

    spark_job_id: int
    submission_ms: int | None = None
    completion_ms: int | None = None
    result: str | None = None
    failure_reason: str | None = None
    sql_execution_id: int | None = None
    stage_ids: tuple[int, ...] = ()
    is_started: bool = False
    is_ended: bool = False


@dataclass(slots=True)
class ExecutorFold:
    """One executor's stay."""

    executor_id: str
    host: str = ""
    core_count: int | None = None
    resource_profile_id: int = 0
    added_ms: int | None = None
    removed_ms: int | None = None
    removal_reason: str | None = None


@dataclass(slots=True)
class RddFold:
    """One RDD that was cached."""

    rdd_id: int
    scope: str = ""
    partition_count: int = 0
    cached_partition_count: int = 0
    memory_bytes: int = 0
    disk_bytes: int = 0
    is_unpersisted: bool = False
    stage_ids: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Faults:
    """What was wrong with the lines themselves."""

    undecodable: dict[str, int] = field(default_factory=dict)
    foreign_line_count: int = 0
    oversized_line_count: int = 0

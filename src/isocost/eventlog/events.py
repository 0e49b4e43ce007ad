"""One line of an event log in, one typed event out; fields nobody needs are skipped unread.

Field names and units are Spark's own (`JsonProtocol.scala`): milliseconds and bytes, CPU and
shuffle write time in nanoseconds. Each field's name says its unit; seconds begin where they are
folded. Spark tasks have their own module, `task_events`.
"""

from functools import lru_cache
from typing import Any, Final

import msgspec

from isocost.eventlog.plans import PlanNode
from isocost.eventlog.task_events import ExecutorMetrics

EVENT_PREFIX: Final = b'{"Event":"'
_NAME_BEGIN: Final = len(EVENT_PREFIX)
_MAX_NAME_BYTES: Final = 200  # the longest known, of adaptive execution, has 81

# What msgspec raises for a line that is cut, damaged, of wrong types or nested too deep.
UNDECODABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError, OverflowError)

# Names that Spark and Databricks give their events; anything else under "Event" is foreign.
FAMILIES: Final = ("SparkListener", "org.apache.spark.", "DBC", "com.databricks.")


class Event(msgspec.Struct, rename={"name": "Event"}):
    """Any line with an "Event" key."""

    name: str


class StageExecutorMetrics(
    msgspec.Struct,
    rename={
        "stage_id": "Stage ID",
        "attempt_id": "Stage Attempt ID",
        "metrics": "Executor Metrics",
    },
):
    """`SparkListenerStageExecutorMetrics`: one executor's peaks during one stage attempt."""

    stage_id: int
    attempt_id: int = 0
    metrics: ExecutorMetrics = msgspec.field(default_factory=ExecutorMetrics)


class Accumulable(
    msgspec.Struct,
    gc=False,
    rename={"accumulator_id": "ID", "value": "Value", "metadata": "Metadata"},
):
    """`AccumulableInfo` of a completed stage; `metadata` is "sql" for operators' metrics."""

    accumulator_id: int
    value: Any = None
    metadata: str | None = None


class StorageLevel(
    msgspec.Struct, gc=False, rename={"uses_disk": "Use Disk", "uses_memory": "Use Memory"}
):
    """`StorageLevel`; both are False for an RDD that is not cached."""

    uses_disk: bool = False
    uses_memory: bool = False


class RddInfo(
    msgspec.Struct,
    rename={
        "rdd_id": "RDD ID",
        "scope": "Scope",
        "storage": "Storage Level",
        "partition_count": "Number of Partitions",
        "cached_partition_count": "Number of Cached Partitions",
        "memory_bytes": "Memory Size",
        "disk_bytes": "Disk Size",
    },
):
    """`RDDInfo`, without its name: that may quote a query. The scope is JSON within JSON."""

    rdd_id: int
    scope: str = ""
    storage: StorageLevel = msgspec.field(default_factory=StorageLevel)
    partition_count: int = 0
    cached_partition_count: int = 0
    memory_bytes: int = 0
    disk_bytes: int = 0


class StageInfo(
    msgspec.Struct,
    rename={
        "stage_id": "Stage ID",
        "attempt_id": "Stage Attempt ID",
        "name": "Stage Name",
        "task_count": "Number of Tasks",
        "parent_ids": "Parent IDs",
        "submission_ms": "Submission Time",
        "completion_ms": "Completion Time",
        "failure_reason": "Failure Reason",
        "resource_profile_id": "Resource Profile Id",
        "rdds": "RDD Info",
        "accumulables": "Accumulables",
    },
):
    """`StageInfo`, times in milliseconds since 1970; the first RDD is the stage's own."""

    stage_id: int
    task_count: int
    attempt_id: int = 0
    name: str = ""
    parent_ids: list[int] = []
    submission_ms: int | None = None
    completion_ms: int | None = None
    failure_reason: str | None = None
    resource_profile_id: int = 0
    rdds: list[RddInfo] = []
    accumulables: list[Accumulable] = []


class Properties(msgspec.Struct, rename={"sql_execution_id": "spark.sql.execution.id"}):
    """The properties a spark job was started with, as far as they are needed."""

    sql_execution_id: str | None = None

    def execution_id(self) -> int | None:
        """Return the SQL execution that the job or stage belongs to."""
        text = self.sql_execution_id or ""
        return int(text) if text.isdecimal() else None


class StageSubmitted(msgspec.Struct, rename={"info": "Stage Info", "properties": "Properties"}):
    """`SparkListenerStageSubmitted`."""

    info: StageInfo
    properties: Properties | None = None


class StageCompleted(msgspec.Struct, rename={"info": "Stage Info"}):
    """`SparkListenerStageCompleted`."""

    info: StageInfo


class JobStart(
    msgspec.Struct,
    rename={
        "spark_job_id": "Job ID",
        "submission_ms": "Submission Time",
        "stage_ids": "Stage IDs",
        "stages": "Stage Infos",
        "properties": "Properties",
    },
):
    """`SparkListenerJobStart`; its stages are all that it may need, skipped ones included."""

    spark_job_id: int
    submission_ms: int | None = None
    stage_ids: list[int] = []
    stages: list["PlannedStage"] = []
    properties: Properties | None = None


class OwnRdd(msgspec.Struct, gc=False, rename={"rdd_id": "RDD ID"}):
    """An RDD's ID."""

    rdd_id: int


class PlannedStage(
    msgspec.Struct,
    rename={"stage_id": "Stage ID", "parent_ids": "Parent IDs", "rdds": "RDD Info"},
):
    """A stage that a spark job may need: what it makes (its first RDD) and what it reads."""

    stage_id: int
    parent_ids: list[int] = []
    rdds: list[OwnRdd] = []


class JobException(msgspec.Struct, rename={"message": "Message"}):
    """What a failed spark job failed of."""

    message: str = ""


class JobResult(msgspec.Struct, rename={"name": "Result", "exception": "Exception"}):
    """How a spark job ended."""

    name: str = ""
    exception: JobException | None = None


class JobEnd(
    msgspec.Struct,
    rename={
        "spark_job_id": "Job ID",
        "completion_ms": "Completion Time",
        "result": "Job Result",
    },
):
    """`SparkListenerJobEnd`."""

    spark_job_id: int
    completion_ms: int | None = None
    result: JobResult = msgspec.field(default_factory=JobResult)


class ExecutorInfo(
    msgspec.Struct,
    rename={
        "host": "Host",
        "core_count": "Total Cores",
        "resource_profile_id": "Resource Profile Id",
    },
):
    """`ExecutorInfo`."""

    host: str = ""
    core_count: int = 0
    resource_profile_id: int = 0


class ExecutorAdded(
    msgspec.Struct,
    rename={"time_ms": "Timestamp", "executor_id": "Executor ID", "info": "Executor Info"},
):
    """`SparkListenerExecutorAdded`."""

    time_ms: int
    executor_id: str
    info: ExecutorInfo


class ExecutorRemoved(
    msgspec.Struct,
    rename={"time_ms": "Timestamp", "executor_id": "Executor ID", "reason": "Removed Reason"},
):
    """`SparkListenerExecutorRemoved`."""

    time_ms: int
    executor_id: str
    reason: str = ""


class BlockManagerId(msgspec.Struct, rename={"executor_id": "Executor ID", "host": "Host"}):
    """`BlockManagerId`."""

    executor_id: str
    host: str = ""


class BlockManagerAdded(
    msgspec.Struct,
    rename={
        "time_ms": "Timestamp",
        "block_manager": "Block Manager ID",
        "memory_bytes": "Maximum Memory",
    },
):
    """`SparkListenerBlockManagerAdded`; the memory is what storage and execution share."""

    block_manager: BlockManagerId
    time_ms: int = 0
    memory_bytes: int | None = None


class ApplicationStart(
    msgspec.Struct,
    rename={
        "time_ms": "Timestamp",
        "application_id": "App ID",
        "attempt_id": "App Attempt ID",
        "name": "App Name",
    },
):
    """`SparkListenerApplicationStart`; the user's name is not read."""

    time_ms: int
    application_id: str | None = None
    attempt_id: str | None = None
    name: str = ""


class Timestamped(msgspec.Struct, rename={"time_ms": "Timestamp"}):
    """Any event that only tells its time, such as `SparkListenerApplicationEnd`."""

    time_ms: int


class LogStart(msgspec.Struct, rename={"spark_version": "Spark Version"}):
    """`SparkListenerLogStart`."""

    spark_version: str


class DatabricksStart(
    msgspec.Struct, rename={"spark_version": "Spark Version", "time_ms": "Timestamp"}
):
    """`DBCEventLoggingListenerMetadata`, the first line of each part of a Databricks log."""

    spark_version: str
    time_ms: int | None = None


class Environment(msgspec.Struct, rename={"properties": "Spark Properties"}):
    """`SparkListenerEnvironmentUpdate`; older versions write some values that are no strings."""

    properties: dict[str, Any] = {}


class ResourceProfileAdded(
    msgspec.Struct,
    rename={"profile_id": "Resource Profile Id", "per_task": "Task Resource Requests"},
):
    """`SparkListenerResourceProfileAdded`."""

    profile_id: int
    per_task: dict[str, "ResourceAmount"] = {}


class ResourceAmount(msgspec.Struct, rename={"amount": "Amount"}):
    """How much of one resource is asked for."""

    amount: float


class UnpersistRdd(msgspec.Struct, rename={"rdd_id": "RDD ID"}):
    """`SparkListenerUnpersistRDD`."""

    rdd_id: int


class BlockInfo(
    msgspec.Struct,
    rename={"block_id": "Block ID", "memory_bytes": "Memory Size", "disk_bytes": "Disk Size"},
):
    """`BlockUpdatedInfo`; RDD blocks are called `rdd_<rdd>_<partition>`."""

    block_id: str
    memory_bytes: int = 0
    disk_bytes: int = 0


class BlockUpdated(msgspec.Struct, rename={"info": "Block Updated Info"}):
    """`SparkListenerBlockUpdated`."""

    info: BlockInfo


class SqlStart(
    msgspec.Struct,
    rename={
        "execution_id": "executionId",
        "root_execution_id": "rootExecutionId",
        "time_ms": "time",
        "plan": "sparkPlanInfo",
    },
):
    """`SparkListenerSQLExecutionStart`."""

    execution_id: int
    time_ms: int | None = None
    root_execution_id: int | None = None
    description: str | None = None
    plan: PlanNode | None = None


class SqlStartWithText(SqlStart, rename={"plan_text": "physicalPlanDescription"}):
    """The same with the plan's text, which is read only if it is to be kept."""

    plan_text: str | None = None


class SqlEnd(
    msgspec.Struct,
    rename={
        "execution_id": "executionId",
        "time_ms": "time",
        "error_message": "errorMessage",
    },
):
    """`SparkListenerSQLExecutionEnd`; the message is empty if all went well."""

    execution_id: int
    time_ms: int | None = None
    error_message: str | None = None


class AdaptiveUpdate(
    msgspec.Struct, rename={"execution_id": "executionId", "plan": "sparkPlanInfo"}
):
    """`SparkListenerSQLAdaptiveExecutionUpdate`."""

    execution_id: int
    plan: PlanNode


class DriverValues(
    msgspec.Struct, rename={"execution_id": "executionId", "values": "accumUpdates"}
):
    """`SparkListenerDriverAccumUpdates`: (accumulator ID, value) pairs."""

    execution_id: int
    values: list[tuple[int, int]] = []


decode_event: Final = msgspec.json.Decoder(Event).decode


def event_name(line: bytes) -> str | None:
    """Return the event's name without its package; None if the line is no event.

    Spark writes the key first and without spaces; other writers of the same events need not.
    """
    if line.startswith(EVENT_PREFIX):
        end = line.find(b'"', _NAME_BEGIN, _NAME_BEGIN + _MAX_NAME_BYTES)
        return _short_name(line[_NAME_BEGIN:end] if end > 0 else b"")
    try:
        return _short_name(decode_event(line).name.encode("utf-8", "replace"))
    except UNDECODABLE:
        return None


@lru_cache(maxsize=256)
def _short_name(name: bytes) -> str | None:
    """Return an event's name without its package; None if it is none of Spark's."""
    text = name.decode("utf-8", "replace")
    return text.rpartition(".")[2] if text.startswith(FAMILIES) else None

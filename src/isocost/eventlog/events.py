"""One line of an event log in, one typed event out; fields nobody needs are skipped unread.

Field names and units are Spark's own (`JsonProtocol.scala`): milliseconds and bytes, CPU and
shuffle write time in nanoseconds. Each struct says the unit; seconds begin where they are folded.
A field that only some Spark versions write defaults to None, so that absent never reads as zero.
"""

from typing import Any, Final

import msgspec

TASK_END_PREFIX: Final = b'{"Event":"SparkListenerTaskEnd",'
TASK_START_PREFIX: Final = b'{"Event":"SparkListenerTaskStart",'
EVENT_PREFIX: Final = b'{"Event":"'
SQL_PREFIX: Final = "org.apache.spark.sql.execution.ui."

# Names that Spark and Databricks give their events; anything else under "Event" is foreign.
FAMILIES: Final = ("SparkListener", "org.apache.spark.", "DBC", "com.databricks.")


class Event(msgspec.Struct, rename={"name": "Event"}):
    """Any line with an "Event" key."""

    name: str


class TaskInfo(
    msgspec.Struct,
    gc=False,
    rename={
        "task_id": "Task ID",
        "index": "Index",
        "launch_ms": "Launch Time",
        "finish_ms": "Finish Time",
        "getting_result_ms": "Getting Result Time",
        "executor_id": "Executor ID",
        "host": "Host",
        "is_speculative": "Speculative",
    },
):
    """`TaskInfo`: times in milliseconds since 1970; `index` is the partition within the stage."""

    task_id: int
    launch_ms: int
    finish_ms: int = 0
    index: int = -1
    getting_result_ms: int = 0
    executor_id: str = ""
    host: str = ""
    is_speculative: bool = False


class ShuffleRead(
    msgspec.Struct,
    gc=False,
    rename={
        "fetch_wait_ms": "Fetch Wait Time",
        "remote_bytes": "Remote Bytes Read",
        "local_bytes": "Local Bytes Read",
    },
):
    """`Shuffle Read Metrics`."""

    fetch_wait_ms: int = 0
    remote_bytes: int = 0
    local_bytes: int = 0


class ShuffleWrite(
    msgspec.Struct,
    gc=False,
    rename={"written_bytes": "Shuffle Bytes Written", "write_ns": "Shuffle Write Time"},
):
    """`Shuffle Write Metrics`; the time is in nanoseconds."""

    written_bytes: int = 0
    write_ns: int = 0


class InputRead(
    msgspec.Struct, gc=False, rename={"read_bytes": "Bytes Read", "record_count": "Records Read"}
):
    """`Input Metrics`."""

    read_bytes: int = 0
    record_count: int = 0


class OutputWritten(
    msgspec.Struct,
    gc=False,
    rename={"written_bytes": "Bytes Written", "record_count": "Records Written"},
):
    """`Output Metrics`."""

    written_bytes: int = 0
    record_count: int = 0


class TaskMetrics(
    msgspec.Struct,
    gc=False,
    rename={
        "deserialize_ms": "Executor Deserialize Time",
        "run_ms": "Executor Run Time",
        "cpu_ns": "Executor CPU Time",
        "peak_execution_bytes": "Peak Execution Memory",
        "gc_ms": "JVM GC Time",
        "serialize_ms": "Result Serialization Time",
        "memory_spilled_bytes": "Memory Bytes Spilled",
        "disk_spilled_bytes": "Disk Bytes Spilled",
        "shuffle_read": "Shuffle Read Metrics",
        "shuffle_write": "Shuffle Write Metrics",
        "input": "Input Metrics",
        "output": "Output Metrics",
    },
):
    """`Task Metrics`; None in the fields that older versions do not write."""

    run_ms: int = 0
    deserialize_ms: int = 0
    cpu_ns: int | None = None
    peak_execution_bytes: int | None = None
    gc_ms: int = 0
    serialize_ms: int = 0
    memory_spilled_bytes: int = 0
    disk_spilled_bytes: int = 0
    shuffle_read: ShuffleRead | None = None
    shuffle_write: ShuffleWrite | None = None
    input: InputRead | None = None
    output: OutputWritten | None = None


class EndReason(
    msgspec.Struct,
    gc=False,
    rename={
        "name": "Reason",
        "class_name": "Class Name",
        "loss_reason": "Loss Reason",
        "kill_reason": "Kill Reason",
    },
):
    """`Task End Reason`, without its messages and stack traces: they may quote data."""

    name: str = "UnknownReason"
    class_name: str | None = None
    loss_reason: str | None = None
    kill_reason: str | None = None


class TaskEnd(
    msgspec.Struct,
    gc=False,
    rename={
        "stage_id": "Stage ID",
        "attempt_id": "Stage Attempt ID",
        "reason": "Task End Reason",
        "info": "Task Info",
        "metrics": "Task Metrics",
    },
):
    """`SparkListenerTaskEnd`; `metrics` is None for most attempts that failed."""

    stage_id: int
    info: TaskInfo
    reason: EndReason = msgspec.field(default_factory=EndReason)
    attempt_id: int = 0
    metrics: TaskMetrics | None = None


class TaskStart(
    msgspec.Struct,
    gc=False,
    rename={"stage_id": "Stage ID", "attempt_id": "Stage Attempt ID", "info": "Task Info"},
):
    """`SparkListenerTaskStart`."""

    stage_id: int
    info: TaskInfo
    attempt_id: int = 0


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
    },
):
    """`StageInfo`, times in milliseconds since 1970."""

    stage_id: int
    task_count: int
    attempt_id: int = 0
    name: str = ""
    parent_ids: list[int] = []
    submission_ms: int | None = None
    completion_ms: int | None = None
    failure_reason: str | None = None
    resource_profile_id: int = 0


class StageSubmitted(msgspec.Struct, rename={"info": "Stage Info"}):
    """`SparkListenerStageSubmitted`."""

    info: StageInfo


class StageCompleted(msgspec.Struct, rename={"info": "Stage Info"}):
    """`SparkListenerStageCompleted`."""

    info: StageInfo


class JobStart(
    msgspec.Struct,
    rename={
        "spark_job_id": "Job ID",
        "submission_ms": "Submission Time",
        "stage_ids": "Stage IDs",
    },
):
    """`SparkListenerJobStart`."""

    spark_job_id: int
    submission_ms: int | None = None
    stage_ids: list[int] = []


class JobResult(msgspec.Struct, rename={"name": "Result"}):
    """How a spark job ended."""

    name: str = ""


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


class ExecutorInfo(msgspec.Struct, rename={"host": "Host", "core_count": "Total Cores"}):
    """`ExecutorInfo`."""

    host: str = ""
    core_count: int = 0


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


class SqlStart(
    msgspec.Struct,
    rename={
        "execution_id": "executionId",
        "root_execution_id": "rootExecutionId",
        "time_ms": "time",
    },
):
    """`SparkListenerSQLExecutionStart`, without its plan."""

    execution_id: int
    time_ms: int | None = None
    root_execution_id: int | None = None


class SqlEnd(msgspec.Struct, rename={"execution_id": "executionId", "time_ms": "time"}):
    """`SparkListenerSQLExecutionEnd`."""

    execution_id: int
    time_ms: int | None = None


decode_event: Final = msgspec.json.Decoder(Event).decode
decode_task_end: Final = msgspec.json.Decoder(TaskEnd).decode
decode_task_start: Final = msgspec.json.Decoder(TaskStart).decode


def event_name(line: bytes) -> str | None:
    """Return the event's name without its package; None if the line is no event.

    Spark writes the key first and without spaces; other writers of the same events need not.
    """
    if line.startswith(EVENT_PREFIX):
        end = line.find(b'"', len(EVENT_PREFIX), len(EVENT_PREFIX) + 200)
        name = line[len(EVENT_PREFIX) : end].decode("utf-8", "replace") if end > 0 else ""
    else:
        try:
            name = decode_event(line).name
        except msgspec.MsgspecError:
            return None
    return name if name.startswith(FAMILIES) else None

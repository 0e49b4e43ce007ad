"""Builders of event-log lines with plain defaults, spelled as Spark spells them."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from isocost.eventlog.parts import ApplicationLog, LogPart

START_MS: Final = 1_700_000_000_000
TASK_S: Final = 1.0


def line(name: str, **fields: Any) -> bytes:
    """Return one event; its fields' names are given as Spark writes them."""
    return json.dumps({"Event": name, **fields}, separators=(",", ":")).encode()


def joined(lines: Iterable[bytes]) -> bytes:
    """Return a log: every line with its line break."""
    return b"".join(entry + b"\n" for entry in lines)


def as_log(lines: Iterable[bytes], location: str = "a built log") -> ApplicationLog:
    """Return lines as a log of one part."""
    data = joined(lines)
    return ApplicationLog(location, (LogPart(location, lambda: iter([data])),))


def at(seconds: float) -> int:
    """Return a time in milliseconds, counted from the application's start."""
    return START_MS + round(seconds * 1000)


def log_start(version: str = "3.5.1") -> bytes:
    """Return the line that every log of Spark begins with."""
    return line("SparkListenerLogStart", **{"Spark Version": version})


def databricks_start(rollover: int = 0, context: int = 77) -> bytes:
    """Return the line that every part of a Databricks log begins with."""
    return line(
        "DBCEventLoggingListenerMetadata",
        **{
            "Spark Version": "3.4.1",
            "Timestamp": at(rollover),
            "Rollover Number": rollover,
            "SparkContext Id": context,
        },
    )


def application_start(seconds: float = 0.0, **fields: Any) -> bytes:
    """Return the start of application `app-1`."""
    known = {"App Name": "a test", "App ID": "app-1", "Timestamp": at(seconds), "User": "nobody"}
    return line("SparkListenerApplicationStart", **{**known, **fields})


def application_end(seconds: float = 20.0) -> bytes:
    """Return the application's end."""
    return line("SparkListenerApplicationEnd", Timestamp=at(seconds))


def environment(**properties: str) -> bytes:
    """Return Spark's configuration; underscores in names become dots."""
    named = {name.replace("_", "."): value for name, value in properties.items()}
    return line("SparkListenerEnvironmentUpdate", **{"Spark Properties": named})


def executor_added(executor_id: str = "1", seconds: float = 0.5, **info: Any) -> bytes:
    """Return the arrival of an executor with 2 cores on `host-<ID>`."""
    known = {"Host": f"host-{executor_id}", "Total Cores": 2, "Resource Profile Id": 0}
    return line(
        "SparkListenerExecutorAdded",
        **{
            "Timestamp": at(seconds),
            "Executor ID": executor_id,
            "Executor Info": {**known, **info},
        },
    )


def executor_removed(executor_id: str, seconds: float, reason: str) -> bytes:
    """Return the leave of an executor."""
    return line(
        "SparkListenerExecutorRemoved",
        **{"Timestamp": at(seconds), "Executor ID": executor_id, "Removed Reason": reason},
    )


def stage_info(stage_id: int = 0, task_count: int = 4, **fields: Any) -> dict[str, Any]:
    """Return a stage's description; its RDD has the stage's own ID times ten."""
    known = {
        "Stage ID": stage_id,
        "Stage Attempt ID": 0,
        "Stage Name": f"count at Test.scala:{stage_id}",
        "Number of Tasks": task_count,
        "RDD Info": [an_rdd(stage_id * 10)],
        "Parent IDs": [],
        "Accumulables": [],
        "Resource Profile Id": 0,
    }
    return {**known, **fields}


def an_rdd(rdd_id: int, *, is_cached: bool = False, **fields: Any) -> dict[str, Any]:
    """Return an RDD's description."""
    known = {
        "RDD ID": rdd_id,
        "Name": "MapPartitionsRDD",
        "Scope": '{"id":"1","name":"map"}',
        "Parent IDs": [],
        "Storage Level": {"Use Disk": False, "Use Memory": is_cached, "Deserialized": False},
        "Number of Partitions": 4,
        "Number of Cached Partitions": 4 if is_cached else 0,
        "Memory Size": 0,
        "Disk Size": 0,
    }
    return {**known, **fields}


def job_start(spark_job_id: int = 0, stages: Sequence[dict[str, Any]] = (), **extra: Any) -> bytes:
    """Return the start of a spark job 1 s after the application's."""
    known = {
        "Job ID": spark_job_id,
        "Submission Time": at(1.0),
        "Stage Infos": list(stages),
        "Stage IDs": [stage["Stage ID"] for stage in stages],
        "Properties": {},
    }
    return line("SparkListenerJobStart", **{**known, **extra})


def job_end(spark_job_id: int = 0, seconds: float = 15.0, result: str = "JobSucceeded") -> bytes:
    """Return a spark job's end."""
    return line(
        "SparkListenerJobEnd",
        **{
            "Job ID": spark_job_id,
            "Completion Time": at(seconds),
            "Job Result": {"Result": result},
        },
    )


def stage_submitted(info: dict[str, Any], seconds: float = 1.0) -> bytes:
    """Return a stage's submission."""
    submitted = {**info, "Submission Time": at(seconds)}
    return line("SparkListenerStageSubmitted", **{"Stage Info": submitted, "Properties": {}})


def stage_completed(info: dict[str, Any], begin_s: float = 1.0, end_s: float = 9.0) -> bytes:
    """Return a stage's end."""
    times = {"Submission Time": at(begin_s), "Completion Time": at(end_s)}
    return line("SparkListenerStageCompleted", **{"Stage Info": {**info, **times}})


def task_start(task_id: int = 0, stage_id: int = 0, launch_s: float = 2.0) -> bytes:
    """Return a spark task's start."""
    return line(
        "SparkListenerTaskStart",
        **{"Stage ID": stage_id, "Stage Attempt ID": 0, "Task Info": _info(task_id, launch_s)},
    )


def task_end(
    task_id: int = 0,
    stage_id: int = 0,
    launch_s: float = 2.0,
    *,
    duration_s: float = TASK_S,
    reason: dict[str, Any] | None = None,
    **changes: Any,
) -> bytes:
    """Return a spark task's end; `changes` replace whole entries, such as `Task Info`.

    Its run time is nine tenths of its duration, of which half is CPU and a tenth GC.
    """
    info = _info(task_id, launch_s) | {"Finish Time": at(launch_s + duration_s)}
    known = {
        "Stage ID": stage_id,
        "Stage Attempt ID": 0,
        "Task Type": "ResultTask",
        "Task End Reason": reason or {"Reason": "Success"},
        "Task Info": info,
        "Task Metrics": task_metrics(duration_s),
    }
    return line("SparkListenerTaskEnd", **{**known, **changes})


def task_metrics(duration_s: float = TASK_S, **changes: Any) -> dict[str, Any]:
    """Return a spark task's metrics: 1000 bytes read, 200 shuffled in, 100 out, 50 spilled."""
    run_ms = round(duration_s * 900)
    known = {
        "Executor Deserialize Time": 5,
        "Executor Deserialize CPU Time": 4_000_000,
        "Executor Run Time": run_ms,
        "Executor CPU Time": run_ms * 500_000,
        "Peak Execution Memory": 1_000_000,
        "Result Size": 1000,
        "JVM GC Time": run_ms // 10,
        "Result Serialization Time": 1,
        "Memory Bytes Spilled": 100,
        "Disk Bytes Spilled": 50,
        "Shuffle Read Metrics": {
            "Remote Blocks Fetched": 1,
            "Local Blocks Fetched": 1,
            "Fetch Wait Time": 7,
            "Remote Bytes Read": 150,
            "Local Bytes Read": 50,
        },
        "Shuffle Write Metrics": {
            "Shuffle Bytes Written": 100,
            "Shuffle Write Time": 2_000_000,
            "Shuffle Records Written": 10,
        },
        "Input Metrics": {"Bytes Read": 1000, "Records Read": 10},
        "Output Metrics": {"Bytes Written": 10, "Records Written": 1},
        "Updated Blocks": [],
    }
    return {**known, **changes}


def a_stage(stage_id: int = 0, task_count: int = 4, begin_s: float = 1.0) -> list[bytes]:
    """Return all lines of a stage whose spark tasks of 1 s run two at a time."""
    info = stage_info(stage_id, task_count)
    lines = [stage_submitted(info, begin_s)]
    first_id = stage_id * 1000
    for n in range(task_count):
        lines.append(task_start(first_id + n, stage_id, begin_s + n // 2))
        lines.append(task_end(first_id + n, stage_id, begin_s + n // 2))
    end_s = begin_s + (task_count + 1) // 2
    return [*lines, stage_completed(info, begin_s, end_s)]


def an_application(stage_count: int = 2, task_count: int = 4) -> list[bytes]:
    """Return a whole log: one executor of 2 cores, one spark job, stages one after the other."""
    seconds = (task_count + 1) // 2
    stages = [stage_info(n, task_count) for n in range(stage_count)]
    lines = [log_start(), application_start(), environment(), executor_added()]
    lines.append(job_start(0, stages))
    for n in range(stage_count):
        lines += a_stage(n, task_count, begin_s=1.0 + n * seconds)
    end_s = 1.0 + stage_count * seconds
    return [*lines, job_end(0, end_s), application_end(end_s + 1.0)]


def sql_start(execution_id: int = 0, plan: dict[str, Any] | None = None, **fields: Any) -> bytes:
    """Return the start of a SQL execution 1 s after the application's."""
    known = {
        "executionId": execution_id,
        "description": "select * from secrets",
        "details": "",
        "physicalPlanDescription": "== Physical Plan ==",
        "sparkPlanInfo": plan or a_plan(),
        "time": at(1.0),
    }
    return line(
        "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart", **{**known, **fields}
    )


def sql_update(execution_id: int, plan: dict[str, Any]) -> bytes:
    """Return a step of adaptive execution."""
    return line(
        "org.apache.spark.sql.execution.ui.SparkListenerSQLAdaptiveExecutionUpdate",
        executionId=execution_id,
        physicalPlanDescription="== Physical Plan ==",
        sparkPlanInfo=plan,
    )


def sql_end(execution_id: int = 0, seconds: float = 10.0) -> bytes:
    """Return the end of a SQL execution."""
    return line(
        "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionEnd",
        executionId=execution_id,
        time=at(seconds),
        errorMessage="",
    )


def a_plan(
    name: str = "Project",
    text: str = "Project [a#1]",
    children: Sequence[dict[str, Any]] = (),
    **fields: Any,
) -> dict[str, Any]:
    """Return one operator of a plan."""
    known = {"nodeName": name, "simpleString": text, "children": list(children)}
    return {**known, "metadata": {}, "metrics": [], **fields}


def a_metric(accumulator_id: int, name: str = "number of output rows") -> dict[str, Any]:
    """Return an operator's metric."""
    return {"name": name, "accumulatorId": accumulator_id, "metricType": "sum"}


def _info(task_id: int, launch_s: float) -> dict[str, Any]:
    return {
        "Task ID": task_id,
        "Index": task_id % 1000,
        "Attempt": 0,
        "Launch Time": at(launch_s),
        "Executor ID": "1",
        "Host": "host-1",
        "Locality": "PROCESS_LOCAL",
        "Speculative": False,
        "Getting Result Time": 0,
        "Finish Time": 0,
        "Failed": False,
        "Killed": False,
        "Accumulables": [],
    }

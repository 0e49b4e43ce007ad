"""Spark jobs, stages, SQL executions and executors in; their event-log lines out."""

from collections.abc import Iterator
from typing import Any, Final

from isocost.simulator.identity import RunIdentity
from isocost.simulator.log_lines import Lines, Rank, epoch_ms, event, lines
from isocost.simulator.log_plans import SQL_PACKAGE, driver_updates, plan_of, row_metrics
from isocost.simulator.log_settings import environment_line, executor_heap_bytes
from isocost.simulator.run import ExecutorSpan, SimulatedRun, StageAttempt
from isocost.simulator.workload import SimulatedSql, SimulatedStage

# Ports are of no consequence; these are Spark's first choices on Databricks.
_BLOCK_MANAGER_PORT: Final = 40_000
# RDD IDs are dealt out by stage.
_RDDS_PER_STAGE: Final = 10


def head_lines(run: SimulatedRun, identity: RunIdentity, *, is_databricks: bool) -> Lines:
    """Return what stands before anything runs."""
    start_s = run.application_start_s or 0.0
    driver_host = run.nodes[0].host
    texts = [
        event(
            "SparkListenerResourceProfileAdded",
            **{
                "Resource Profile Id": 0,
                "Executor Resource Requests": {},
                "Task Resource Requests": {"cpus": {"Resource Name": "cpus", "Amount": 1.0}},
            },
        ),
        _block_manager(run, "driver", driver_host, at_s=start_s),
        environment_line(run, identity, is_databricks=is_databricks),
        event(
            "SparkListenerApplicationStart",
            **{
                "App Name": run.workload.name,
                "App ID": identity.application_id,
                "Timestamp": epoch_ms(run, start_s),
                "User": "root",
            },
        ),
    ]
    if not is_databricks:
        version = {"Spark Version": run.cluster.spark_version}
        texts.insert(0, event("SparkListenerLogStart", **version))
    return lines(Rank.HEAD, [(start_s, text) for text in texts])


def end_lines(run: SimulatedRun) -> Lines:
    """Return the application's end."""
    end_s = run.application_end_s or 0.0
    text = event("SparkListenerApplicationEnd", Timestamp=epoch_ms(run, end_s))
    return lines(Rank.APPLICATION_END, [(end_s, text)])


def executor_lines(run: SimulatedRun) -> Iterator[Lines]:
    """Yield executors' arrivals and leaves."""
    for span in run.executors:
        added = (span.added_s, _executor_added(run, span))
        manager = _block_manager(run, span.executor_id, span.host, at_s=span.added_s)
        yield lines(Rank.EXECUTOR_ADDED, [added, (span.added_s, manager)])
        if span.removed_s is not None:
            removed = event(
                "SparkListenerExecutorRemoved",
                **{
                    "Timestamp": epoch_ms(run, span.removed_s),
                    "Executor ID": span.executor_id,
                    "Removed Reason": span.removal_reason,
                },
            )
            yield lines(Rank.EXECUTOR_REMOVED, [(span.removed_s, removed)])


def _executor_added(run: SimulatedRun, span: ExecutorSpan) -> str:
    info = {"Host": span.host, "Total Cores": span.cores, "Log Urls": {}, "Attributes": {}}
    return event(
        "SparkListenerExecutorAdded",
        **{
            "Timestamp": epoch_ms(run, span.added_s),
            "Executor ID": span.executor_id,
            "Executor Info": {**info, "Resources": {}, "Resource Profile Id": 0},
        },
    )


def _block_manager(run: SimulatedRun, executor_id: str, host: str, *, at_s: float) -> str:
    heap = executor_heap_bytes(run.cluster)
    return event(
        "SparkListenerBlockManagerAdded",
        **{
            "Block Manager ID": {
                "Executor ID": executor_id,
                "Host": host,
                "Port": _BLOCK_MANAGER_PORT,
            },
            "Maximum Memory": heap,
            "Timestamp": epoch_ms(run, at_s),
            "Maximum Onheap Memory": heap,
            "Maximum Offheap Memory": 0,
        },
    )


def spark_job_lines(run: SimulatedRun) -> Iterator[Lines]:
    """Yield spark jobs' starts and ends."""
    stages_of: dict[int, list[SimulatedStage]] = {}
    for stage in run.workload.stages:
        stages_of.setdefault(stage.spark_job_id, []).append(stage)
    sql_of = {each.spark_job_id: each.sql_execution_id for each in run.workload.spark_jobs}
    for span in run.spark_jobs:
        stages = stages_of[span.spark_job_id]
        sql_id = sql_of[span.spark_job_id]
        start = event(
            "SparkListenerJobStart",
            **{
                "Job ID": span.spark_job_id,
                "Submission Time": epoch_ms(run, span.submitted_s),
                "Stage Infos": [_stage_info(run, stage) for stage in stages],
                "Stage IDs": [stage.stage_id for stage in stages],
                "Properties": {} if sql_id is None else {"spark.sql.execution.id": str(sql_id)},
            },
        )
        yield lines(Rank.SPARK_JOB_START, [(span.submitted_s, start)])
        end = event(
            "SparkListenerJobEnd",
            **{
                "Job ID": span.spark_job_id,
                "Completion Time": epoch_ms(run, span.ended_s),
                "Job Result": _result(run, is_failed=span.is_failed),
            },
        )
        yield lines(Rank.SPARK_JOB_END, [(span.ended_s, end)])


def _result(run: SimulatedRun, *, is_failed: bool) -> dict[str, Any]:
    if not is_failed:
        return {"Result": "JobSucceeded"}
    return {"Result": "JobFailed", "Exception": {"Message": run.message, "Stack Trace": []}}


def stage_lines(run: SimulatedRun) -> Iterator[Lines]:
    """Yield stage attempts' submissions and completions."""
    positions = {stage.stage_id: n for n, stage in enumerate(run.workload.stages)}
    sql_of = {each.spark_job_id: each.sql_execution_id for each in run.workload.spark_jobs}
    for attempt in run.stages:
        position = positions[attempt.stage_id]
        stage = run.workload.stages[position]
        info = _stage_info(run, stage, attempt)
        sql_id = sql_of[stage.spark_job_id]
        properties = {} if sql_id is None else {"spark.sql.execution.id": str(sql_id)}
        info["Submission Time"] = epoch_ms(run, attempt.submitted_s)
        submitted = event(
            "SparkListenerStageSubmitted", **{"Stage Info": info, "Properties": properties}
        )
        yield lines(Rank.STAGE_SUBMITTED, [(attempt.submitted_s, submitted)])
        info = {**info, "Completion Time": epoch_ms(run, attempt.completed_s)}
        info["Accumulables"] = _accumulables(stage, position)
        if attempt.failure is not None:
            info["Failure Reason"] = attempt.failure
        completed = event("SparkListenerStageCompleted", **{"Stage Info": info})
        yield lines(Rank.STAGE_COMPLETED, [(attempt.completed_s, completed)])


def _accumulables(stage: SimulatedStage, position: int) -> list[dict[str, Any]]:
    return [
        {
            "ID": metric.accumulator_id,
            "Name": metric.name,
            "Value": str(metric.value),
            "Internal": True,
            "Count Failed Values": True,
            "Metadata": "sql",
        }
        for metric in row_metrics(stage, position)
    ]


def _stage_info(
    run: SimulatedRun, stage: SimulatedStage, attempt: StageAttempt | None = None
) -> dict[str, Any]:
    is_sql = bool(stage.operators)
    first_rdd = stage.stage_id * _RDDS_PER_STAGE
    cached = [each for each in run.cached if each.stage_id == stage.stage_id]
    rdds = [_rdd(stage, first_rdd, is_cached=False, name="MapPartitionsRDD")]
    if cached:
        rdds.append(_rdd(stage, first_rdd + 1, is_cached=True, name="cached"))
    if stage.cache_source_id is not None:
        source = stage.cache_source_id * _RDDS_PER_STAGE + 1
        rdds.append(_rdd(stage, source, is_cached=True, name="cached"))
    return {
        "Stage ID": stage.stage_id,
        "Stage Attempt ID": attempt.attempt_id if attempt else 0,
        "Stage Name": stage.name,
        "Number of Tasks": attempt.spark_task_count if attempt else stage.spark_task_count,
        "RDD Info": rdds,
        "Parent IDs": list(stage.parent_ids),
        "Details": "org.apache.spark.sql.Dataset" if is_sql else "org.apache.spark.rdd.RDD",
        "Accumulables": [],
        "Resource Profile Id": 0,
    }


def _rdd(stage: SimulatedStage, rdd_id: int, *, is_cached: bool, name: str) -> dict[str, Any]:
    operator = stage.operators[-1] if stage.operators else stage.name.partition(" ")[0]
    return {
        "RDD ID": rdd_id,
        "Name": name,
        "Scope": f'{{"id":"{rdd_id}","name":"{operator}"}}',
        "Callsite": stage.name,
        "Parent IDs": [],
        "Storage Level": {
            "Use Disk": False,
            "Use Memory": is_cached,
            "Use Off Heap": False,
            "Deserialized": is_cached,
            "Replication": 1,
        },
        "Barrier": False,
        "DeterministicLevel": "DETERMINATE",
        "Number of Partitions": stage.spark_task_count,
        "Number of Cached Partitions": 0,
        "Memory Size": 0,
        "Disk Size": 0,
    }


def sql_lines(run: SimulatedRun) -> Iterator[Lines]:
    """Yield SQL executions' starts, driver metrics and ends."""
    spans = {span.spark_job_id: span for span in run.spark_jobs}
    for sql in run.workload.sql_executions:
        own = [
            spans[each.spark_job_id]
            for each in run.workload.spark_jobs
            if each.sql_execution_id == sql.sql_execution_id and each.spark_job_id in spans
        ]
        if not own:
            continue
        start_s = min(span.submitted_s for span in own)
        end_s = max(span.ended_s for span in own)
        is_failed = any(span.is_failed for span in own)
        updates = _sql(
            "SparkListenerDriverAccumUpdates", sql, accumUpdates=driver_updates(run, sql)
        )
        start = [(start_s, _sql_start(run, sql, start_s)), (start_s, updates)]
        yield lines(Rank.SQL_START, start)
        times = {"time": epoch_ms(run, end_s), "errorMessage": run.message if is_failed else ""}
        yield lines(Rank.SQL_END, [(end_s, _sql("SparkListenerSQLExecutionEnd", sql, **times))])


def _sql_start(run: SimulatedRun, sql: SimulatedSql, start_s: float) -> str:
    return _sql(
        "SparkListenerSQLExecutionStart",
        sql,
        rootExecutionId=sql.sql_execution_id,
        description=sql.description,
        details="",
        physicalPlanDescription="== Physical Plan ==",
        sparkPlanInfo=plan_of(run, sql),
        time=epoch_ms(run, start_s),
        modifiedConfigs={},
    )


def _sql(name: str, sql: SimulatedSql, **fields: Any) -> str:  # noqa: ANN401  any JSON
    return event(SQL_PACKAGE + name, executionId=sql.sql_execution_id, **fields)

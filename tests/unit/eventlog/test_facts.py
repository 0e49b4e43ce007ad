"""What a profile says of stages, spark tasks, executors, spark jobs, queries and the cluster."""

import pytest

from isocost.domain.profile import (
    FailureCount,
    OperatorKind,
    RemovalCause,
    RunProfile,
    StageStatus,
)
from isocost.eventlog.reasons import removal_cause, short_reason
from isocost.eventlog.summarize import ReadOptions, read_profile_from_chunks
from isocost.testing import event_logs as log


def read(*lines: bytes, options: ReadOptions | None = None) -> RunProfile:
    data = log.joined([log.log_start(), log.application_start(), *lines, log.application_end()])
    return read_profile_from_chunks([data], options=options)


def a_stage_of(*ends: bytes, **info) -> RunProfile:
    about = log.stage_info(0, **{"task_count": len(ends)} | info)
    return read(log.stage_submitted(about), *ends, log.stage_completed(about))


def test_totals_are_sums_in_seconds_and_bytes():
    totals = a_stage_of(log.task_end(0), log.task_end(1)).totals
    assert (totals.executor_run_s, totals.executor_cpu_s, totals.gc_s) == (1.8, 0.9, 0.18)
    assert (totals.input_bytes, totals.output_bytes) == (2000, 20)
    assert (totals.shuffle_read_bytes, totals.shuffle_write_bytes) == (400, 200)
    assert (totals.memory_spilled_bytes, totals.disk_spilled_bytes) == (200, 100)
    assert totals.scheduler_delay_s == pytest.approx(0.188)


def test_time_shares_add_up_to_all_the_time():
    shares = a_stage_of(log.task_end(0)).stages[0].time_shares
    parts = (
        shares.cpu,
        shares.gc,
        shares.shuffle_wait,
        shares.shuffle_write,
        shares.io,
        shares.scheduler_delay,
        shares.deserialize,
        shares.result,
    )
    assert sum(parts) == pytest.approx(1.0)


def test_failed_and_killed_attempts_are_counted_apart():
    failed = {"Reason": "ExceptionFailure", "Class Name": "java.lang.Boom"}
    stage = a_stage_of(
        log.task_end(0),
        log.task_end(1, reason=failed),
        log.task_end(2, reason={"Reason": "TaskKilled", "Kill Reason": "another attempt"}),
    ).stages[0]
    assert (stage.task_count, stage.failed_task_count, stage.killed_task_count) == (3, 1, 1)
    assert stage.failures == (FailureCount("ExceptionFailure", 1),)
    assert stage.durations.count == 1


def test_resubmitted_attempt_counts_again_but_its_time_does_not():
    stage = a_stage_of(log.task_end(0), log.task_end(0, reason={"Reason": "Resubmitted"})).stages[
        0
    ]
    assert (stage.task_count, stage.failed_task_count) == (2, 1)
    assert stage.totals.duration_s == 1.0


def test_speculative_attempts_are_counted():
    info = {"Task ID": 1, "Index": 0, "Launch Time": log.at(2), "Finish Time": log.at(3)}
    stage = a_stage_of(
        log.task_end(0), log.task_end(1, **{"Task Info": info | {"Speculative": True}})
    )
    assert stage.stages[0].speculative_task_count == 1


def test_stage_that_failed_says_why_without_quoting():
    info = log.stage_info(0, 1)
    why = "Job aborted: org.apache.spark.SparkException: row 'secret' is bad"
    profile = read(log.stage_submitted(info), log.stage_completed({**info, "Failure Reason": why}))
    assert profile.stages[0].status is StageStatus.FAILED
    assert profile.stages[0].failure_reason == "SparkException"


def test_stage_retry_is_an_attempt_of_its_own():
    first, second = log.stage_info(0, 1), log.stage_info(0, 1, **{"Stage Attempt ID": 1})
    profile = read(
        log.stage_submitted(first),
        log.stage_completed({**first, "Failure Reason": "FetchFailedException"}),
        log.stage_submitted(second),
        log.task_end(5, **{"Stage Attempt ID": 1}),
        log.stage_completed(second),
    )
    assert [(s.attempt_id, s.status) for s in profile.stages] == [
        (0, StageStatus.FAILED),
        (1, StageStatus.SUCCEEDED),
    ]


def test_source_of_a_stage_is_the_one_that_made_what_it_reads():
    made = log.stage_info(0, 1)
    skipped = log.stage_info(1, 1, **{"RDD Info": [log.an_rdd(0)]})
    reader = log.stage_info(2, 1, **{"Parent IDs": [1]})
    profile = read(
        log.job_start(0, [made]),
        *log.a_stage(0, 1),
        log.job_end(0),
        log.job_start(1, [skipped, reader]),
        log.stage_submitted(reader),
        log.stage_completed(reader),
        log.job_end(1),
    )
    by_id = {stage.stage_id: stage for stage in profile.stages}
    assert (by_id[2].parent_ids, by_id[2].source_ids) == ((1,), (0,))


def test_stage_belongs_to_the_first_spark_job_that_needs_it():
    info = log.stage_info(0, 1)
    profile = read(log.job_start(3, [info]), log.job_start(2, [info]), *log.a_stage(0, 1))
    assert profile.stages[0].spark_job_id == 2


def test_failed_spark_job_says_so():
    profile = read(log.job_start(0), log.job_end(0, result="JobFailed"))
    assert profile.spark_jobs[0].is_succeeded is False


def test_executors_peak_is_the_most_at_one_time():
    profile = read(
        log.executor_added("1", 1.0),
        log.executor_removed("1", 5.0, "worker lost: gone"),
        log.executor_added("2", 5.0),
        log.executor_added("3", 6.0, Host="host-2"),
    )
    peaks = (profile.executor_count_peak, profile.core_count_peak, profile.node_count_peak)
    assert peaks == (2, 4, 1)
    assert profile.executor_removed_count == 1


def test_local_mode_has_one_executor_with_the_masters_cores():
    profile = read(log.environment(spark_master="local[6,4]"), *log.a_stage(0, 1))
    assert profile.executors[0].executor_id == "1"
    alone = read(log.environment(spark_master="local[6]"))
    assert (alone.core_count_peak, alone.executor_count_peak) == (6, 1)
    assert alone.executors[0].executor_id == "driver"


def test_driver_of_a_cluster_is_no_executor():
    profile = read(log.environment(spark_master="yarn"), log.executor_added("driver"))
    assert profile.executors == ()


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("Executor decommission: spot instance interruption", RemovalCause.SPOT_LOSS),
        ("Instance preempted by cloud provider", RemovalCause.SPOT_LOSS),
        ("Executor heartbeat timed out after 130000 ms", RemovalCause.LOST_HEARTBEAT),
        ("worker lost: 10.0.0.1:42 got disassociated", RemovalCause.NODE_LOST),
        ("Container killed by YARN for exceeding memory limits.", RemovalCause.OUT_OF_MEMORY),
        ("Command exited with code 137", RemovalCause.OUT_OF_MEMORY),
        ("Command exited with code 1", RemovalCause.PROCESS_LOST),
        ("Executor Process Lost", RemovalCause.PROCESS_LOST),
        ("Executor killed by driver.", RemovalCause.STOPPED_BY_DRIVER),
        ("Executor is idle for 60 s", RemovalCause.IDLE),
        ("Executor decommission: worker", RemovalCause.DECOMMISSIONED),
        ("", RemovalCause.UNKNOWN),
    ],
)
def test_removal_reasons_are_classified(reason, cause):
    assert removal_cause(reason, is_dynamic=False) is cause


def test_executor_that_dynamic_allocation_stops_was_idle():
    assert removal_cause("Executor killed by driver.", is_dynamic=True) is RemovalCause.IDLE


def test_reason_without_an_exception_is_its_first_clause():
    assert short_reason("Stage cancelled: because 42\nmore") == "Stage cancelled"


def test_slots_per_core_follow_what_a_spark_task_takes():
    assert read(log.environment(spark_task_cpus="2")).slots_per_core == 0.5


def test_databricks_tags_describe_the_cluster():
    tags = "spark.databricks.clusterUsageTags."
    profile = read(
        log.environment(**{
            tags + "clusterNodeType": "r5.xlarge",
            tags + "clusterTargetWorkers": "8",
            tags + "clusterScalingType": "autoscaling",
            tags + "clusterSpotBidPricePercent": "80",
            tags + "sparkVersion": "13.3.x-photon-scala2.12",
            tags + "clusterEbsVolumeType": "ebs_volume_type: GENERAL_PURPOSE_SSD\n",
            tags + "clusterAllTags": '[{"key":"isocost:project-id","value":"p-1"},'
            '{"key":"Creator","value":"someone"}]',
            tags + "orgId": "*********(redacted)",
        })
    )
    cluster = profile.cluster
    assert (cluster.source, cluster.worker_node_type, cluster.worker_count) == (
        "databricks",
        "r5.xlarge",
        8,
    )
    assert (cluster.is_autoscaling, cluster.spot_bid_fraction, cluster.is_photon) == (
        True,
        0.8,
        True,
    )
    assert cluster.disk_type == "GENERAL_PURPOSE_SSD"
    assert cluster.tags == (("isocost:project-id", "p-1"),)


def test_dynamic_allocation_is_read_from_the_configuration():
    profile = read(
        log.environment(
            spark_dynamicAllocation_enabled="true", spark_dynamicAllocation_maxExecutors="9"
        )
    )
    allocation = profile.cluster.dynamic_allocation
    assert (allocation.is_enabled, allocation.max_executor_count) == (True, 9)


def test_cached_rdd_is_listed_by_its_operation_and_not_its_name():
    rdd = log.an_rdd(7, is_cached=True, **{"Memory Size": 500, "Name": "select secret"})
    info = log.stage_info(0, 1, **{"RDD Info": [rdd]})
    update = {"Block ID": "rdd_7_0", "Memory Size": 900, "Disk Size": 0}
    profile = read(
        log.stage_completed(info),
        log.line("SparkListenerBlockUpdated", **{"Block Updated Info": update}),
        log.line("SparkListenerUnpersistRDD", **{"RDD ID": 7}),
    )
    (cached,) = profile.cached_rdds
    assert (cached.scope, cached.memory_bytes, cached.is_unpersisted) == ("map", 900, True)


def test_memory_peaks_are_the_largest_of_all_executors():
    def peak(heap: int) -> bytes:
        metrics = {"JVMHeapMemory": heap, "OnHeapExecutionMemory": 7, "OffHeapExecutionMemory": 1}
        return log.line(
            "SparkListenerStageExecutorMetrics",
            **{"Stage ID": 0, "Stage Attempt ID": 0, "Executor Metrics": metrics},
        )

    profile = read(*log.a_stage(0, 1), peak(100), peak(90))
    peaks = profile.stages[0].memory_peaks
    assert (peaks.heap_bytes, peaks.execution_bytes, peaks.process_bytes) == (100, 8, None)


def a_query(plan, *, update=None, values=(), driver=()) -> RunProfile:
    info = log.stage_info(0, 1, Accumulables=list(values))
    properties = {"spark.sql.execution.id": "4"}
    lines = [
        log.sql_start(4, plan),
        log.job_start(0, [info], Properties=properties),
        *([log.sql_update(4, update)] if update else []),
        log.line(
            "org.apache.spark.sql.execution.ui.SparkListenerDriverAccumUpdates",
            executionId=4,
            accumUpdates=list(driver),
        ),
        log.stage_submitted(info),
        log.task_end(0),
        log.stage_completed(info),
        log.sql_end(4),
    ]
    return read(*lines)


def an_accumulable(accumulator_id: int, value: str = "12") -> dict[str, object]:
    return {"ID": accumulator_id, "Name": "n", "Value": value, "Metadata": "sql"}


def test_operators_of_a_stage_are_those_that_counted_in_it():
    scan = log.a_plan("Scan parquet db.t", "FileScan parquet", metrics=[log.a_metric(1)])
    join = log.a_plan("BroadcastHashJoin", "x", [scan], metrics=[log.a_metric(2)])
    write = log.a_plan("WriteFiles", "WriteFiles", [join], metrics=[log.a_metric(3)])
    stage = a_query(write, values=[an_accumulable(1), an_accumulable(2)]).stages[0]
    assert [(o.name, o.kind, o.output_row_count) for o in stage.operators] == [
        ("BroadcastHashJoin", OperatorKind.JOIN, 12),
        ("Scan parquet", OperatorKind.SCAN, 12),
    ]
    assert stage.sql_execution_id == 4


def test_operators_come_from_the_last_plan_of_adaptive_execution():
    first = log.a_plan("SortMergeJoin", metrics=[log.a_metric(1)])
    last = log.a_plan("PhotonBroadcastHashJoin", metrics=[log.a_metric(9)])
    stage = a_query(first, update=last, values=[an_accumulable(9)]).stages[0]
    assert [(o.name, o.is_photon) for o in stage.operators] == [("PhotonBroadcastHashJoin", True)]


def test_files_that_the_driver_counted_are_told_by_execution():
    metrics = [log.a_metric(1, "number of files read"), log.a_metric(2, "size of files read")]
    profile = a_query(log.a_plan("Scan csv", metrics=metrics), driver=[(1, 30), (2, 900)])
    execution = profile.sql_executions[0]
    assert (execution.files_read_count, execution.files_read_bytes) == (30, 900)
    assert execution.files_written_count is None


def test_execution_has_times_a_hash_and_no_text():
    execution = a_query(log.a_plan()).sql_executions[0]
    assert (execution.started_s, execution.completed_s, execution.is_failed) == (1.0, 10.0, False)
    assert execution.description_hash
    assert (execution.description, execution.plan) == (None, None)


def test_texts_of_queries_are_kept_when_asked_for():
    profile = read(log.sql_start(), log.sql_end(), options=ReadOptions(keep_sql=True))
    execution = profile.sql_executions[0]
    assert execution.description == "select * from secrets"
    assert execution.plan == "== Physical Plan =="


def test_nested_execution_names_its_root():
    profile = read(log.sql_start(1, rootExecutionId=0), log.sql_start(0, rootExecutionId=0))
    assert [e.root_execution_id for e in profile.sql_executions] == [None, 0]


def test_damaged_plan_is_told_and_the_earlier_one_kept():
    first = log.a_plan("SortMergeJoin", metrics=[log.a_metric(1)])
    profile = read(log.sql_start(4, first), log.sql_update(4, first)[:-20], log.sql_end(4))
    assert "plans of 1 SQL executions" in [fact.what for fact in profile.missing]

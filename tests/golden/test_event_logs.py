"""Real event logs give known profiles; `profiles.json` is reviewed as text when it changes.

Set ISOCOST_UPDATE_GOLDEN=1 to write what the logs give now.
"""

import json
import os
from functools import cache
from pathlib import Path

import pytest

from isocost.domain.profile import RemovalCause, RunProfile, StageStatus
from isocost.eventlog.document import failures_of, profile_document
from isocost.eventlog.findings import findings_of
from isocost.eventlog.parts import ApplicationLog
from isocost.eventlog.summarize import ReadOptions, read_profile
from isocost.eventlog.thresholds import Thresholds
from isocost.usecases.open_log import open_logs
from isocost.usecases.profile_log import ProfileOptions, profile_logs
from isocost.wiring import log_stores

EXPECTED = Path(__file__).with_name("profiles.json")
KEYS = (
    "application_id attempt_id spark_version is_complete is_runtime_estimated started_at "
    "runtime_s driver_s ideal_runtime_s executor_count_peak core_count_peak node_count_peak "
    "executor_removed_count task_count failed_task_count failed_tasks killed_task_count "
    "stage_count failed_stage_count spark_job_count failed_spark_job_count sql_execution_count "
    "resource_profile_count input_bytes output_bytes shuffle_read_bytes shuffle_write_bytes "
    "memory_spilled_bytes disk_spilled_bytes executor_run_s executor_cpu_s gc_s plan_fingerprint "
    "input_fingerprint"
).split()


@cache
def opened(folder: Path) -> tuple[ApplicationLog, ...]:
    return open_logs(str(folder), log_stores()).applications


@cache
def profiles(folder: Path) -> dict[str, RunProfile]:
    """Every profile below a folder, by location within it."""
    return {log.location.removeprefix(f"{folder}/"): read_profile(log) for log in opened(folder)}


@pytest.fixture(scope="session")
def event_logs(shared_data: Path) -> Path:
    return shared_data / "eventlogs"


@pytest.fixture(scope="session")
def nvidia(event_logs: Path) -> dict[str, RunProfile]:
    return profiles(event_logs / "nvidia")


@pytest.fixture(scope="session")
def sync(event_logs: Path) -> dict[str, RunProfile]:
    return profiles(event_logs / "sync")


def figures(profile: RunProfile) -> dict[str, object]:
    document = profile_document(profile, findings_of(profile))
    rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in document.items()}
    return {key: rounded[key] for key in KEYS} | {
        "missing": [fact.what for fact in profile.missing],
        "findings": [finding.code.value for finding in findings_of(profile)],
        "critical_path": [f"{s.stage_id}.{s.attempt_id}" for s in profile.critical_path[:12]],
    }


@pytest.mark.parametrize("folder", ["nvidia", "sync", "misc"])
def test_every_log_gives_its_known_figures(event_logs, folder):
    found = {f"{folder}/{k}": figures(v) for k, v in profiles(event_logs / folder).items()}
    expected = json.loads(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.exists() else {}
    if os.environ.get("ISOCOST_UPDATE_GOLDEN"):
        kept = {k: v for k, v in expected.items() if not k.startswith(f"{folder}/")}
        text = json.dumps(dict(sorted((kept | found).items())), indent=1, ensure_ascii=False)
        EXPECTED.write_text(text + "\n", encoding="utf-8")
    else:
        assert found == {k: v for k, v in expected.items() if k.startswith(f"{folder}/")}


def test_two_layouts_of_one_run_give_the_same_profile(nvidia):
    rolled, databricks = (
        nvidia["eventlog_v2_local-1623876083964"],
        nvidia["db_sim_eventlog"],
    )
    assert rolled == databricks
    assert rolled.runtime_s == 133.857


def test_truncated_log_is_flagged_partial(nvidia):
    profile = nvidia["truncated_eventlog.gz"]
    assert (profile.runtime_s, profile.is_runtime_estimated) == (4.872, True)
    assert not profile.is_complete


def test_log_without_work_is_no_error(nvidia):
    profile = nvidia["empty_eventlog.gz"]
    assert (profile.stages, profile.runtime_s, profile.is_complete) == ((), 22.937, True)
    assert profile.driver_s == profile.runtime_s


@pytest.mark.parametrize("name", ["rdd_only_eventlog.gz", "rp_nosql_eventlog.gz"])
def test_application_without_sql_has_no_execution(nvidia, name):
    assert nvidia[name].sql_execution_count == 0


def test_both_resource_profiles_are_counted(nvidia):
    assert nvidia["rp_nosql_eventlog.gz"].resource_profile_count == 2


@pytest.mark.parametrize(
    ("name", "nodes", "executors", "cores", "removed"),
    [
        ("databricks-aws.gz", 2, 2, 16, 0),
        ("eventlog_2nodes_8cores.gz", 2, 2, 16, 0),
        ("eventlog_3nodes_12cores_exec_removed.gz", 2, 2, 24, 1),
    ],
)
def test_cluster_is_as_its_name_says(nvidia, name, nodes, executors, cores, removed):
    profile = nvidia[f"cluster_information/{name}"]
    peaks = (profile.node_count_peak, profile.executor_count_peak, profile.core_count_peak)
    assert peaks == (nodes, executors, cores)
    assert profile.executor_removed_count == removed


def test_three_nodes_came_though_never_at_one_time(nvidia):
    profile = nvidia["cluster_information/eventlog_3nodes_12cores_exec_removed.gz"]
    assert len({span.host for span in profile.executors}) == 3
    assert {span.cores for span in profile.executors} == {12}
    assert profile.executors[0].removal_cause is RemovalCause.NODE_LOST


def test_databricks_vendor_fields_are_read(nvidia):
    cluster = nvidia["cluster_information/databricks-aws.gz"].cluster
    assert cluster is not None
    assert cluster.cluster_id == "1212-214324-test"
    assert cluster.worker_node_type == cluster.driver_node_type == "m6gd.2xlarge"
    assert dict(cluster.tags)["Vendor"] == "Databricks"
    assert "Creator" not in dict(cluster.tags)


def test_failures_are_counted_with_their_reasons(nvidia):
    profile = nvidia["tasks_executors_fail_compressed_eventlog.zstd"]
    assert profile.executor_count_peak == 8
    assert failures_of(profile) == {"Resubmitted": 50, "FetchFailed": 2, "ExecutorLostFailure": 1}
    failed = [s for s in profile.stages if s.status is StageStatus.FAILED]
    assert [(s.stage_id, s.failure_reason) for s in failed] == [
        (238, "FetchFailedException, NoSuchFileException, UnixException")
    ]
    jobs = [j for j in profile.spark_jobs if j.is_succeeded is False]
    assert [j.spark_job_id for j in jobs] == [79]
    assert jobs[0].failure_reason.startswith("Job 79 cancelled")


def test_rolled_databricks_archive_is_one_application_with_its_cluster(sync):
    profile = sync["databricks-rollover.zip"]
    assert profile.cluster.worker_node_type == "r5.8xlarge"
    assert (profile.cluster.worker_count, profile.cluster.region) == (8, "us-east-1")
    assert (profile.node_count_peak, profile.core_count_peak) == (8, 256)
    assert profile.cluster.availability == "SPOT_WITH_FALLBACK"


def test_whole_databricks_log_is_complete_but_its_runtime_estimated(sync):
    profile = sync["databricks.json.gz"]
    assert (profile.is_complete, profile.is_runtime_estimated) == (True, True)
    assert [fact.what for fact in profile.missing] == ["application end"]


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("bad/missing-part.zip", "rollover number 1"),
        ("bad/duplicate-part.tgz", "a second time"),
        ("bad/non-unique-context-id.zip", "SparkContext"),
    ],
)
def test_bad_archive_is_named_for_what_it_lacks(sync, name, named):
    said = [
        fact.what
        for location, profile in sync.items()
        if location.startswith(name)
        for fact in profile.missing
    ]
    assert any(named in what for what in said)


def test_photon_operators_are_known_by_stage(nvidia):
    profile = nvidia["nds_q88_photon_db_13_3.zstd"]
    kinds = {
        operator.kind.value
        for stage in profile.stages
        for operator in stage.operators
        if operator.is_photon
    }
    assert {"scan", "join", "aggregate", "exchange"} <= kinds
    assert profile.cluster.is_photon


def test_two_attempts_of_one_application_are_told_apart(event_logs):
    found = profiles(event_logs / "misc")
    attempts = [p for p in found.values() if p.application_id == "application_1713000000000_0001"]
    assert sorted(p.attempt_id for p in attempts) == ["1", "2"]


def test_newest_of_two_attempts_is_marked(event_logs):
    options = ProfileOptions(ReadOptions(), Thresholds())
    logs = profile_logs(str(event_logs / "misc"), log_stores(), options).logs
    newest = {
        log.profile.attempt_id: log.is_newest_attempt for log in logs if log.profile.attempt_id
    }
    assert newest == {"1": False, "2": True}


def test_cpu_time_that_an_old_spark_did_not_write_is_no_zero(event_logs):
    profile = profiles(event_logs / "misc")["sparklint__spark_event_log_example.gz"]
    assert profile.spark_version == "1.5.2"
    assert profile_document(profile, ())["executor_cpu_s"] is None
    assert "executor CPU time" in [fact.what for fact in profile.missing]


def test_every_profile_accounts_for_all_core_time(event_logs):
    for folder in ("nvidia", "sync", "misc"):
        for profile in profiles(event_logs / folder).values():
            time = profile.core_time
            if time is not None:
                parts = time.busy_core_s + time.driver_core_s + time.skew_core_s + time.idle_core_s
                assert parts == pytest.approx(time.total_core_s, abs=1e-6)
                assert min(time.busy_core_s, time.skew_core_s, time.idle_core_s) >= 0


def test_ideal_runtime_is_never_above_the_runtime(event_logs):
    for folder in ("nvidia", "sync", "misc"):
        for profile in profiles(event_logs / folder).values():
            assert (profile.ideal_runtime_s or 0.0) <= profile.runtime_s

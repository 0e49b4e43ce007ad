"""Event logs of the simulated cluster, read by the product's own reader and by Spark's."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from isocost.domain.cluster import NodeType
from isocost.domain.workspace import Cloud
from isocost.errors import InvalidInput
from isocost.platforms.spark_local.software import make_spark_home, spark_environment
from isocost.simulator.cluster import Autoscale, Availability, SimulatedCluster
from isocost.simulator.conditions import CodeChange, RunConditions, Scenario
from isocost.simulator.event_log import databricks_log, spark_log
from isocost.simulator.identity import RunIdentity, spark_context_id_from_seed
from isocost.simulator.run import Failure
from isocost.simulator.simulate import EPOCH, simulate
from isocost.simulator.workload import SimulatedSparkJob, SimulatedSql, SimulatedStage, Workload
from isocost.wiring import read_profile

M5 = NodeType("m5.2xlarge", 8, 32.0, 0.384, coremark=115_791.0, network_gbps=2.5)
GIB = 2.0**30
IDENTITY = RunIdentity(
    "app-20260105060500-0000",
    spark_context_id_from_seed(1),
    "0105-060000-abcd1234",
    "job-7-run-1",
    databricks_job_id="7",
    databricks_run_id="1",
)
SPOT = SimulatedCluster(
    M5, 3, M5, availability=Availability.SPOT_WITH_FALLBACK, is_pooled=True, is_photon=True
)


def a_query(stages_memory=0.0, count=48):
    scan = SimulatedStage(
        0, 0, "scan orders", count, 960.0, input_bytes=8 * GIB, shuffle_write_bytes=4 * GIB,
        operators=("Scan parquet", "Filter", "HashAggregate"), memory_bytes=stages_memory,
        rigid_memory_fraction=0.5,
    )  # fmt: skip
    join = SimulatedStage(
        1, 0, "join and write", count, 960.0, parent_ids=(0,), shuffle_read_bytes=4 * GIB,
        output_bytes=GIB, operators=("SortMergeJoin", "Project"), photon_fraction=0.8,
    )  # fmt: skip
    later = SimulatedStage(2, 1, "count", 8, 80.0, cached_bytes=GIB)
    jobs = (SimulatedSparkJob(0, 2.0, sql_execution_id=0), SimulatedSparkJob(1, 3.0))
    return Workload("nightly", (scan, join, later), jobs, (SimulatedSql(0, "orders"),))


def a_run(workload=None, cluster=SPOT, seed=3, **conditions):
    return simulate(workload or a_query(), cluster, RunConditions(**conditions), seed=seed)


def written(run, folder, **options):
    folder.mkdir(exist_ok=True)
    for part in databricks_log(run, IDENTITY, **options):
        (folder / part.name).write_bytes(part.content)
    return folder


STORM = {"spot_losses_per_node_hour": 120.0, "noise_cv": 0.05}


def stormy():
    """Return a run that lost nodes while it worked, and had stages again for it."""
    runs = (a_run(a_query(count=480), seed=seed, **STORM) for seed in range(20))
    return next(run for run in runs if any(stage.attempt_id for stage in run.stages))


@pytest.mark.parametrize("a_case", [a_run, stormy], ids=["a calm run", "a spot storm"])
def test_the_reader_finds_the_numbers_of_the_simulator(a_case, tmp_path):
    run = a_case()
    profile = read_profile(str(written(run, tmp_path / "log")))
    assert profile.completed_stage_count == len(run.stages)
    assert profile.task_count - resubmitted(run) == len(run.spark_tasks)
    assert profile.executor_removed_count == sum(e.removed_s is not None for e in run.executors)
    assert len(profile.executors) == len(run.executors)
    totals = profile.totals
    assert totals.executor_cpu_s == pytest.approx(run.spark_tasks.cpu_s.sum(), rel=0.01)
    assert totals.input_bytes == pytest.approx(run.spark_tasks.input_bytes.sum(), rel=0.01)


def resubmitted(run):
    return int((~np.isnan(run.spark_tasks.lost_s)).sum())


def test_spark_layout_is_complete_and_as_long_as_the_run(tmp_path):
    run = a_run()
    log = spark_log(run, IDENTITY)
    (tmp_path / log.name).write_bytes(log.content)
    profile = read_profile(str(tmp_path / log.name))
    assert (profile.is_complete, profile.is_runtime_estimated) == (True, False)
    assert profile.runtime_s == pytest.approx(run.runtime_s, abs=0.002)
    assert profile.executor_count_peak == 3


def test_databricks_log_ends_without_an_end_yet_lasts_as_long(tmp_path):
    run = a_run()
    profile = read_profile(str(written(run, tmp_path / "log")))
    assert profile.is_runtime_estimated
    tail_s = run.application_end_s - run.spark_jobs[-1].ended_s
    assert profile.runtime_s == pytest.approx(run.runtime_s - tail_s, abs=0.01)


def test_parts_are_rolled_by_the_hour_and_read_as_one(tmp_path):
    run = a_run(a_query(count=4800))
    whole = read_profile(str(written(run, tmp_path / "whole", roll_every_s=10**9)))
    parts = written(run, tmp_path / "parts", roll_every_s=60)
    names = sorted(path.name for path in parts.iterdir())
    assert len(names) == 3
    assert names[0] == "eventlog"
    assert all(name.startswith("eventlog-2026-01-05--06-") for name in names[1:])
    assert read_profile(str(parts)) == whole


def test_the_same_seed_gives_the_same_bytes():
    first, second = (list(databricks_log(stormy(), IDENTITY, roll_every_s=60)) for _ in range(2))
    assert first == second


def test_a_run_without_machines_has_no_log():
    assert list(databricks_log(a_run(is_capacity_missing=True), IDENTITY)) == []


def test_parts_of_less_than_a_minute_are_refused():
    with pytest.raises(InvalidInput, match="named by the minute"):
        list(databricks_log(a_run(), IDENTITY, roll_every_s=30))


def test_the_log_describes_its_cluster(tmp_path):
    cluster = replace(SPOT, autoscale=Autoscale(2, 6), tags=(("isocost:project-id", "p-1"),))
    facts = read_profile(str(written(a_run(cluster=cluster), tmp_path / "log"))).cluster
    assert (facts.worker_node_type, facts.driver_node_type) == ("m5.2xlarge", "m5.2xlarge")
    assert (facts.min_worker_count, facts.max_worker_count, facts.is_photon) == (2, 6, True)
    assert (facts.availability, facts.databricks_job_id) == ("SPOT_WITH_FALLBACK", "7")
    assert ("isocost:project-id", "p-1") in facts.tags


def test_an_azure_log_says_so(tmp_path):
    node = replace(M5, node_type_id="Standard_D8s_v5")
    cluster = replace(SPOT, cloud=Cloud.AZURE, worker_type=node, driver_type=node)
    facts = read_profile(str(written(a_run(cluster=cluster), tmp_path / "log"))).cluster
    assert (facts.cloud, facts.availability) == ("Azure", "SPOT_WITH_FALLBACK_AZURE")


def test_running_out_of_memory_is_told(tmp_path):
    run = a_run(a_query(stages_memory=40 * GIB))
    assert run.failure is Failure.OUT_OF_MEMORY
    profile = read_profile(str(written(run, tmp_path / "log")))
    assert profile.failed_task_count >= 4
    assert profile.sql_executions[0].is_failed is True


def test_plans_keep_their_fingerprint_until_the_code_changes(tmp_path):
    scenario = Scenario(EPOCH, code_changes=(CodeChange(EPOCH, "2", added_operator="Window"),))
    changed = scenario.workload_at(a_query(), EPOCH + timedelta(days=1))
    runs = {
        "small": a_run(),
        "large": a_run(cluster=replace(SPOT, worker_count=6, is_photon=False), input_scale=2.0),
        "changed": a_run(changed),
    }
    found = {
        name: read_profile(str(written(run, tmp_path / name))).plan_fingerprint
        for name, run in runs.items()
    }
    assert found["small"] == found["large"] != found["changed"]


def test_operators_and_files_are_tied_to_their_stages(tmp_path):
    profile = read_profile(str(written(a_run(), tmp_path / "log")))
    names = {each.name for each in profile.stages[0].operators}
    assert names == {"Scan parquet", "Filter", "HashAggregate"}
    assert profile.sql_executions[0].files_read_bytes == 8 * GIB


HISTORY = "org.apache.spark.deploy.history.HistoryServer"


@pytest.fixture
def history(tmp_path):
    """Return a function: log file → base address of a History Server that shows it."""
    pytest.importorskip("pyspark")
    servers = []

    def serve(log):
        logs, home, scratch = tmp_path / "logs", tmp_path / "spark", tmp_path / "scratch"
        for folder in (logs, scratch):
            folder.mkdir()
        (logs / log.name).write_bytes(log.content)
        make_spark_home(home)
        port = free_port()
        environment = spark_environment(home, scratch, python=sys.executable) | {
            "SPARK_HISTORY_OPTS": f"-Dspark.history.fs.logDirectory=file://{logs} "
            f"-Dspark.history.ui.port={port} -Dspark.history.fs.update.interval=1s",
            "SPARK_DAEMON_MEMORY": "512m",
        }
        server = subprocess.Popen(
            [home / "bin" / "spark-class", HISTORY],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        servers.append(server)
        return f"http://127.0.0.1:{port}/api/v1/applications/{log.name}"

    yield serve
    for server in servers:
        server.terminate()  # `spark-class` has become the server's Java by now.
        server.wait(timeout=30)


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def answer(address, patience_s=120.0):
    give_up_at = time.monotonic() + patience_s
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10) as reply:
                return json.load(reply)
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.5)


@pytest.mark.spark
@pytest.mark.parametrize("a_case", [a_run, stormy], ids=["a calm run", "a spot storm"])
def test_sparks_history_server_shows_the_same(a_case, history):
    run = a_case()
    shown = answer(history(spark_log(run, IDENTITY)) + "/stages?details=false")
    found = {(stage["stageId"], stage["attemptId"]): stage for stage in shown}
    assert len(found) == len(run.stages)
    for stage in run.stages:
        there = found[stage.stage_id, stage.attempt_id]
        rows = slice(stage.first_row, stage.first_row + stage.row_count)
        assert there["status"] == ("FAILED" if stage.failure else "COMPLETE")
        assert there["numTasks"] == stage.spark_task_count
        assert there["numCompleteTasks"] == int((run.spark_tasks.end[rows] == 0).sum())
        run_ms = run.spark_tasks.run_s[rows].sum() * 1000
        assert there["executorRunTime"] == pytest.approx(run_ms, rel=0.01)
        assert length_s(there) == pytest.approx(stage.completed_s - stage.submitted_s, abs=0.002)


def length_s(stage):
    ends = (stage["submissionTime"], stage["completionTime"])
    begin, end = (np.datetime64(text.removesuffix("GMT"), "ms") for text in ends)
    return float((end - begin) / np.timedelta64(1, "s"))

"""Distilling: what the simulator wrote into a log comes back as the workload it ran."""

from dataclasses import replace

import pytest

from isocost.domain.cluster import NodeType
from isocost.domain.profile import StageStatus
from isocost.errors import InvalidInput
from isocost.jobbank.vault.distil import workload_from_profile
from isocost.jobbank.vault.distil_stage import skew_of, work_without_warm_up_s
from isocost.simulator.cluster import Availability, SimulatedCluster
from isocost.simulator.conditions import RunConditions
from isocost.simulator.event_log import spark_log
from isocost.simulator.identity import RunIdentity, spark_context_id_from_seed
from isocost.simulator.simulate import simulate
from isocost.simulator.workload import SimulatedSparkJob, SimulatedStage, Workload
from isocost.testing import event_logs as log
from isocost.wiring import read_profile

# Whole cores at the reference's speed, so that CPU seconds in the log are those of the workload.
NODE = NodeType("c7a.2xlarge", 8, 64.0, 0.4, network_gbps=10.0)
CLUSTER = SimulatedCluster(NODE, 2, NODE)
IDENTITY = RunIdentity(
    "app-20260105060500-0000", spark_context_id_from_seed(1), "0105-060000-abcd1234", "etl"
)
GIB = 2.0**30
SCAN = SimulatedStage(
    0, 0, "scan", 160, 320.0, input_bytes=8 * GIB, shuffle_write_bytes=4 * GIB,
    operators=("Scan parquet", "Filter", "HashAggregate"),
)  # fmt: skip
LOOKUP = SimulatedStage(1, 1, "look up", 4, 4.0, input_bytes=GIB, shuffle_write_bytes=GIB)
JOIN = SimulatedStage(
    2, 2, "join", 80, 400.0, parent_ids=(0, 1), shuffle_read_bytes=5 * GIB, output_bytes=GIB,
    operators=("SortMergeJoin",), memory_bytes=GIB / 4,
)  # fmt: skip
SPARK_JOBS = (
    SimulatedSparkJob(0, 2.0, after_ids=()),
    SimulatedSparkJob(1, 5.0, after_ids=()),
    SimulatedSparkJob(2, 3.0, after_ids=(0, 1)),
)
ORIGINAL = Workload("etl", (SCAN, LOOKUP, JOIN), SPARK_JOBS)


def profile_of(workload, tmp_path, **conditions):
    run = simulate(workload, CLUSTER, RunConditions(noise_cv=0.0, **conditions), seed=3)
    written = spark_log(run, IDENTITY)
    (tmp_path / written.name).write_bytes(written.content)
    return read_profile(str(tmp_path / written.name))


@pytest.fixture(scope="module")
def distilled(tmp_path_factory):
    return workload_from_profile(profile_of(ORIGINAL, tmp_path_factory.mktemp("log")), "etl")


@pytest.mark.parametrize("amount", ["input_bytes", "output_bytes", "shuffle_read_bytes"])
def test_bytes_come_back(distilled, amount):
    assert [getattr(stage, amount) for stage in distilled.stages] == pytest.approx(
        [getattr(stage, amount) for stage in ORIGINAL.stages], rel=0.01
    )


def test_stages_keep_their_spark_tasks_parents_and_order(distilled):
    found = [(s.stage_id, s.spark_task_count, s.parent_ids) for s in distilled.stages]
    assert found == [(0, 160, ()), (1, 4, ()), (2, 80, (0, 1))]


def test_cpu_time_is_that_of_compiled_code(distilled):
    found = [stage.cpu_s for stage in distilled.stages]
    assert found == pytest.approx([stage.cpu_s for stage in ORIGINAL.stages], rel=0.1)


def test_spark_job_waits_for_all_that_ended_before_it(distilled):
    assert [each.after_ids for each in distilled.spark_jobs] == [(), (), (0, 1)]


def test_driver_time_before_a_spark_job_comes_back(distilled):
    assert distilled.spark_jobs[2].driver_s == pytest.approx(3.0, abs=0.1)


def test_distilled_workload_takes_as_long_as_the_original(distilled):
    runtimes_s = [
        simulate(each, CLUSTER, RunConditions(noise_cv=0.0), seed=3).runtime_s
        for each in (ORIGINAL, distilled)
    ]
    assert runtimes_s[1] == pytest.approx(runtimes_s[0], rel=0.05)


def test_cores_twice_as_fast_did_twice_the_work(distilled, tmp_path):
    profile = profile_of(ORIGINAL, tmp_path)
    fast = workload_from_profile(profile, "etl", cpu_speed=2.0)
    assert fast.stages[2].cpu_s > 1.9 * distilled.stages[2].cpu_s


def test_stages_made_again_after_a_spot_loss_count_once(tmp_path):
    joined = replace(JOIN, spark_job_id=0, parent_ids=(0,))
    query = Workload("etl", (SCAN, joined), (SimulatedSparkJob(0, 2.0),))
    spot = replace(CLUSTER, availability=Availability.SPOT_WITH_FALLBACK, is_pooled=True)
    storm = RunConditions(spot_losses_per_node_hour=120.0)
    runs = (simulate(query, spot, storm, seed=seed) for seed in range(40))
    run = next(r for r in runs if r.failure is None and any(s.attempt_id for s in r.stages))
    log_of_run = spark_log(run, IDENTITY)
    (tmp_path / log_of_run.name).write_bytes(log_of_run.content)
    found = workload_from_profile(read_profile(str(tmp_path / log_of_run.name)), "etl")
    assert [(s.stage_id, s.spark_task_count) for s in found.stages] == [(0, 160), (2, 80)]


def test_stage_that_was_repeated_in_part_counts_whole(tmp_path):
    profile = profile_of(ORIGINAL, tmp_path)
    scan, *others = profile.stages
    failed = replace(scan, status=StageStatus.FAILED)
    half = replace(scan, attempt_id=1, expected_task_count=80, task_count=80)
    found = workload_from_profile(replace(profile, stages=(failed, half, *others)), "etl")
    assert found.stages[0].spark_task_count == 160
    # The builder left the totals of all 160 to half as many.
    assert found.stages[0].input_bytes == pytest.approx(16 * GIB, rel=0.01)


def test_stage_on_cached_data_names_its_source_and_no_input(tmp_path):
    made, read = workload_from_profile(read_log(a_loop(), tmp_path), "loop").stages
    assert (made.cached_bytes, made.cache_source_id, made.input_bytes) == (4096.0, None, 2000.0)
    assert (read.cached_bytes, read.cache_source_id, read.input_bytes) == (0.0, 0, 0.0)


def a_loop():
    """Return the log of two stages with one cached RDD in both."""
    cached = log.an_rdd(7, is_cached=True)
    update = {"Block ID": "rdd_7_0", "Memory Size": 4096, "Disk Size": 0}
    block = log.line("SparkListenerBlockUpdated", **{"Block Updated Info": update})
    lines = [log.log_start(), log.application_start(), log.executor_added()]
    for n in (0, 1):
        info = log.stage_info(n, 2, **{"RDD Info": [cached]})
        begin_s, end_s = 1.0 + 4 * n, 3.0 + 4 * n
        lines += [log.job_start(n, [info], **{"Submission Time": log.at(begin_s)})]
        lines += [log.stage_submitted(info, begin_s)]
        lines += [log.task_end(10 * n + k, n, begin_s) for k in (0, 1)]
        lines += [block, log.stage_completed(info, begin_s, end_s), log.job_end(n, end_s)]
    return [*lines, log.application_end(9.0)]


def read_log(lines, tmp_path):
    (tmp_path / "log").write_bytes(log.joined(lines))
    return read_profile(str(tmp_path / "log"))


def test_run_that_is_not_over_is_refused(tmp_path):
    profile = replace(profile_of(ORIGINAL, tmp_path), is_complete=False)
    with pytest.raises(InvalidInput, match=r"no whole run .* Wait until the run is over"):
        workload_from_profile(profile, "etl")


def test_paths_of_call_sites_are_left_out(distilled, tmp_path):
    profile = profile_of(ORIGINAL, tmp_path)
    (first, *others) = profile.stages
    named = replace(first, name="sortBy at /somewhere/rdd.py:12", operators=())
    found = workload_from_profile(replace(profile, stages=(named, *others)), "etl")
    assert found.stages[0].name == "sortBy"


def test_first_spark_tasks_of_each_slot_say_nothing_about_skew():
    assert skew_of([9.0, 9.0, 1.0, 1.0, 1.0, 2.0], slot_count=2) == 2.0


def test_few_or_short_spark_tasks_have_no_skew():
    assert skew_of([9.0, 9.0, 1.0, 4.0], slot_count=2) == 1.0
    assert skew_of([0.01] * 8 + [0.1], slot_count=2) == 1.0


@pytest.mark.parametrize("cpu_s", [0.0, 0.1, 1.0, 50.0])
def test_work_without_warm_up_is_never_more_than_recorded(cpu_s):
    assert 0.0 <= work_without_warm_up_s(cpu_s, 8, 2) <= cpu_s

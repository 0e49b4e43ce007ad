"""Each thing that happens to a run is named as the cause of its deviation, and nothing else is."""

from dataclasses import replace
from math import log

import pytest

from isocost.domain.cluster import ClusterSpec
from isocost.domain.deviation import CauseOfDeviation
from isocost.domain.profile import (
    CachedRdd,
    ClusterFacts,
    ExecutorSpan,
    RemovalCause,
    TaskTotals,
)
from isocost.errors import InvalidInput
from isocost.model.history import Ending, Observation
from isocost.recommend.attribution import MOST_LOGS, Witness, attribute
from isocost.testing.nouns import a_profile, a_stage
from tests.unit.model.clusters import COMPUTE, SPACE, TYPES, on

DATA, CODE, RUNTIME = (
    CauseOfDeviation.DATA,
    CauseOfDeviation.CODE,
    CauseOfDeviation.RUNTIME_VERSION,
)
SPOT, PLATFORM = CauseOfDeviation.SPOT, CauseOfDeviation.PLATFORM
MODEL, NOISE = CauseOfDeviation.MODEL, CauseOfDeviation.NOISE
CORES, DRIVER_S, TASKS = 16, 20.0, 100
READ = 10**10


def a_log(*, work=1.0, size=1.0, waiting=1.0, driver=1.0, stages=None, **changes):
    """Return the log of a run whose 100 spark tasks take 10 s each, 9 of them on the processor."""
    count = round(TASKS * size)
    task_s = 9.0 * work + 1.0 * waiting
    totals = TaskTotals(
        executor_run_s=count * task_s,
        executor_cpu_s=count * 9.0 * work,
        input_bytes=round(READ * size),
        duration_s=count * task_s,
    )
    stage = a_stage(0, *[task_s] * count, totals=totals)
    runtime_s = DRIVER_S * driver + count * task_s / CORES
    executors = tuple(ExecutorSpan(str(n), f"host-{n}", 4, 0.0, None) for n in range(4))
    values = {
        "runtime_s": runtime_s,
        "driver_s": DRIVER_S * driver,
        "executors": executors,
        "plan_fingerprint": "plan-1",
    }
    return a_profile(*(stages or (stage,)), **values | changes)


def a_witness(run_id="newest", spec=None, profile=None, losses=0, **changes):
    profile = profile or a_log()
    observation = Observation(
        run_id,
        spec or on(),
        profile.runtime_s,
        input_bytes=profile.totals.input_bytes,
        profile=profile,
    )
    return Witness(replace(observation, **changes), losses)


def as_ever(count=10, **changes):
    """Return runs that differ by 2 % at most."""
    paces = [1.0, 1.01, 0.99, 1.02, 0.98]
    return [
        a_witness(f"r-{n}", profile=a_log(work=paces[n % 5], driver=paces[n % 5]), **changes)
        for n in range(count)
    ]


def deviation_of(witness, history=None):
    found = as_ever() if history is None else history
    return attribute(witness, found, space=SPACE, node_types=TYPES)


def cause_of(witness, history=None):
    return deviation_of(witness, history).main_cause


def test_run_as_ever_is_no_anomaly_and_has_no_shares():
    deviation = deviation_of(a_witness())
    assert not deviation.is_anomaly
    assert deviation.shares == ()
    assert deviation.expected_s == pytest.approx(deviation.actual_s, rel=0.02)


def test_doubled_input_is_data():
    deviation = deviation_of(a_witness(profile=a_log(size=2.0)))
    assert deviation.main_cause is DATA
    assert "200 % of the 10 GB" in deviation.shares[0].detail
    assert deviation.expected_s == pytest.approx(a_log().runtime_s, rel=0.02)


def test_other_input_is_told_even_where_the_runtime_stays():
    assert cause_of(a_witness(profile=a_log(size=1.5), runtime_s=a_log().runtime_s)) is DATA


@pytest.mark.parametrize("size", [0.92, 1.1, 1.25])
def test_input_within_the_usual_range_is_no_anomaly(size):
    assert cause_of(a_witness(profile=a_log(size=size))) is None


def test_second_run_on_the_other_input_is_as_expected():
    grown = a_witness("r-10", profile=a_log(size=2.0))
    assert cause_of(a_witness(profile=a_log(size=2.0)), [*as_ever(), grown]) is None


def test_input_that_comes_every_week_is_no_surprise():
    week = as_ever(6)
    monday = a_witness("r-6", profile=a_log(size=3.0))
    assert cause_of(a_witness(profile=a_log(size=3.0)), [*week, monday, *as_ever(6)]) is None


def test_what_a_full_cache_makes_a_run_read_again_is_no_data():
    cache = CachedRdd(1, "InMemoryTableScan", TASKS, TASKS, None, None, False)
    again = a_stage(1, *[1.0] * TASKS, totals=TaskTotals(input_bytes=READ, duration_s=TASKS))
    first = a_log().stages[0]
    before = [
        a_witness(f"r-{n}", profile=a_log(stages=(first,), cached_rdds=(cache,))) for n in range(8)
    ]
    newest = a_witness(profile=a_log(stages=(first, again), cached_rdds=(cache,)))
    assert newest.observation.input_bytes == 2 * READ
    assert cause_of(newest, before) is None


def test_other_plan_with_more_work_is_code():
    deviation = deviation_of(a_witness(profile=a_log(work=1.7, plan_fingerprint="plan-2")))
    assert deviation.main_cause is CODE
    assert "170 % of the work" in deviation.shares[0].detail


def test_other_plan_is_told_even_where_the_runtime_stays():
    assert cause_of(a_witness(profile=a_log(plan_fingerprint="plan-2"))) is CODE


def test_other_plan_within_the_interval_is_told_before_chance():
    other = ClusterSpec(COMPUTE.node_type_id, 16)
    changed = a_log(plan_fingerprint="plan-2")
    deviation = deviation_of(a_witness(spec=other, profile=changed, runtime_s=40.0))
    assert abs(deviation.sds) < 1.96
    assert [share.cause for share in deviation.shares] == [CODE]


def test_plan_that_was_seen_before_is_no_surprise():
    before = as_ever()
    before[4] = a_witness("r-4", profile=a_log(plan_fingerprint="plan-2"))
    assert cause_of(a_witness(profile=a_log(plan_fingerprint="plan-2")), before) is None


def test_more_work_by_the_same_plan_and_driver_is_code():
    deviation = deviation_of(a_witness(profile=a_log(work=1.7)))
    assert deviation.main_cause is CODE
    assert "the driver no other time" in deviation.shares[0].detail


def test_other_runtime_version_is_named_with_both():
    facts = ClusterFacts("databricks", runtime_version="16.4.x")
    deviation = deviation_of(a_witness(profile=a_log(work=0.8, cluster=facts)))
    assert deviation.main_cause is RUNTIME
    assert "runtime 16.4.x" in deviation.shares[0].detail


def test_other_spark_version_takes_the_blame_for_another_plan():
    changed = a_log(work=0.8, spark_version="4.0.0", plan_fingerprint="plan-2")
    assert cause_of(a_witness(profile=changed)) is RUNTIME


def test_platform_slows_driver_and_spark_tasks_alike():
    slowed = a_log(work=1.4, waiting=1.4, driver=1.4)
    deviation = deviation_of(a_witness(profile=slowed))
    assert deviation.main_cause is PLATFORM
    assert "so did the driver" in deviation.shares[0].detail


def test_spark_tasks_that_wait_without_more_work_are_the_platforms():
    deviation = deviation_of(a_witness(profile=a_log(waiting=5.0)))
    assert deviation.main_cause is PLATFORM
    assert "waited" in deviation.shares[0].detail


def test_platform_that_has_recovered_is_no_surprise():
    slow = a_log(work=1.4, waiting=1.4, driver=1.4)
    slowed = [a_witness(f"s-{n}", profile=slow) for n in range(2)]
    assert cause_of(a_witness(), [*as_ever(), *slowed]) is None


def with_loss():
    """Return the log of a run that lost a node half way: a quarter of the work was done twice."""
    usual = a_log()
    stage = usual.stages[0]
    lost = replace(
        stage,
        task_count=TASKS + 25,
        failed_task_count=25,
        totals=replace(
            stage.totals,
            executor_run_s=1.25 * stage.totals.executor_run_s,
            executor_cpu_s=1.25 * stage.totals.executor_cpu_s,
            duration_s=1.25 * stage.totals.duration_s,
            input_bytes=round(1.25 * READ),
        ),
    )
    half_s = usual.runtime_s / 2
    gone = replace(usual.executors[0], removed_s=half_s, removal_cause=RemovalCause.SPOT_LOSS)
    return replace(
        usual,
        stages=(lost,),
        executors=(gone, *usual.executors[1:]),
        runtime_s=1.35 * usual.runtime_s,
    )


def test_lost_node_is_spot_and_the_repeated_work_no_other_cause():
    deviation = deviation_of(a_witness(profile=with_loss(), is_disturbed=True))
    assert deviation.main_cause is SPOT
    assert "25 % more work" in deviation.shares[0].detail
    assert {share.cause for share in deviation.shares} <= {SPOT, MODEL, NOISE}


def test_loss_that_only_the_cloud_tells_of_is_spot():
    deviation = deviation_of(a_witness(losses=2, runtime_s=1.3 * a_log().runtime_s))
    assert deviation.main_cause is SPOT
    assert "2 nodes" in deviation.shares[0].detail


def test_two_causes_share_a_deviation():
    both = a_log(size=2.0, work=1.7, plan_fingerprint="plan-2")
    shares = deviation_of(a_witness(profile=both)).shares
    assert {share.cause for share in shares[:2]} == {DATA, CODE}
    assert sum(share.fraction for share in shares) == pytest.approx(1.0)
    assert [s.fraction for s in shares] == sorted((s.fraction for s in shares), reverse=True)


def test_effects_add_up_to_the_deviation():
    deviation = deviation_of(a_witness(profile=a_log(size=2.0)))
    total = sum(share.log_ratio for share in deviation.shares)
    assert total == pytest.approx(log(deviation.actual_s / deviation.expected_s), abs=0.02)


def test_cluster_that_never_ran_and_did_the_same_work_is_the_models_fault():
    other = ClusterSpec(COMPUTE.node_type_id, 16)
    newest = a_witness(spec=other, runtime_s=4.0 * a_log().runtime_s)
    assert cause_of(newest, as_ever(spec=on())) is MODEL


def test_outlier_without_a_trace_is_chance():
    newest = a_witness(runtime_s=1.25 * a_log().runtime_s)
    assert cause_of(newest) is NOISE


def test_runs_without_logs_are_judged_by_size_and_time():
    def bare(run_id, size=1.0):
        return a_witness(run_id, profile=a_log(size=size))

    before = [replace_profile(bare(f"r-{n}")) for n in range(6)]
    assert cause_of(replace_profile(bare("newest", 2.0)), before) is DATA


def replace_profile(witness):
    return Witness(replace(witness.observation, profile=None))


def test_only_the_newest_logs_are_asked_for():
    old = [replace_profile(each) for each in as_ever(5)]
    newest = [
        replace(w, observation=replace(w.observation, run_id=f"n-{n}"))
        for n, w in enumerate(as_ever(MOST_LOGS))
    ]
    assert cause_of(a_witness(profile=a_log(work=1.7)), [*old, *newest]) is CODE


def test_failed_run_is_told_by_what_it_read():
    failed = a_witness(profile=a_log(size=2.0), ending=Ending.FAILED, runtime_s=5.0)
    deviation = deviation_of(failed)
    assert (deviation.main_cause, deviation.actual_s) == (DATA, 5.0)


def test_failed_run_without_a_trace_is_no_anomaly():
    failed = a_witness(ending=Ending.FAILED, runtime_s=5.0)
    assert not deviation_of(failed).is_anomaly


@pytest.mark.parametrize(
    "history", [[], [a_witness("r-1", ending=Ending.FAILED, runtime_s=None, profile=a_log())]]
)
def test_nothing_is_expected_before_a_run_succeeded(history):
    assert deviation_of(a_witness(), history) is None


def test_run_without_a_time_is_not_judged():
    assert deviation_of(a_witness(ending=Ending.FAILED, runtime_s=None)) is None


def test_foreign_node_type_is_refused():
    with pytest.raises(InvalidInput, match="foreign"):
        deviation_of(a_witness(spec=ClusterSpec("foreign", 2)))

"""Durations are taken apart by what their slots had run before, and put together elsewhere."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.domain.profile import ExecutorSpan, TaskTotals
from isocost.model.growth import GrowthLaw
from isocost.model.plan import Stay, plan_from_profile
from isocost.model.replay import Slots, TaskTimes, Warmth, replay_with
from isocost.model.warmth import ScalableApplication
from isocost.testing.nouns import a_profile, a_stage

FLAT = GrowthLaw(
    contention=0.0,
    fan_in=0.0,
    fan_in_scale_s=0.3,
    warm_up_fan_in=0.0,
    cold_s=1.0,
    cold_shuffle_s=0.5,
    log_sd_per_efold=0.1,
)
GROWING = replace(FLAT, contention=0.01, fan_in=0.02, warm_up_fan_in=0.01)


def plan_of(*stages, executor_count=1):
    spans = tuple(ExecutorSpan(str(n), f"host-{n}", 1, 0.0, None) for n in range(executor_count))
    return plan_from_profile(a_profile(*stages, executors=spans))


def runtime_s(plan, executor_count, law=FLAT):
    slots = Slots((Stay(0.0, inf),) * executor_count, executor_count)
    return ScalableApplication(plan, law).runtime_s(slots, executor_count)


def two_stages():
    """3 s of cold executor before 2 s spark tasks, then 1 s of warm-up before 1 s ones."""
    scan = a_stage(0, 5.0, *[2.0] * 7)
    child = a_stage(1, 2.0, *[1.0] * 7, parent_ids=(0,), submitted_s=19.0, completed_s=28.0)
    return scan, child


def test_slot_is_cold_then_settled_then_warm():
    plan = plan_of(*two_stages())
    times = TaskTimes(tuple(stage.task_s for stage in plan.stages))
    scan, child = replay_with(plan, Slots((Stay(0.0, inf),), 1), times).warmths
    assert scan == (Warmth.COLD,) + (Warmth.SETTLED,) * 7
    assert child == (Warmth.WARM,) + (Warmth.SETTLED,) * 7


def test_durations_are_taken_apart():
    scan, child = ScalableApplication(plan_of(*two_stages()), FLAT).parts
    assert scan.settled_s == pytest.approx((2.0,) * 8)
    assert child.settled_s[1:] == (1.0,) * 7
    assert (scan.warm_up_s + scan.cold_s, child.warm_up_s) == pytest.approx((3.0, 1.0))


def test_every_executor_warms_up_anew():
    assert runtime_s(plan_of(*two_stages()), 2) == pytest.approx(5.0 + 3 * 2.0 + 2.0 + 3 * 1.0)


def test_executor_that_starts_in_a_later_stage_is_cold_there():
    first = a_stage(0, 5.0, 2.0)
    child = a_stage(1, *[1.0] * 8, parent_ids=(0,), submitted_s=7.0, completed_s=15.0)
    flat = sum([5.0, 1.0])
    assert runtime_s(plan_of(first, child), 8) > flat


def test_reader_of_shuffle_data_is_less_cold():
    scan = a_stage(0, 4.0)
    child = a_stage(1, *[4.0] * 4, parent_ids=(0,), submitted_s=4.0, completed_s=20.0)
    reader = replace(child, totals=TaskTotals(executor_run_s=16.0, shuffle_read_bytes=1))
    assert runtime_s(plan_of(scan, reader), 4) < runtime_s(plan_of(scan, child), 4)


task_times = st.lists(st.floats(0.01, 100.0), min_size=1, max_size=20)


@given(st.lists(task_times, min_size=1, max_size=4), st.integers(1, 8))
def test_the_observed_executors_change_nothing(chain, executor_count):
    stages, now_s = [], 0.0
    for stage_id, task_s in enumerate(chain):
        times = {"submitted_s": now_s, "completed_s": now_s + 1.0}
        stages.append(a_stage(stage_id, *task_s, spark_job_id=stage_id, **times))
        now_s += 1.0
    plan = plan_of(*stages, executor_count=executor_count)
    times = TaskTimes(tuple(stage.task_s for stage in plan.stages))
    slots = Slots((Stay(0.0, inf),) * executor_count, executor_count)
    observed_s = replay_with(plan, slots, times).runtime_s
    assert runtime_s(plan, executor_count, GROWING) == pytest.approx(observed_s)


@given(task_times, st.integers(2, 12))
def test_spark_tasks_that_grow_never_end_sooner(task_s, executor_count):
    plan = plan_of(a_stage(0, *task_s))
    growing, flat = (runtime_s(plan, executor_count, law) for law in (GROWING, FLAT))
    assert growing >= flat * (1 - 1e-9)


def test_spark_task_of_no_time_stays_so():
    assert runtime_s(plan_of(a_stage(0, 0.0, 0.0)), 1, GROWING) == 0.0


def test_executors_that_a_stage_leaves_idle_do_not_slow_it():
    plan = plan_of(a_stage(0, 4.0, 4.0), executor_count=2)
    assert runtime_s(plan, 100, GROWING) == pytest.approx(runtime_s(plan, 2, GROWING))


def test_cold_start_that_one_stage_shows_is_expected_of_the_others():
    slow = a_stage(0, 32.0, *[2.0] * 9)
    child = a_stage(1, 1.0, parent_ids=(0,), submitted_s=50.0, completed_s=51.0)
    scan, silent = ScalableApplication(plan_of(slow, child), FLAT).parts
    alone = ScalableApplication(plan_of(a_stage(0, 32.0)), FLAT).parts[0]
    assert (scan.cold_s, alone.cold_s) == (pytest.approx(30.0), FLAT.cold_s)
    assert silent.cold_s == pytest.approx((FLAT.cold_s + 30.0) / 2)

"""The replay schedules as Spark does: known answers, and laws that hold for any application."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.domain.profile import Distribution, ExecutorSpan
from isocost.model.plan import Stay, launch_order_s, plan_from_profile
from isocost.model.replay import (
    Slots,
    TaskTimes,
    Warmth,
    observed_slots,
    replay,
    replay_with,
    slots_for,
)
from isocost.testing.nouns import a_profile, a_stage, some_durations


def replayed_s(profile, slot_count):
    return replay(plan_from_profile(profile), steady_slots(slot_count))


def steady_slots(count):
    return Slots((Stay(0.0, inf),) * count, count)


def opening_s(slots):
    return [stay.from_s for stay in slots.stays]


def test_spark_tasks_share_the_slots():
    profile = a_profile(a_stage(0, 4.0, 4.0, 4.0, 4.0))
    assert [replayed_s(profile, n) for n in (1, 2, 3, 4, 8)] == [16.0, 8.0, 8.0, 4.0, 4.0]


def test_a_long_spark_task_bounds_the_stage():
    executors = (ExecutorSpan("0", "host-0", 3, 0.0, None),)
    assert replayed_s(a_profile(a_stage(0, 1.0, 1.0, 10.0), executors=executors), 3) == 10.0


def test_child_stage_waits_for_its_parent():
    parent = a_stage(0, 2.0, 2.0)
    child = a_stage(1, 3.0, 3.0, parent_ids=(0,), submitted_s=4.0, completed_s=10.0)
    assert replayed_s(a_profile(parent, child), 2) == 5.0


def test_driver_time_between_spark_jobs_is_kept():
    first = a_stage(0, 2.0, 2.0)
    second = a_stage(1, 2.0, 2.0, spark_job_id=1, submitted_s=9.0, completed_s=13.0)
    profile = a_profile(first, second, runtime_s=14.0)
    assert replayed_s(profile, 1) == 14.0
    assert replayed_s(profile, 2) == 2.0 + 5.0 + 2.0 + 1.0


def test_concurrent_spark_jobs_stay_concurrent():
    one = a_stage(0, 3.0, completed_s=3.0)
    other = a_stage(1, 3.0, spark_job_id=1, submitted_s=0.0, completed_s=6.0)
    assert replayed_s(a_profile(one, other), 2) == 3.0


def test_spark_job_waits_for_all_that_its_driver_had_seen():
    quick = a_stage(0, 1.0, completed_s=1.0)
    slow = a_stage(1, 5.0, spark_job_id=1, submitted_s=0.0, completed_s=6.0)
    last = a_stage(2, 1.0, spark_job_id=2, submitted_s=6.0, completed_s=7.0)
    assert replayed_s(a_profile(quick, slow, last), 2) == 6.0


def test_earlier_spark_job_goes_first():
    early = a_stage(0, 2.0, 2.0, completed_s=4.0)
    late = a_stage(1, 1.0, spark_job_id=1, submitted_s=0.0, completed_s=5.0)
    after_early = a_stage(2, 1.0, parent_ids=(0,), submitted_s=4.0, completed_s=5.0)
    assert replayed_s(a_profile(early, late, after_early), 1) == 6.0


def test_stage_retry_waits_for_the_attempt_before_it():
    parent = a_stage(0, 2.0, 2.0)
    again = a_stage(0, 2.0, 2.0, attempt_id=1, submitted_s=5.0, completed_s=9.0)
    child = a_stage(1, 1.0, parent_ids=(0,), submitted_s=9.0, completed_s=10.0)
    profile = a_profile(parent, again, child)
    assert [replayed_s(profile, n) for n in (1, 2)] == [10.0, 2.0 + 1.0 + 2.0 + 1.0]


def test_stage_without_spark_tasks_hands_its_dependency_on():
    first = a_stage(0, *[10.0] * 8)
    empty = a_stage(1, parent_ids=(0,), submitted_s=80.0)
    empty = replace(empty, durations=some_durations(), completed_s=80.0)
    last = a_stage(2, *[10.0] * 8, parent_ids=(1,), submitted_s=80.0, completed_s=160.0)
    profile = a_profile(first, empty, last)
    assert [replayed_s(profile, n) for n in (1, 2, 8)] == [160.0, 80.0, 20.0]


def test_stage_that_took_no_time_does_not_wait_for_itself():
    first = a_stage(0, 5.0)
    instant = a_stage(1, 0.0, spark_job_id=1, submitted_s=5.0, completed_s=5.0)
    last = a_stage(2, 100.0, spark_job_id=2, submitted_s=6.0, completed_s=106.0)
    assert replayed_s(a_profile(first, instant, last), 1) == 106.0


def test_stage_that_completed_before_it_was_submitted_still_runs():
    backwards = a_stage(0, 2.0, submitted_s=3.0, completed_s=1.0)
    assert replayed_s(a_profile(backwards, runtime_s=5.0), 1) == 5.0 + 2.0


def test_slots_leave_with_their_executor():
    executors = (ExecutorSpan("0", "a", 1, 0.0, None), ExecutorSpan("1", "b", 1, 0.0, 10.0))
    stage = a_stage(0, *[5.0] * 8, completed_s=30.0)
    plan = plan_from_profile(a_profile(stage, executors=executors, runtime_s=30.0))
    assert replay(plan, observed_slots(plan)) == 30.0


def test_replacement_is_no_additional_slot():
    executors = (
        ExecutorSpan("0", "a", 1, 0.0, None),
        ExecutorSpan("1", "b", 1, 0.0, 10.0),
        ExecutorSpan("2", "c", 1, 11.0, None),
    )
    plan = plan_from_profile(a_profile(a_stage(0, *[5.0] * 8), executors=executors))
    assert plan.observed_slot_count == 2


def test_executors_that_left_after_the_last_stage_were_there_to_the_end():
    executors = (ExecutorSpan("0", "a", 1, 0.0, 3.0),)
    plan = plan_from_profile(a_profile(a_stage(0, 3.0), executors=executors, runtime_s=4.0))
    assert replay(plan, observed_slots(plan)) == 4.0


def test_slots_open_when_their_executors_register():
    executors = (ExecutorSpan("0", "a", 2, 1.0, None), ExecutorSpan("1", "b", 2, 3.0, None))
    plan = plan_from_profile(a_profile(executors=executors, runtime_s=10.0))
    assert opening_s(observed_slots(plan)) == [1.0, 1.0, 3.0, 3.0]
    assert opening_s(slots_for(plan, 4, 1)) == [1.0, 1.0, 3.0, 3.0]
    assert opening_s(slots_for(plan, 1, 1)) == [1.0]


def test_executor_that_registers_after_the_end_was_there_from_the_start():
    executors = (ExecutorSpan("0", "a", 1, 1e9, None),)
    plan = plan_from_profile(a_profile(executors=executors))
    assert opening_s(observed_slots(plan)) == [0.0]


def test_application_without_spark_tasks_takes_its_driver_time():
    stage = replace(a_stage(), durations=some_durations(), completed_s=0.0)
    assert replayed_s(a_profile(stage, runtime_s=7.0), 4) == 7.0


def test_sampled_durations_stand_for_all():
    sampled = Distribution(count=6, total_s=18.0, quantiles_s=(), values_s=(2.0, 4.0))
    assert launch_order_s(sampled) == (2.0, 2.0, 2.0, 4.0, 4.0, 4.0)


def test_sampled_durations_keep_the_exact_sum():
    sampled = Distribution(count=5, total_s=21.0, quantiles_s=(), values_s=(2.0, 4.0))
    assert sum(launch_order_s(sampled)) == pytest.approx(21.0)


task_times = st.lists(st.floats(0.01, 100.0), min_size=1, max_size=30)


@given(task_times, st.integers(1, 12))
def test_one_stage_lies_between_its_bounds(task_s, slot_count):
    executors = (ExecutorSpan("0", "host-0", slot_count, 0.0, None),)
    found = replayed_s(a_profile(a_stage(0, *task_s), executors=executors), slot_count)
    least = max(max(task_s), sum(task_s) / slot_count)
    assert least * (1 - 1e-9) <= found <= sum(task_s) / slot_count + max(task_s) * (1 + 1e-9)


@given(st.lists(st.integers(0, 9).map(float), min_size=1, max_size=40), st.integers(1, 5))
def test_spark_tasks_follow_each_other_on_whichever_slot_is_free_first(task_s, slot_count):
    free_at_s = [0.0] * slot_count
    for spark_task_s in task_s:
        first = free_at_s.index(min(free_at_s))
        free_at_s[first] += spark_task_s
    times = TaskTimes((task_s,))
    plan = plan_from_profile(a_profile(a_stage(0, *[1.0] * len(task_s))))
    assert replay_with(plan, steady_slots(slot_count), times).runtime_s == max(free_at_s)


@given(st.lists(task_times, min_size=1, max_size=6))
def test_a_chain_on_one_slot_replays_exactly(chain):
    stages, now_s = [], 0.0
    for stage_id, task_s in enumerate(chain):
        times = {"submitted_s": now_s, "completed_s": now_s + sum(task_s)}
        stages.append(a_stage(stage_id, *task_s, spark_job_id=stage_id, **times))
        now_s += sum(task_s)
    assert replayed_s(a_profile(*stages), 1) == pytest.approx(now_s)


def test_executor_is_settled_once_a_spark_task_of_the_stage_has_ended_on_any_of_its_slots():
    plan = plan_from_profile(a_profile(a_stage(0, 1.0, 2.0, 1.0, 1.0)))
    times = TaskTimes(((1.0, 2.0, 1.0, 1.0),))
    together = replay_with(plan, Slots((Stay(0.0, inf),) * 2, 2, per_executor=2), times)
    apart = replay_with(plan, Slots((Stay(0.0, inf),) * 2, 2), times)
    cold, settled = Warmth.COLD, Warmth.SETTLED
    assert together.warmths == apart.warmths == ((cold, cold, settled, settled),)
    late = Slots((Stay(0.0, inf), Stay(1.5, inf)), 2, per_executor=2)
    assert replay_with(plan, late, times).warmths == ((cold, settled, settled, settled),)


def test_the_longest_free_slot_is_taken_first():
    first = a_stage(0, 1.0)
    second = a_stage(1, 1.0, parent_ids=(0,), submitted_s=1.0, completed_s=2.0)
    plan = plan_from_profile(a_profile(first, second))
    trace = replay_with(plan, steady_slots(2), TaskTimes(((1.0,), (1.0,))))
    assert trace.warmths == ((Warmth.COLD,), (Warmth.COLD,))

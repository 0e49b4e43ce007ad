"""First waves are slower, and a candidate has first waves of its own."""

from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.model.plan import plan_from_profile
from isocost.model.replay import replay, slots_for
from isocost.model.waves import durations_on, first_wave_factor, pooled, wave_ratio
from isocost.testing.nouns import a_profile, a_stage


def test_ratio_compares_the_first_spark_task_on_each_slot_with_the_rest():
    ratio = wave_ratio([4.0, 4.0, 2.0, 2.0, 2.0], 2)
    assert (exp(ratio.log_ratio), ratio.weight) == (pytest.approx(2.0), 2)


@pytest.mark.parametrize("task_s", [[4.0, 2.0], [4.0], [0.0, 0.0, 0.0]])
def test_stage_of_one_wave_says_nothing(task_s):
    assert wave_ratio(task_s, 2).weight == 0


def test_stage_without_evidence_takes_the_applications_ratio():
    assert first_wave_factor(wave_ratio([4.0], 2), log(3.0)) == pytest.approx(3.0)


def test_first_waves_are_never_faster():
    assert first_wave_factor(wave_ratio([1.0, 9.0, 9.0], 1), log(0.5)) == 1.0


def test_application_weighs_its_stages_by_their_evidence():
    strong, weak = wave_ratio([4.0] * 9 + [2.0] * 9, 9), wave_ratio([8.0, 8.0], 1)
    assert pooled([strong, weak]) == pytest.approx(0.9 * log(2.0))
    assert pooled([]) == 0.0


def test_more_slots_lengthen_the_spark_tasks_that_join_the_first_wave():
    assert durations_on([4.0, 2.0, 2.0, 2.0], 1, 3, factor=2.0) == [4.0, 4.0, 4.0, 2.0]


def test_fewer_slots_shorten_those_that_leave_it():
    assert durations_on([4.0, 4.0, 2.0], 2, 1, factor=2.0) == [4.0, 2.0, 2.0]


@given(st.lists(st.floats(0.1, 10.0), min_size=1), st.integers(1, 8), st.floats(1.0, 5.0))
def test_the_observed_slots_change_nothing(task_s, slot_count, factor):
    assert durations_on(task_s, slot_count, slot_count, factor=factor) == task_s


def test_second_slot_gains_less_where_the_first_wave_is_slow():
    plan = plan_from_profile(a_profile(a_stage(0, 5.0, *[1.0] * 7)))
    assert replay(plan, slots_for(plan, 1, 1)) == 12.0
    assert 6.0 < replay(plan, slots_for(plan, 2, 1)) < 12.0


def test_a_factor_beyond_what_was_ever_measured_is_bounded():
    assert first_wave_factor(wave_ratio([100.0] * 50 + [1.0] * 50, 50), 0.0) == 7.0

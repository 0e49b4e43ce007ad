"""Spark tasks grow with the executors: laws that hold for any of them."""

from dataclasses import replace
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.model.growth import GrowthLaw, growth_factor

LAW = GrowthLaw(
    contention=0.005,
    fan_in=0.015,
    fan_in_scale_s=0.3,
    warm_up_fan_in=0.005,
    cold_s=1.6,
    cold_shuffle_s=1.0,
    log_sd_per_efold=0.1,
)
executors = st.integers(1, 1000)
seconds = st.floats(1e-3, 1e4)
shares = st.floats(0.0, 1.0)
kinds = st.booleans()


def factor(before, after, **changes):
    asked = {"shuffle_share": 0.5, "task_s": 1.0} | changes
    return growth_factor(LAW, (before, after), **asked)


@given(executors, shares, seconds)
def test_as_many_executors_change_nothing(count, share, task_s):
    same = factor(count, count, shuffle_share=share, task_s=task_s)
    assert (same.log_mean, same.log_sd) == (pytest.approx(0.0, abs=1e-9), 0.0)


@given(executors, executors, shares, seconds)
def test_more_executors_never_shorten_a_spark_task(one, other, share, task_s):
    grown = factor(min(one, other), max(one, other), shuffle_share=share, task_s=task_s)
    assert grown.log_mean >= -1e-9


@given(executors, executors, executors, seconds, kinds)
def test_two_steps_are_as_good_as_one(first, second, third, task_s, reads_shuffle):
    half = LAW.settled_growth(task_s, (first, second), reads_shuffle=reads_shuffle)
    rest = LAW.settled_growth(task_s * half, (second, third), reads_shuffle=reads_shuffle)
    whole = LAW.settled_growth(task_s, (first, third), reads_shuffle=reads_shuffle)
    assert half * rest == pytest.approx(whole)


@given(executors, seconds, kinds)
def test_what_nothing_stretches_is_found_again(count, alone_s, reads_shuffle):
    settled_s = LAW.settled_s(alone_s, count, reads_shuffle=reads_shuffle)
    assert LAW.alone_s(settled_s, count, reads_shuffle=reads_shuffle) == pytest.approx(alone_s)


def test_fetching_grows_more_and_short_spark_tasks_most():
    scan, long, short = (
        exp(factor(10, 100, shuffle_share=share, task_s=task_s).log_mean)
        for share, task_s in [(0.0, 1.0), (1.0, 10.0), (1.0, 0.05)]
    )
    assert scan == pytest.approx(1.5 / 1.05)
    assert scan < long < short


def test_doubt_grows_with_the_distance_whatever_its_direction():
    assert 0 < factor(10, 20).log_sd < factor(10, 100).log_sd
    assert factor(10, 100).log_sd == pytest.approx(factor(100, 10).log_sd)


def test_warm_ups_grow_beyond_contention():
    assert LAW.warm_up_growth((10, 100)) > LAW.cold_growth((10, 100)) > 1.0


def test_law_without_growth_holds_times_constant():
    flat = replace(LAW, contention=0.0, fan_in=0.0, warm_up_fan_in=0.0)
    assert flat.settled_growth(2.0, (1, 100), reads_shuffle=True) == pytest.approx(1.0)
    assert flat.warm_up_growth((1, 100)) == 1.0

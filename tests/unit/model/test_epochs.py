"""Changes of the program begin epochs; noise, outliers and larger inputs do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.model.epochs import epochs_of
from isocost.model.history import Ending
from isocost.testing.nouns import a_profile
from tests.unit.model.clusters import a_run, on


def runs(*runtimes_s, **changes):
    return [
        a_run(runtime_s=float(s), run_id=f"r-{n}", **changes) for n, s in enumerate(runtimes_s)
    ]


def logged(runtime_s, plan=None, spark_version="3.5.1"):
    profile = a_profile(plan_fingerprint=plan, spark_version=spark_version)
    return a_run(runtime_s=runtime_s, profile=profile)


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_two_runs_in_a_row_unlike_those_before_begin_an_epoch(factor):
    shifted = factor * 100
    assert epochs_of(runs(100, 101, 99, shifted, shifted)) == [1, 1, 1, 0, 0]


def test_one_outlier_does_not():
    assert epochs_of(runs(100, 101, 99, 180, 100, 101)) == [0] * 6


def test_two_outliers_to_different_sides_do_not():
    assert epochs_of(runs(100, 101, 99, 180, 55, 100)) == [0] * 6


def test_shift_on_two_clusters_in_turn_is_seen():
    here, there = on(4), on(8)
    history = [
        a_run(spec, s)
        for spec, s in [
            (here, 100),
            (there, 60),
            (here, 101),
            (there, 61),
            (here, 150),
            (there, 90),
        ]
    ]
    assert epochs_of(history) == [1, 1, 1, 1, 0, 0]


def test_other_plan_begins_an_epoch_at_once():
    history = [logged(100, "a"), logged(101, "a"), logged(100, "b")]
    assert epochs_of(history) == [1, 1, 0]


def test_other_spark_version_begins_an_epoch():
    assert epochs_of([logged(100), logged(100, spark_version="4.0.0")]) == [1, 0]


def test_runs_without_a_log_between_two_plans_belong_to_the_first():
    assert epochs_of([logged(100, "a"), a_run(runtime_s=100), logged(100, "b")]) == [1, 1, 0]


def test_larger_input_that_explains_the_runtime_is_no_shift():
    before = runs(100, 101, 99, input_bytes=1e9)
    slower = 100 * 4**0.7
    after = runs(slower, slower, input_bytes=4e9)
    assert epochs_of([*before, *after]) == [0] * 5


@pytest.mark.parametrize("change", [{"is_disturbed": True}, {"ending": Ending.FAILED}])
def test_disturbed_and_failed_runs_are_no_evidence(change):
    assert epochs_of([*runs(100, 101, 99), *runs(200, 200, **change)]) == [0] * 5


@given(st.integers(0, 2**31))
def test_noise_begins_no_epoch(seed):
    random = np.random.default_rng(seed)
    assert set(epochs_of(runs(*(100 * np.exp(random.normal(0, 0.02, 30)))))) == {0}


def test_project_that_scatters_is_given_its_scatter():
    # 20 % above the mean twice in a row is a shift of a steady project, not of this one.
    assert epochs_of(runs(100, 109, 93, 109, 93, 109, 93, 120, 120)) == [0] * 9
    assert epochs_of(runs(100, 101, 99, 101, 99, 101, 99, 120, 120))[0] == 1


def test_epochs_count_back_from_the_newest():
    history = [logged(100, plan) for plan in "aabbc"]
    assert epochs_of(history) == [2, 2, 1, 1, 0]

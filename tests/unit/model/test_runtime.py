"""The runtime model: what one run says, what more runs teach, and how sure it is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.errors import InvalidInput
from isocost.model.growth import SLOT_GROWTH_MEAN
from isocost.model.plan import plan_from_profile
from isocost.model.predict import prediction_from
from isocost.model.runtime import ClusterShape, ObservedRun, RuntimeModel
from isocost.testing.nouns import a_profile, a_stage

ONE = ClusterShape(1, 1, 2.0)
TWO = ClusterShape(1, 2, 2.0)
PLAN = plan_from_profile(a_profile(a_stage(0, *[1.0] * 40)))


def observed(run_id="r-1", shape=ONE, runtime_s=40.0, driver_s=0.0, plan=PLAN):
    return ObservedRun(run_id, shape, plan, runtime_s, driver_s)


def test_observed_cluster_is_predicted_as_it_was():
    assert RuntimeModel([observed()]).runtime_on(ONE).median == pytest.approx(40.0)


def test_more_slots_shorten_the_run_by_less_than_their_number():
    expected = 20.0 * 2**SLOT_GROWTH_MEAN
    assert RuntimeModel([observed()]).runtime_on(TWO).median == pytest.approx(expected)


def test_driver_time_does_not_grow_with_slots():
    mostly_driver = observed(driver_s=40.0)
    assert RuntimeModel([mostly_driver]).runtime_on(TWO).median == pytest.approx(20.0)


def test_model_learns_how_the_project_scales():
    two_slots = replace(PLAN, slots_per_executor=2)
    history = [observed(), observed("r-2", TWO, runtime_s=30.0, plan=two_slots)]
    before = RuntimeModel(history[:1]).runtime_on(TWO).median
    model = RuntimeModel([*history, observed("r-3")])
    four = ClusterShape(1, 4, 2.0)
    assert before < model.runtime_on(TWO).median == pytest.approx(30.0)
    assert model.runtime_on(four).median > RuntimeModel(history[:1]).runtime_on(four).median


def test_repeats_narrow_the_interval():
    once = RuntimeModel([observed()]).runtime_on(ONE)
    often = RuntimeModel([observed(f"r-{n}") for n in range(8)]).runtime_on(ONE)
    assert often.quantile(0.9) / often.median < once.quantile(0.9) / once.median


def test_runs_that_contradict_each_other_widen_the_interval():
    steady = RuntimeModel([observed(f"r-{n}") for n in range(4)]).runtime_on(ONE)
    erratic_runs = [observed(f"r-{n}", runtime_s=s) for n, s in enumerate((40, 80, 20, 60))]
    erratic = RuntimeModel(erratic_runs).runtime_on(ONE)
    assert erratic.scale > 2 * steady.scale


def test_a_longer_step_is_less_certain():
    model = RuntimeModel([observed()])
    scales = [model.runtime_on(ClusterShape(n, 1, 2.0)).scale for n in (1, 2, 8, 32)]
    assert scales == sorted(scales)
    assert scales[0] < scales[-1]


def test_replay_error_is_of_the_newest_run():
    model = RuntimeModel([observed(), observed("r-2", runtime_s=80.0)])
    assert model.replay_error_fraction == pytest.approx(0.5)


@pytest.mark.parametrize("runtime_s", [0.0, -1.0, float("nan")])
def test_impossible_runtime_is_refused_by_run(runtime_s):
    with pytest.raises(InvalidInput, match="r-1"):
        observed(runtime_s=runtime_s)


def test_no_history_is_refused():
    with pytest.raises(InvalidInput, match="at least one run"):
        RuntimeModel([])


@given(st.integers(1, 64), st.floats(0.5, 64.0))
def test_intervals_are_nested_around_the_median(slot_count, memory_gib):
    runtime = RuntimeModel([observed()]).runtime_on(ClusterShape(slot_count, 1, memory_gib))
    p = prediction_from(runtime, usd_per_s=0.001, max_runtime_s=runtime.median)
    assert p.runtime_95_s.low < p.runtime_80_s.low < p.runtime_s
    assert p.runtime_s < p.runtime_80_s.high < p.runtime_95_s.high
    assert p.sla_probability == pytest.approx(0.5)


def test_cost_counts_the_time_around_the_application():
    runtime = RuntimeModel([observed()]).runtime_on(ONE)
    p = prediction_from(runtime, usd_per_s=0.01, overhead_s=10.0)
    assert p.cost_usd == pytest.approx(0.5)
    assert p.sla_probability is None

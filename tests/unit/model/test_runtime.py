"""The runtime model: what one run says, what more runs teach, and how sure it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.domain.profile import ExecutorSpan
from isocost.errors import InvalidInput
from isocost.model.growth import NOISE_SD, SLOT_GROWTH_MEAN
from isocost.model.plan import plan_from_profile
from isocost.model.predict import prediction_from
from isocost.model.runtime import ClusterShape, ObservedRun, RuntimeModel
from isocost.testing.nouns import a_profile, a_stage

ONE = ClusterShape(1, 1, 2.0)
TWO = ClusterShape(1, 2, 2.0)


def observed(run_id="r-1", shape=ONE, runtime_s=40.0, driver_s=0.0, replayed_s=None):
    """Return a run of 40 equal spark tasks whose replay takes `replayed_s`, else its runtime."""
    spark_task_s = (replayed_s or runtime_s) * shape.slot_count / 40
    executors = (ExecutorSpan("0", "host-0", shape.slot_count, 0.0, None),)
    stage = a_stage(0, *[spark_task_s] * 40, completed_s=replayed_s or runtime_s)
    profile = a_profile(stage, executors=executors)
    return ObservedRun(run_id, shape, plan_from_profile(profile), runtime_s, driver_s)


def test_observed_cluster_is_predicted_as_it_was():
    assert RuntimeModel([observed()]).runtime_on(ONE).median == pytest.approx(40.0)


def test_more_slots_shorten_the_run_by_less_than_their_number():
    expected = 20.0 * 2**SLOT_GROWTH_MEAN
    assert RuntimeModel([observed()]).runtime_on(TWO).median == pytest.approx(expected)


def test_what_replays_of_a_log_said_is_known_to_whoever_reads_it_again():
    first, again, other = observed(), observed(), observed(runtime_s=41.0)
    told = first.replay_on(TWO)
    assert again._known_s == first._known_s
    assert other._known_s != first._known_s
    assert (again.replay_on(TWO).log_s, again.replayed_s) == (told.log_s, first.replayed_s)


def test_driver_time_does_not_grow_with_slots():
    mostly_driver = observed(driver_s=40.0)
    assert RuntimeModel([mostly_driver]).runtime_on(TWO).median == pytest.approx(20.0)


def test_model_learns_how_the_project_scales():
    history = [observed(), observed("r-2", TWO, runtime_s=30.0)]
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
    model = RuntimeModel([observed(), observed("r-2", runtime_s=80.0, replayed_s=40.0)])
    assert model.replay_error_fraction == pytest.approx(0.5)


def test_run_that_cannot_be_replayed_is_not_predicted_from():
    bad = observed("r-1", TWO, runtime_s=80.0, replayed_s=20.0)
    model = RuntimeModel([bad, observed("r-2")])
    assert model.run_ids == ("r-2",)
    assert model.runtime_on(TWO).median < 40.0


def test_replay_that_is_off_widens_a_step_in_slots():
    good, off = observed(), observed(replayed_s=33.0)
    scales = [RuntimeModel([run]).runtime_on(TWO).scale for run in (good, off)]
    assert scales[0] < scales[1]


def test_slow_first_wave_that_may_be_skew_widens_the_interval():
    def scale_after(*task_s):
        executors = (ExecutorSpan("0", "host-0", 8, 0.0, None),)
        stage = a_stage(0, *task_s, completed_s=11.0)
        plan = plan_from_profile(a_profile(stage, executors=executors))
        run = ObservedRun("r-1", ClusterShape(1, 8, 2.0), plan, 11.0, 0.0)
        return RuntimeModel([run]).runtime_on(ClusterShape(1, 4, 2.0)).scale

    assert scale_after(*[10.0] * 8, *[1.0] * 8) > 1.3 * scale_after(*[5.5] * 16)


def test_a_prediction_from_one_run_holds_the_noise_of_both():
    scale = RuntimeModel([observed()]).runtime_on(ONE).scale
    assert scale == pytest.approx(NOISE_SD * 2**0.5)


def test_lost_executor_does_not_change_what_its_own_cluster_is_predicted_to_take():
    executors = (
        ExecutorSpan("0", "a", 1, 0.0, None),
        ExecutorSpan("1", "b", 1, 0.0, 10.0),
        ExecutorSpan("2", "c", 1, 11.0, None),
    )
    plan = plan_from_profile(a_profile(a_stage(0, *[5.0] * 8), executors=executors))
    run = ObservedRun("r-1", ClusterShape(2, 1, 2.0), plan, 40.0, 0.0)
    assert RuntimeModel([run]).runtime_on(ClusterShape(2, 1, 2.0)).median == pytest.approx(40.0)


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

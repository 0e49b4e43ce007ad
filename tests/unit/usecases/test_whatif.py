"""What-if: the replay of a log on other core counts, and what it refuses."""

from dataclasses import replace

import pytest

from isocost.domain.profile import ExecutorSpan
from isocost.errors import InvalidInput
from isocost.model.growth import SLOT_GROWTH_MEAN
from isocost.testing.nouns import a_profile, a_stage, some_durations
from isocost.usecases.whatif import whatif

PROFILE = a_profile(a_stage(0, *[1.0] * 32))


def test_more_cores_are_faster_with_diminishing_returns():
    runtimes_s = [p.runtime_s for p in whatif(PROFILE, [1, 2, 4, 32, 64]).predictions]
    assert runtimes_s[0] == pytest.approx(32.0)
    assert runtimes_s[0] > runtimes_s[1] > runtimes_s[2] > runtimes_s[3]
    assert runtimes_s[4] >= 1.0


def test_slots_that_stay_idle_slow_nothing_down():
    (p,) = whatif(a_profile(a_stage(0, 5.0, 5.0)), [64]).predictions
    assert p.runtime_s <= 5.0 * 2**SLOT_GROWTH_MEAN + 1e-9


def test_each_prediction_lies_in_its_interval():
    for p in whatif(PROFILE, [1, 8]).predictions:
        assert p.runtime_s in p.interval_s


def test_the_observed_core_count_is_predicted_as_it_was_and_surely():
    executors = tuple(ExecutorSpan(str(n), "host", 16, 0.0, None) for n in range(4))
    stage = a_stage(0, *[10.0] * 640, completed_s=100.0)
    profile = a_profile(stage, executors=executors)
    (p,) = whatif(profile, [64]).predictions
    assert p.runtime_s == pytest.approx(100.0)
    assert p.interval_s.high < 115.0


@pytest.mark.parametrize("cores", [[], [0], [4, -1], [1_000_000]])
def test_impossible_core_counts_are_refused_with_an_example(cores):
    with pytest.raises(InvalidInput, match="--cores 8,16,32"):
        whatif(PROFILE, cores)


def test_log_without_spark_tasks_has_nothing_to_replay():
    empty = a_profile(replace(a_stage(), durations=some_durations()), runtime_s=5.0)
    with pytest.raises(InvalidInput, match="nothing to replay"):
        whatif(empty, [4])


def test_replay_that_is_far_off_warns():
    answer = whatif(replace(PROFILE, runtime_s=16.0), [4])
    assert "do not trust" in answer.warning


def test_spark_task_of_two_cores_takes_two():
    doubled = replace(PROFILE, slots_per_core=0.5)
    one, other = (whatif(p, [8]).predictions[0].runtime_s for p in (PROFILE, doubled))
    assert other > one

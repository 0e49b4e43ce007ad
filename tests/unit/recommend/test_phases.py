"""The table of turns: what leads back to learning, what to rebasing, and what to neither."""

import pytest

from isocost.domain.project import Phase
from isocost.recommend.phases import Turn, phase_after, turn
from isocost.recommend.search import Move
from isocost.testing.nouns import a_profile
from tests.unit.model.clusters import a_run

LEARNING, OPTIMIZING, REBASING = Phase.LEARNING, Phase.OPTIMIZING, Phase.REBASING


def runs(*runtimes_s, **changes):
    return [a_run(runtime_s=float(s), **changes) for s in runtimes_s]


STEADY = runs(100, 101, 99, 100)
SHIFTED = runs(100, 101, 99, 150, 151)
GROWN = [*runs(100, 101, input_bytes=1e9), *runs(135, input_bytes=1.6e9)]
SHRUNK = [*runs(100, 101, input_bytes=1e9), *runs(70, input_bytes=0.6e9)]
LITTLE_GROWN = [*runs(100, 101, input_bytes=1e9), *runs(130, input_bytes=1.4e9)]
RECODED = [*runs(100, 101, profile=a_profile()), *runs(100, profile=a_profile(spark_version="4"))]


@pytest.mark.parametrize(
    ("phase", "history", "then"),
    [
        (OPTIMIZING, STEADY, OPTIMIZING),
        (OPTIMIZING, SHIFTED, REBASING),
        (OPTIMIZING, SHIFTED[:-1], OPTIMIZING),
        (OPTIMIZING, [*SHIFTED, *runs(150)], OPTIMIZING),  # told once
        (OPTIMIZING, GROWN, LEARNING),
        (OPTIMIZING, SHRUNK, LEARNING),
        (OPTIMIZING, LITTLE_GROWN, OPTIMIZING),
        (OPTIMIZING, RECODED, LEARNING),
        (OPTIMIZING, STEADY[:1], OPTIMIZING),
        (REBASING, SHIFTED, REBASING),
        (REBASING, GROWN, LEARNING),
        (LEARNING, SHIFTED, LEARNING),
        (LEARNING, GROWN, LEARNING),
    ],
)
def test_history_turns_the_phase(phase, history, then):
    found = turn(phase, history)
    assert found.phase is then
    assert (found.reason is not None) == (then is not phase)


@pytest.mark.parametrize("phase", [OPTIMIZING, REBASING])
def test_news_lead_back_to_learning_with_their_words(phase):
    assert turn(phase, STEADY, news="prices changed") == Turn(LEARNING, "prices changed")


def test_reason_says_how_much_the_input_grew():
    assert turn(OPTIMIZING, GROWN).reason == "the input is 160 % of what runs read before"


@pytest.mark.parametrize("phase", list(Phase))
def test_whatever_settles_is_optimizing(phase):
    assert phase_after(Move.EXPLOIT, phase) is OPTIMIZING


def test_having_to_recover_the_deadline_unsettles_a_project():
    assert phase_after(Move.RECOVER, OPTIMIZING) is Phase.LEARNING
    assert phase_after(Move.ENDURE, OPTIMIZING) is OPTIMIZING

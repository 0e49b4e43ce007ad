"""How the book of trials is read."""

from isocost.domain.experiment import TrialState
from isocost.testing.workers import Step, end_counts, takeovers_s

QUEUED, RUNNING, OVER = TrialState.QUEUED, TrialState.RUNNING, TrialState.SUCCEEDED


def a_book(*steps):
    return [Step(float(at_s), trial_id, state) for at_s, trial_id, state in steps]


def test_each_end_is_counted():
    book = a_book((0, "a", QUEUED), (1, "a", RUNNING), (2, "a", OVER), (3, "a", OVER))
    assert end_counts(book) == {"a": 2}


def test_trial_that_never_ended_is_not_counted():
    assert end_counts(a_book((0, "a", QUEUED), (1, "a", RUNNING))) == {}


def test_takeover_is_from_the_kill_to_the_next_begin_of_what_had_begun():
    book = a_book((1, "a", RUNNING), (2, "b", RUNNING), (9, "c", RUNNING), (25, "a", RUNNING))
    assert takeovers_s(book, killed_at_s=5.0) == [20.0]

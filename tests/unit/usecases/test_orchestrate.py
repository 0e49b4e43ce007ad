"""Experiments are put into a queue, paused, resumed, cancelled and watched."""

import pytest

from isocost.domain.experiment import ExperimentState, TrialEvent, TrialState
from isocost.errors import InvalidInput, NotFound, PlatformError
from isocost.queue.inline import InlineQueue
from isocost.store.memory import MemoryStore
from isocost.testing.nouns import a_project, a_trial, an_experiment
from isocost.usecases.orchestrate import (
    Rhythm,
    cancel,
    enqueue,
    failures_of,
    pause,
    resume,
    standing_of,
    watch_to_end,
)


@pytest.fixture
def store():
    """Four trials: one of them over, one under way."""
    store = MemoryStore()
    with store.transaction() as tx:
        tx.put_project(a_project())
        tx.put_experiment(an_experiment())
        for ordinal in range(4):
            tx.put_trial(a_trial(f"t-{ordinal}", ordinal=ordinal))
    put(store, "t-0", TrialEvent.LEASE, TrialEvent.FINISH)
    put(store, "t-1", TrialEvent.LEASE)
    return store


@pytest.fixture
def queue():
    return InlineQueue()


def put(store, trial_id, *events):
    with store.transaction() as tx:
        trial = next(t for t in tx.trials_of("nightly") if t.trial_id == trial_id)
        for event in events:
            trial = trial.after(event, failure="out of luck")
        tx.put_trial(trial)


def states(store):
    with store.transaction(read_only=True) as tx:
        return [trial.state for trial in tx.trials_of("nightly")]


def test_trials_that_are_not_over_are_put_in_once(store, queue):
    assert enqueue(store, queue, "nightly") == 3
    assert enqueue(store, queue, "nightly") == 0
    assert queue.backlog("nightly").waiting == 3


def test_standing_counts_what_is_over(store):
    standing = standing_of(store, "nightly")
    assert (standing.done, standing.open_count, standing.total) == (1, 3, 4)
    assert standing.counts[TrialState.CANCELLED] == 0


def test_unknown_experiment_is_told(store, queue):
    with pytest.raises(NotFound, match="nightly"):
        enqueue(store, queue, "nigthly")


def test_reasons_of_those_set_aside_are_told(store):
    put(store, "t-1", TrialEvent.GIVE_UP)
    assert failures_of(store, "nightly")["t-1"] == "out of luck"


def test_paused_experiment_has_nothing_in_the_queue(store, queue):
    enqueue(store, queue, "nightly")
    assert pause(store, queue, "nightly").experiment.state is ExperimentState.PAUSED
    assert queue.backlog("nightly").is_empty
    with pytest.raises(InvalidInput, match="bank resume nightly"):
        enqueue(store, queue, "nightly")


def test_pausing_and_resuming_twice_is_harmless(store, queue):
    for change in (pause, pause, resume, resume):
        standing = change(store, queue, "nightly")
    assert standing.experiment.state is ExperimentState.OPEN
    assert queue.backlog("nightly").waiting == 3


def test_cancelled_trials_keep_what_is_over(store, queue):
    enqueue(store, queue, "nightly")
    for _ in range(2):
        cancel(store, queue, "nightly")
    assert states(store) == [TrialState.SUCCEEDED, *[TrialState.CANCELLED] * 3]
    assert queue.backlog("nightly").is_empty


@pytest.mark.parametrize("change", [pause, resume, enqueue])
def test_cancelling_is_final(store, queue, change):
    cancel(store, queue, "nightly")
    with pytest.raises(InvalidInput, match="new --name"):
        change(store, queue, "nightly")


def test_watching_ends_with_the_last_trial(store, queue):
    seen = []

    def rest(_):
        put(store, f"t-{len(seen)}", *([TrialEvent.LEASE] * (len(seen) > 1)), TrialEvent.FINISH)

    watch_to_end(store, queue, "nightly", tell=lambda s: seen.append(s.done), rhythm=Rhythm(rest))
    assert seen == [1, 2, 3, 4]


def test_watching_ends_when_somebody_pauses(store, queue):
    standing = watch_to_end(
        store,
        queue,
        "nightly",
        tell=lambda _: None,
        rhythm=Rhythm(lambda _: pause(store, queue, "nightly")),
    )
    assert standing.experiment.state is ExperimentState.PAUSED


def test_watcher_puts_in_again_what_the_queue_has_lost(store, queue):
    seen = []

    def rest(_):
        seen.append(queue.backlog("nightly").waiting)
        cancel(store, queue, "nightly")

    watch_to_end(store, queue, "nightly", tell=lambda _: None, rhythm=Rhythm(rest, reput_s=-1.0))
    assert seen == [3]


class StoreWithFaults:
    """A store whose server is away for some looks."""

    def __init__(self, store, faults):
        self._store = store
        self.faults = faults

    def transaction(self, *, read_only=False):
        self.faults -= 1
        if self.faults >= 0:
            raise PlatformError("the server is away")
        return self._store.transaction(read_only=read_only)


def watch_through(faults, patience_s):
    """Watch an experiment of which nothing is left, through faults; return the rests taken."""
    store, rests = MemoryStore(), []
    with store.transaction() as tx:
        tx.put_experiment(an_experiment())
    rhythm = Rhythm(rests.append, patience_s=patience_s)
    faulty = StoreWithFaults(store, faults)
    watch_to_end(faulty, InlineQueue(), "nightly", tell=lambda _: None, rhythm=rhythm)
    return len(rests)


def test_watcher_waits_for_a_server_that_is_away():
    assert watch_through(3, patience_s=60.0) == 3


def test_watcher_gives_up_in_the_end():
    with pytest.raises(PlatformError, match="away"):
        watch_through(3, patience_s=-1.0)


def test_cancelling_what_is_over_changes_nothing(store, queue):
    for trial_id in ("t-1", "t-2", "t-3"):
        begun = () if trial_id == "t-1" else (TrialEvent.LEASE,)
        put(store, trial_id, *begun, TrialEvent.FINISH)
    standing = cancel(store, queue, "nightly")
    assert standing.is_over
    assert standing.experiment.state is ExperimentState.OPEN

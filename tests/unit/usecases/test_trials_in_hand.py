"""A trial that somebody has in hand: interrupted, taken over, paused, or the store fails it."""

from contextlib import contextmanager

import pytest

from isocost.domain.experiment import ExperimentEvent, TrialEvent, TrialState
from isocost.errors import PlatformError
from isocost.jobbank.lineage import TrialRecord
from isocost.store.memory import MemoryStore
from isocost.testing.nouns import a_project, a_run, a_trial, an_experiment
from isocost.usecases.orchestrate import cancel, pause
from isocost.usecases.trials import carry_stored


class StoreWithFaults:
    """A store whose disk is full for as long as somebody says."""

    def __init__(self, store):
        self._store = store
        self.is_full = False

    @contextmanager
    def transaction(self, *, read_only=False):
        with self._store.transaction(read_only=read_only) as tx:
            yield tx
            if self.is_full and not read_only:
                raise PlatformError("disk full")


class Unwritable:
    """A store whose every transaction refuses to write."""

    def __init__(self, store):
        self._store = store

    def transaction(self, *, read_only=False):
        return self._store.transaction(read_only=True)


@pytest.fixture
def store():
    store = MemoryStore()
    with store.transaction() as tx:
        tx.put_project(a_project())
        tx.put_experiment(an_experiment())
        tx.put_trial(a_trial())
    return store


def stored(store):
    with store.transaction(read_only=True) as tx:
        return tx.trial("t-1")


def runs(store):
    with store.transaction(read_only=True) as tx:
        return tx.runs_of("p-1")


def carry(trial, plan):
    return TrialRecord(trial, a_project(), [a_run()], [], {})


def carried(store, carry=carry):
    return carry_stored(store, "nightly", "t-1", carry=carry)


class NoQueue:
    def withdraw(self, group):
        return 0


def test_trial_that_is_carried_twice_is_stored_once(store):
    calls = []

    def counted(trial, plan):
        calls.append(trial)
        return carry(trial, plan)

    assert carried(store, counted) == carried(store, counted)
    assert len(calls) == 1


def test_trial_that_is_over_is_not_written_again(store):
    ended = carried(store)
    assert carried(Unwritable(store)) == ended


def test_interrupted_trial_is_handed_back_without_counting_as_an_attempt(store):
    def interrupted(trial, plan):
        raise KeyboardInterrupt

    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            carried(store, interrupted)
    assert (stored(store).state, stored(store).attempt_count) == (TrialState.QUEUED, 0)


def test_trial_that_could_not_be_stored_leaves_nothing_and_is_carried_again(store):
    faulty = StoreWithFaults(store)

    def filling(trial, plan):
        faulty.is_full = True
        return carry(trial, plan)

    with pytest.raises(PlatformError, match="disk full"):
        carried(faulty, filling)
    assert runs(store) == []
    faulty.is_full = False
    assert carried(faulty).state is TrialState.SUCCEEDED
    assert len(runs(store)) == 1


def test_full_disk_sets_no_trial_aside_however_often_it_is_tried(store):
    faulty = StoreWithFaults(store)
    faulty.is_full = True
    for _ in range(5):
        with pytest.raises(PlatformError, match="disk full"):
            carried(faulty)
    assert stored(store).attempt_count == 0


def test_trial_found_running_is_an_attempt_of_a_dead_process(store):
    with store.transaction() as tx:
        tx.put_trial(a_trial().after(TrialEvent.LEASE))
    assert carried(store).attempt_count == 1


def test_who_was_taken_for_dead_stores_nothing(store):
    def overtaken(trial, plan):
        carried(store, lambda again, plan: TrialRecord(again, a_project(), [], [], {}))
        return carry(trial, plan)

    carried(store, overtaken)
    assert runs(store) == []
    assert stored(store).state is TrialState.SUCCEEDED


def test_paused_experiment_is_not_taken_up(store):
    pause(store, NoQueue(), "nightly")
    assert carried(store).state is TrialState.QUEUED
    with store.transaction() as tx:
        tx.put_experiment(tx.experiment("nightly").after(ExperimentEvent.RESUME))
    assert carried(store).state is TrialState.SUCCEEDED


def test_trial_cancelled_under_way_stores_nothing(store):
    def cancelled(trial, plan):
        cancel(store, NoQueue(), "nightly")
        return carry(trial, plan)

    assert carried(store, cancelled).state is TrialState.CANCELLED
    assert runs(store) == []

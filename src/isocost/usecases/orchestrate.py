"""An experiment's trials in; put into a queue, paused, resumed, cancelled, and watched to the end.

Rows of the store say what is to be done, the queue only tells workers where to look. So putting
trials in twice does no harm, and what a queue has lost is put in again by whoever watches.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from isocost import clock
from isocost.domain.experiment import (
    Experiment,
    ExperimentEvent,
    ExperimentState,
    TrialEvent,
    TrialState,
)
from isocost.errors import Busy, InvalidInput, PlatformError
from isocost.queue.base import Handlers, Queue, Shift, WorkItem
from isocost.store.base import Store, Transaction

TRIAL: Final = "trial"

# What a person looking at a progress bar takes for live.
LOOK_S: Final = 1.0
# An item is lost when a worker has failed at it too often, minutes later; there is no hurry.
_REPUT_S: Final = 60.0
# Whoever only watches loses nothing by waiting for a database that is mended.
_PATIENCE_S: Final = 900.0

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an experiment has come; `counts` holds every state."""

    experiment: Experiment
    counts: Mapping[TrialState, int]

    @property
    def total(self) -> int:
        """How many trials it has."""
        return sum(self.counts.values())

    @property
    def open_count(self) -> int:
        """How many are not over."""
        return self.counts[TrialState.QUEUED] + self.counts[TrialState.RUNNING]

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to any of its trials."""
        return self.open_count == 0

    @property
    def done(self) -> int:
        """How many are over, in whatever way."""
        return self.total - self.open_count


class Watcher(Protocol):
    """Told again and again how an experiment stands."""

    def __call__(self, standing: Standing) -> None:
        """Show it."""
        ...


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How somebody watches.

    Attributes:
        rest: waits so many seconds.
        reput_s: how often what is not over, and not in the queue, is put in again.
        patience_s: how long the database may fail.
    """

    rest: Callable[[float], None] = clock.rest
    reput_s: float = _REPUT_S
    patience_s: float = _PATIENCE_S


@dataclass(frozen=True, slots=True)
class Crew:
    """Who carries an experiment's trials.

    Attributes:
        queue: that they are put into.
        handlers: of trials.
        process_count: how many processes of this machine carry them; 0 leaves it to workers.
    """

    queue: Queue
    handlers: Handlers
    process_count: int


def standing_of(store: Store, name: str) -> Standing:
    """Return how an experiment stands; raises NotFound."""
    with store.transaction(read_only=True) as tx:
        return _standing(tx, tx.experiment(name))


def standings(store: Store) -> list[Standing]:
    """Return how each experiment stands, the oldest first."""
    with store.transaction(read_only=True) as tx:
        return [_standing(tx, experiment) for experiment in tx.experiments()]


def _standing(tx: Transaction, experiment: Experiment) -> Standing:
    counts = tx.trial_counts(experiment.name)
    return Standing(experiment, {state: counts.get(state, 0) for state in TrialState})


def failures_of(store: Store, name: str) -> dict[str, str]:
    """Return why trials were set aside, by their ids; raises NotFound."""
    with store.transaction(read_only=True) as tx:
        tx.experiment(name)
        return {t.trial_id: t.failure for t in tx.trials_of(name) if t.failure is not None}


def enqueue(store: Store, queue: Queue, name: str) -> int:
    """Put an experiment's trials that are not over into the queue; returns how many are new there.

    Raises:
        InvalidInput: if the experiment is paused or cancelled.
        NotFound: if there is no such experiment.
    """
    check_open(standing_of(store, name).experiment)
    return _put_open(store, queue, name)


def check_open(experiment: Experiment) -> None:
    """Raise InvalidInput, with what to do, if an experiment is paused or was cancelled."""
    name = experiment.name
    if experiment.state is ExperimentState.PAUSED:
        raise InvalidInput(
            f"Experiment {name!r} is paused. Let it go on with: isocost bank resume {name}"
        )
    if experiment.state is ExperimentState.CANCELLED:
        raise _cancelled(name)


def pause(store: Store, queue: Queue, name: str) -> Standing:
    """Let workers take up no more of its trials; those under way are finished.

    Raises:
        InvalidInput: if it was cancelled.
        NotFound: if there is no such experiment.
    """
    _change(store, name, ExperimentEvent.PAUSE, wanted=ExperimentState.PAUSED)
    queue.withdraw(name)
    return standing_of(store, name)


def resume(store: Store, queue: Queue, name: str) -> Standing:
    """Let workers take up its trials again.

    Raises:
        InvalidInput: if it was cancelled.
        NotFound: if there is no such experiment.
    """
    _change(store, name, ExperimentEvent.RESUME, wanted=ExperimentState.OPEN)
    enqueue(store, queue, name)
    return standing_of(store, name)


def cancel(store: Store, queue: Queue, name: str) -> Standing:
    """End an experiment: what is over stays, nothing else is carried on or stored.

    One of which everything is over has ended already, and stays as it is.

    Raises:
        NotFound: if there is no such experiment.
    """
    with store.transaction() as tx:
        experiment = tx.experiment(name)
        left = [trial for trial in tx.trials_of(name) if not trial.is_over]
        if left and experiment.state is not ExperimentState.CANCELLED:
            tx.put_experiment(experiment.after(ExperimentEvent.CANCEL))
        for trial in left:
            tx.put_trial(trial.after(TrialEvent.CANCEL))
    queue.withdraw(name)
    return standing_of(store, name)


def carry_all(store: Store, crew: Crew, name: str, *, tell: Watcher) -> Standing:
    """Put an experiment's trials into the queue and wait for the end of each.

    Whoever interrupts this leaves nothing behind that the same call would not go on with.

    Raises:
        InvalidInput: if the experiment is paused or cancelled.
        NotFound: if there is no such experiment.
    """
    enqueue(store, crew.queue, name)
    if crew.process_count == 0 or standing_of(store, name).open_count == 0:
        return watch_to_end(store, crew.queue, name, tell=tell, rhythm=Rhythm())
    with _at_work(crew) as worker:

        def rest(seconds: float) -> None:
            if wait([worker], seconds).done:
                worker.result()  # it works until told to stop; else it tells why it could not

        return watch_to_end(store, crew.queue, name, tell=tell, rhythm=Rhythm(rest))


@contextmanager
def _at_work(crew: Crew) -> Iterator[Future[None]]:
    """Have the queue worked at beside the block; what is under way at its end is handed back."""
    shift = Shift(crew.process_count, threading.Event(), grace_s=0.0)
    with ThreadPoolExecutor(1, thread_name_prefix="crew") as executor:
        try:
            yield executor.submit(crew.queue.work, crew.handlers, shift)
        finally:
            shift.stopping.set()


def watch_to_end(
    store: Store,
    queue: Queue,
    name: str,
    *,
    tell: Watcher,
    rhythm: Rhythm,
) -> Standing:
    """Wait until every trial is over, or the experiment is paused or cancelled.

    Args:
        store: that everybody shares.
        queue: that workers empty.
        name: the experiment's.
        tell: hears how it stands.
        rhythm: how long it rests, and how patient it is.

    Raises:
        NotFound: if there is no such experiment.
        PlatformError: if the database fails for longer than the patience.
    """
    put_at_s = heard_at_s = clock.monotonic_s()
    while True:
        try:
            standing = standing_of(store, name)
            if clock.monotonic_s() - put_at_s > rhythm.reput_s:
                _put_open(store, queue, name)
                put_at_s = clock.monotonic_s()
            heard_at_s = clock.monotonic_s()
        except (PlatformError, Busy) as fault:
            if clock.monotonic_s() - heard_at_s > rhythm.patience_s:
                raise
            _LOG.warning("step=waiting reason=%s", fault)
        else:
            tell(standing)
            is_open = standing.experiment.state is ExperimentState.OPEN
            if not is_open or standing.open_count == 0:
                return standing
        rhythm.rest(LOOK_S)


def _put_open(store: Store, queue: Queue, name: str) -> int:
    with store.transaction(read_only=True) as tx:
        is_open = tx.experiment(name).state is ExperimentState.OPEN
        trials = [trial for trial in tx.trials_of(name) if is_open and not trial.is_over]
    return queue.put([WorkItem(TRIAL, trial.trial_id, name) for trial in trials])


def _change(store: Store, name: str, event: ExperimentEvent, *, wanted: ExperimentState) -> None:
    with store.transaction() as tx:
        experiment = tx.experiment(name)
        if experiment.state is ExperimentState.CANCELLED:
            raise _cancelled(name)
        if experiment.state is not wanted:
            tx.put_experiment(experiment.after(event))


def _cancelled(name: str) -> InvalidInput:
    return InvalidInput(
        f"Experiment {name!r} was cancelled, which is final; what had ended is kept: isocost bank "
        f"report {name}. Start another one with a new --name."
    )

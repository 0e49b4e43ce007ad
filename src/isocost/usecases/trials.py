"""A stored trial in; carried by whoever has it in hand, and stored once with all that it came to.

A trial of a simulated workspace is carried in memory and written in one transaction at its end.
So a process may die anywhere and leaves nothing half done, a trial that two carry is written once,
and, as all chance follows from the plan, it is the same whoever was first.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from isocost import clock
from isocost.domain.experiment import (
    MOST_ATTEMPTS,
    Experiment,
    ExperimentPlan,
    ExperimentState,
    Trial,
    TrialEvent,
    TrialState,
)
from isocost.errors import Busy, MissingDependency, NotFound, PlatformError, UserError
from isocost.jobbank.lineage import TrialRecord
from isocost.jobbank.plans import project_of_trial
from isocost.store.base import Store, Transaction
from isocost.usecases.experiment import same_plan

Carry = Callable[[Trial, ExperimentPlan], TrialRecord]
TrialsOf = Callable[[Experiment], list[Trial]]


def create_drawn(
    store: Store, name: str, plan: ExperimentPlan, *, trials_of: TrialsOf
) -> Experiment:
    """Store an experiment with its trials, or return the one already there.

    Args:
        store: to keep it in.
        name: the experiment's.
        plan: the experiment's.
        trials_of: draws the trials of a new experiment.

    Raises:
        InvalidInput: if the name is taken by an experiment with another plan.
        UserError: if something in the plan does not exist; nothing was stored then.
    """
    with suppress(NotFound), store.transaction(read_only=True) as tx:
        return same_plan(tx.experiment(name), plan)
    wanted = Experiment(name, plan, clock.now())
    trials = trials_of(wanted)
    with store.transaction() as tx:
        with suppress(NotFound):  # another process was faster
            return same_plan(tx.experiment(name), plan)
        tx.put_experiment(wanted)
        for trial in trials:
            tx.put_project(project_of_trial(trial, miss_fraction=plan.miss_fraction))
            tx.put_trial(trial)
    return wanted


def carry_stored(store: Store, experiment_name: str, trial_id: str, *, carry: Carry) -> Trial:
    """Carry a trial to its end, unless it is over or paused, and store what it came to.

    A trial that is found running is one whose process died. What goes wrong with a trial never
    stops the others: it is tried again, and after some attempts set aside with its reason. Whoever
    is interrupted, or cannot store what it came to, hands it back, which is no attempt.

    Args:
        store: that everybody shares.
        experiment_name: the trial's.
        trial_id: the trial's.
        carry: lives through it; may be called for one trial by several processes at once.

    Raises:
        MissingDependency: software that is needed is not installed; the trial is queued again.
        NotFound: there is no such trial.
        PlatformError: the store cannot be reached, or written.
    """
    while True:
        trial, plan = _leased(store, experiment_name, trial_id)
        if trial.state is not TrialState.RUNNING:
            return trial
        with _handed_back(store, trial):
            try:
                record = carry(trial, plan)
            except MissingDependency:  # nobody's trial is at fault
                raise
            except UserError as error:  # it would go wrong again
                return _put(store, trial, trial.after(TrialEvent.GIVE_UP, failure=str(error)))
            except Exception as error:  # noqa: BLE001  an outer loop: no fault stops the rest
                _put(store, trial, _after_fault(trial, error))
                continue
            return _put_record(store, trial, record)


@contextmanager
def _handed_back(store: Store, trial: Trial) -> Iterator[None]:
    """Queue the trial again if the block is interrupted, or the store fails it."""
    try:
        yield
    except BaseException:
        # Where the store fails again, the trial is found running, and that is an attempt.
        with suppress(PlatformError, Busy):
            _put(store, trial, trial.after(TrialEvent.HAND_BACK))
        raise


def _leased(store: Store, experiment_name: str, trial_id: str) -> tuple[Trial, ExperimentPlan]:
    """Return the trial in hand, or as it ended, or queued where its experiment is paused."""
    with store.transaction() as tx:
        trial, experiment = tx.trial(trial_id), tx.experiment(experiment_name)
        if trial.is_over:
            return trial, experiment.plan
        if trial.state is TrialState.RUNNING:  # its process died
            trial = _interrupted(trial, "the process that carried it died")
        if not trial.is_over and experiment.state is ExperimentState.OPEN:
            trial = trial.after(TrialEvent.LEASE)
        tx.put_trial(trial)
    return trial, experiment.plan


def _after_fault(trial: Trial, error: Exception) -> Trial:
    return _interrupted(trial, f"{type(error).__name__}: {error}")


def _interrupted(trial: Trial, why: str) -> Trial:
    """Return a running trial queued again, or set aside if that happened too often."""
    attempts = trial.attempt_count + 1
    if attempts < MOST_ATTEMPTS:
        return trial.after(TrialEvent.INTERRUPT)
    failure = f"given up after {attempts} attempts; the last one: {why}"
    return trial.after(TrialEvent.GIVE_UP, failure=failure)


def _put(store: Store, before: Trial, after: Trial) -> Trial:
    """Store a trial, unless another process has taken it over in the meantime."""
    with store.transaction() as tx:
        if not _is_ours(tx, before):
            return tx.trial(before.trial_id)
        tx.put_trial(after)
    return after


def _put_record(store: Store, before: Trial, record: TrialRecord) -> Trial:
    """Store all that a trial came to at once, unless another process has done so."""
    after = record.trial.after(TrialEvent.FINISH)
    with store.transaction() as tx:
        if not _is_ours(tx, before):
            return tx.trial(before.trial_id)
        tx.put_project(record.project)
        for execution in record.executions:
            tx.put_execution(execution)
        for run in record.runs:
            tx.put_run(run)
        for run_id, profile in record.profiles.items():
            tx.put_profile(run_id, profile)
        for recommendation in record.recommendations:
            tx.put_recommendation(recommendation)
        tx.put_trial(after)
    return after


def _is_ours(tx: Transaction, before: Trial) -> bool:
    return tx.trial(before.trial_id) == before

"""An experiment's name in; its record, read from the store, out."""

from collections.abc import Callable, Iterator, Sequence

from isocost.domain.cluster import NodeType
from isocost.domain.experiment import ExperimentPlan, Trial
from isocost.domain.profile import RunProfile
from isocost.domain.run import RunState
from isocost.errors import NotFound
from isocost.jobbank.lineage import ExperimentRecord, TrialRecord
from isocost.store.base import Store, Transaction

NodeTypesOf = Callable[[ExperimentPlan], Sequence[NodeType]]


def experiment_record(store: Store, name: str, node_types_of: NodeTypesOf) -> ExperimentRecord:
    """Return what is stored about an experiment.

    Profiles come with it on real platforms only: a simulated experiment has thousands, which would
    fill gigabytes, and no figure needs them.

    Args:
        store: where it is.
        name: the experiment's.
        node_types_of: what can be rented on the platform of a plan.

    Raises:
        NotFound: if there is no experiment of this name.
    """
    with store.transaction(read_only=True) as tx:
        experiment = tx.experiment(name)
        is_simulated = experiment.plan.is_simulated
        trials = list(trial_records(tx, name, with_profiles=not is_simulated))
    return ExperimentRecord(experiment, trials, node_types_of(experiment.plan))


def trial_records(tx: Transaction, name: str, *, with_profiles: bool) -> Iterator[TrialRecord]:
    """Yield the trials of an experiment one by one, read as they are asked for."""
    for trial in tx.trials_of(name):
        yield _trial_record(tx, trial, with_profiles=with_profiles)


def _trial_record(tx: Transaction, trial: Trial, *, with_profiles: bool) -> TrialRecord:
    runs = tx.runs_of(trial.project_id)
    logged = [run for run in runs if run.state is RunState.INGESTED and run.event_log is not None]
    found = {run.run_id: _profile(tx, run.run_id) for run in logged} if with_profiles else {}
    return TrialRecord(
        trial=trial,
        project=tx.project(trial.project_id),
        runs=runs,
        recommendations=tx.recommendations_of(trial.project_id),
        profiles={run_id: profile for run_id, profile in found.items() if profile is not None},
        executions=tx.executions_of(trial.project_id),
    )


def _profile(tx: Transaction, run_id: str) -> RunProfile | None:
    try:
        return tx.profile(run_id)
    except NotFound:  # its log could not be read
        return None

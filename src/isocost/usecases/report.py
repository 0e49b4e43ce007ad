"""An experiment's name in; its record, read from the store, out."""

from collections.abc import Callable, Sequence

from isocost.domain.cluster import NodeType
from isocost.domain.experiment import Trial
from isocost.domain.run import RunState
from isocost.jobbank.lineage import ExperimentRecord, TrialRecord
from isocost.store.base import Store, Transaction


def experiment_record(
    store: Store, name: str, node_types_of: Callable[[str], Sequence[NodeType]]
) -> ExperimentRecord:
    """Return everything stored about an experiment.

    Args:
        store: where it is.
        name: the experiment's.
        node_types_of: what a platform, by name, can rent.

    Raises:
        NotFound: if there is no experiment of this name.
    """
    with store.transaction(read_only=True) as tx:
        experiment = tx.experiment(name)
        trials = [_trial_record(tx, trial) for trial in tx.trials_of(name)]
    return ExperimentRecord(experiment, trials, node_types_of(experiment.plan.platform))


def _trial_record(tx: Transaction, trial: Trial) -> TrialRecord:
    runs = tx.runs_of(trial.project_id)
    logged = [run for run in runs if run.state is RunState.INGESTED and run.event_log is not None]
    return TrialRecord(
        trial=trial,
        project=tx.project(trial.project_id),
        runs=runs,
        recommendations=tx.recommendations_of(trial.project_id),
        profiles={run.run_id: tx.profile(run.run_id) for run in logged},
    )

"""An experiment's name in; the newest recommendation of each of its projects, to be told, out."""

from collections.abc import Sequence
from dataclasses import dataclass

from isocost.domain.experiment import Trial, TrialState
from isocost.domain.project import Project
from isocost.domain.recommendation import ConsideredCandidate, Recommendation
from isocost.errors import NotFound
from isocost.store.base import Store, Transaction

# Why a project without a recommendation has none, where the model did not say so itself.
NOT_ASKED = "No run of it is over yet, so nothing has been recommended."


@dataclass(frozen=True, slots=True)
class Account:
    """What is to be told of one trial's project.

    Attributes:
        recommendations: the newest of each of the project's clusters; none where there is none.
        silence: why there is none; None where there is one.
    """

    trial: Trial
    project: Project
    recommendations: Sequence[Recommendation]
    silence: str | None


def accounts_of(store: Store, experiment: str, *, trial_id: str | None = None) -> list[Account]:
    """Return an account of every trial of an experiment, or of one of them.

    Raises:
        NotFound: if there is no such experiment, or no such trial in it.
    """
    with store.transaction(read_only=True) as tx:
        tx.experiment(experiment)
        trials = tx.trials_of(experiment)
        asked = [trial for trial in trials if trial_id in {None, trial.trial_id}]
        if trial_id is not None and not asked:
            known = ", ".join(trial.trial_id for trial in trials) or "none"
            raise NotFound(
                f"Experiment {experiment!r} has no trial {trial_id!r}. Its trials are: {known}."
            )
        return [_account(tx, trial) for trial in asked]


def trade_off(recommendation: Recommendation) -> list[ConsideredCandidate]:
    """Return the candidates that none beats in both cost and runtime, and the chosen one.

    The cheapest come first.
    """
    evidence = recommendation.evidence
    wanted = {recommendation.spec, *evidence.tradeoff}
    found = [candidate for candidate in evidence.considered if candidate.spec in wanted]
    return sorted(found, key=lambda candidate: candidate.prediction.cost_usd)


def _account(tx: Transaction, trial: Trial) -> Account:
    newest = {r.cluster_key: r for r in tx.recommendations_of(trial.project_id)}
    return Account(
        trial=trial,
        project=tx.project(trial.project_id),
        recommendations=list(newest.values()),
        silence=None if newest else _why_none(trial),
    )


def _why_none(trial: Trial) -> str:
    declined = list(trial.abstentions.values())
    if trial.failure or declined:
        return trial.failure or declined[-1]
    if trial.state is TrialState.SUCCEEDED:
        return f"All its runs are over; {trial.policy} recommends nothing."
    return NOT_ASKED

"""Rows of an experiment in; the few numbers of each trial that experiments are compared by, out.

They are small enough to be kept as text: a reference in a repository that later experiments are
held against.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final, TypeVar

from isocost.domain.experiment import Experiment, TrialState
from isocost.domain.run import RunState
from isocost.jobbank.measured.policies import is_predicting
from isocost.jobbank.rows import Rows
from isocost.jobbank.tables import PredictionRow, RunRow, TrialRow

OfTrial = TypeVar("OfTrial", RunRow, PredictionRow)

_OPEN: Final = frozenset({TrialState.QUEUED.value, TrialState.RUNNING.value})


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms trials were made; experiments with others cannot be compared.

    Attributes:
        sla: the rule of the deadlines, in the words of `--sla`; None where each cold start has
            its own.
    """

    platform: str
    runs_per_trial: int
    miss_fraction: float
    sla: str | None


@dataclass(frozen=True, slots=True)
class TrialMeasures:
    """What one trial came to.

    Attributes:
        cold_start: which one of this workload and policy, from 0.
        start: the cluster it began on and the size of its data.
        is_set_aside: it could not be carried through; its runs count nowhere.
        error_fraction: mean of absolute prediction errors; None without a prediction.
        prediction_count: how many there were.
        in_80_count: of these, how many runtimes fell into their 80 % interval.
        cost_ratio: mean list cost of the runs after the cold start, over the cold start's; a
            failed run is paid for, and the run that has to be made in its place.
        miss_fraction: of the runs after the cold start, those late or failed.
    """

    workload: str
    policy: str
    cold_start: int
    start: str
    is_set_aside: bool
    error_fraction: float | None
    prediction_count: int
    in_80_count: int
    cost_ratio: float | None
    miss_fraction: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """An experiment, as it is compared with another one.

    Attributes:
        open_count: trials that are not over.
    """

    name: str
    terms: Terms
    trials: tuple[TrialMeasures, ...]
    open_count: int = 0


def measured(experiment: Experiment, rows: Rows) -> Measured:
    """Return what an experiment is compared by; cancelled trials are left out."""
    plan = experiment.plan
    sla = None if plan.sla_rule is None else str(plan.sla_rule)
    over = [t for t in rows.trials if t.state not in {*_OPEN, TrialState.CANCELLED.value}]
    runs = by_trial(rows.runs)
    told = by_trial(rows.predictions)
    return Measured(
        experiment.name,
        Terms(plan.platform, plan.runs_per_trial, plan.miss_fraction, sla),
        tuple(_of_trial(t, runs.get(t.trial_id, []), told.get(t.trial_id, [])) for t in over),
        sum(trial.state in _OPEN for trial in rows.trials),
    )


def by_trial(rows: Iterable[OfTrial]) -> dict[str, list[OfTrial]]:
    """Return the rows of each trial, by its id."""
    found: dict[str, list[OfTrial]] = {}
    for row in rows:
        found.setdefault(row.trial_id, []).append(row)
    return found


def _of_trial(
    trial: TrialRow, runs: Sequence[RunRow], predictions: Sequence[PredictionRow]
) -> TrialMeasures:
    is_set_aside = trial.state == TrialState.SET_ASIDE.value
    later = [] if is_set_aside else [run for run in runs if run.ordinal > 0]
    predicting = is_predicting(trial.policy) and not is_set_aside
    errors = [abs(p.error_fraction) for p in predictions if p.error_fraction is not None]
    misses = [float(run.is_late) for run in later if run.is_late is not None]
    data = "" if trial.input_gb is None else f", {trial.input_gb:g} GB"
    return TrialMeasures(
        workload=trial.workload,
        policy=trial.policy,
        cold_start=trial.cold_start,
        start=f"{trial.worker_count} × {trial.node_type_id}{data}",
        is_set_aside=is_set_aside,
        error_fraction=fmean(errors) if predicting and errors else None,
        prediction_count=len(errors) if predicting else 0,
        in_80_count=sum(bool(p.is_in_80) for p in predictions) if predicting else 0,
        cost_ratio=cost_ratio(runs) if later else None,
        miss_fraction=fmean(misses) if misses else None,
    )


def cost_ratio(runs: Sequence[RunRow]) -> float | None:
    """Return what runs after the cold start cost on average, over the cold start.

    A failed run is paid for and gave nothing, so the cold start's run, which has to be made after
    all, counts on top. None where a cost is unknown, or the cold start failed or was free.
    """
    first = next((run for run in runs if run.ordinal == 0), None)
    if first is None or not first.list_usd or first.state == RunState.FAILED.value:
        return None
    paid = [paid_usd(run, first.list_usd) for run in runs if run.ordinal > 0]
    known = [usd for usd in paid if usd is not None]
    return fmean(known) / first.list_usd if known and len(known) == len(paid) else None


def paid_usd(run: RunRow, baseline_usd: float) -> float | None:
    """Return what a run cost, and what has to be run in its place if it failed."""
    if run.list_usd is None:
        return None
    return run.list_usd + (baseline_usd if run.state == RunState.FAILED.value else 0.0)

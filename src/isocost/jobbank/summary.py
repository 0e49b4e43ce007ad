"""An experiment's record in, the figures that are published about it out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import Final

from isocost.domain.run import Run, RunState
from isocost.jobbank.lineage import (
    ExperimentRecord,
    Lineage,
    cross_predictions,
    lineages,
    replay_errors,
)

POLICY: Final = "engine"


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its standard error, which takes two values or more to know."""

    mean: float
    se: float | None


@dataclass(frozen=True, slots=True)
class PredictionFigures:
    """How well runtimes of child runs were predicted; None where no child run ended."""

    mape: Mean | None
    median_ape: float | None
    coverage_80: Mean | None
    coverage_95: Mean | None


@dataclass(frozen=True, slots=True)
class SlaFigures:
    """How often the deadline was missed after the cold start: in runs 2 to 10, and in all."""

    miss_fraction_2_10: Mean | None
    miss_fraction: Mean | None


@dataclass(frozen=True, slots=True)
class SavingFigures:
    """What each project's newest recommended run cost against its cold start.

    All figures are over projects, one value each. A project whose cold start was late has to pay
    for its deadline first, so projects that were in time from the start are also given apart.

    Attributes:
        median_saving_fraction: of all projects.
        mean_saving_fraction: of all projects.
        idle_median_saving_fraction: of projects whose cold start kept the deadline.
        late_projects: whose cold start missed it.
        recovered_projects: of these, whose newest run kept it.
        dearer_projects: whose newest recommended run is dearer than the cold start, although the
            cold start kept the deadline; a late project pays for its deadline and is none.
    """

    median_saving_fraction: float | None
    mean_saving_fraction: Mean | None
    idle_median_saving_fraction: float | None
    late_projects: int
    recovered_projects: int
    dearer_projects: int


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """Checks of the model itself, apart from any choice.

    Attributes:
        replay_median_ape: over all runs, the replay of the very cluster that ran.
        other_cores_median_ape: cold starts predicted from those with other cores, same memory.
        abstentions: how often the model declined to recommend.
    """

    replay_median_ape: float | None
    other_cores_median_ape: float | None
    other_cores_count: int
    abstentions: int


@dataclass(frozen=True, slots=True)
class Summary:
    """All figures of one experiment.

    Attributes:
        projects: that have a run that is over.
    """

    projects: int
    runs: int
    prediction: PredictionFigures
    sla: SlaFigures
    savings: SavingFigures
    model: ModelFigures
    failures_per_project: Mean | None


def summarize(record: ExperimentRecord) -> Summary:
    """Return the figures of everything that is over by now."""
    found = lineages(record)
    begun = [trial for trial in record.trials if any(run.is_over for run in trial.runs)]
    runs = [run for trial in begun for run in trial.runs if run.is_over]
    failures = [float(sum(run.state is RunState.FAILED for run in trial.runs)) for trial in begun]
    return Summary(
        projects=len(begun),
        runs=len(runs),
        prediction=_prediction_figures(found),
        sla=_sla_figures(record),
        savings=_saving_figures(found),
        model=_model_figures(record),
        failures_per_project=mean_of(failures),
    )


def mean_of(values: Iterable[float]) -> Mean | None:
    """Return mean and standard error, or None of no values."""
    known = list(values)
    if not known:
        return None
    error = stdev(known) / len(known) ** 0.5 if len(known) > 1 else None
    return Mean(fmean(known), error)


def median_of(values: Iterable[float]) -> float | None:
    """Return the median, or None of no values."""
    known = list(values)
    return median(known) if known else None


def _prediction_figures(found: Sequence[Lineage]) -> PredictionFigures:
    apes = [abs(x.error_fraction) for x in found if x.error_fraction is not None]
    ended = [(x.prediction, x.child.runtime_s) for x in found if x.child.runtime_s is not None]
    return PredictionFigures(
        mape=mean_of(apes),
        median_ape=median_of(apes),
        coverage_80=mean_of(float(actual in p.runtime_80_s) for p, actual in ended),
        coverage_95=mean_of(float(actual in p.runtime_95_s) for p, actual in ended),
    )


def _sla_figures(record: ExperimentRecord) -> SlaFigures:
    misses = [
        (run.ordinal, float(bool(trial.is_late(run))))
        for trial in record.trials
        if trial.project.sla is not None
        for run in trial.runs[1:]
        if run.is_over
    ]
    return SlaFigures(
        # Runs are numbered from 1 here, ordinals from 0.
        miss_fraction_2_10=mean_of(missed for ordinal, missed in misses if ordinal < 10),
        miss_fraction=mean_of(missed for _, missed in misses),
    )


def _is_late(run: Run, max_runtime_s: float) -> bool:
    return run.runtime_s is None or run.runtime_s > max_runtime_s


def _saving_figures(found: Sequence[Lineage]) -> SavingFigures:
    last = list({x.trial.trial_id: x for x in found}.values())
    idle = [x for x in last if not _is_late(x.baseline, x.max_runtime_s)]
    late = [x for x in last if _is_late(x.baseline, x.max_runtime_s)]
    savings = _savings(last)
    return SavingFigures(
        median_saving_fraction=median_of(savings),
        mean_saving_fraction=mean_of(savings),
        idle_median_saving_fraction=median_of(_savings(idle)),
        late_projects=len(late),
        recovered_projects=sum(x.is_sla_met for x in late),
        dearer_projects=sum(saving < 0 for saving in _savings(idle)),
    )


def _savings(found: Sequence[Lineage]) -> list[float]:
    return [x.saving_fraction for x in found if x.saving_fraction is not None]


def _model_figures(record: ExperimentRecord) -> ModelFigures:
    crossed = cross_predictions(record)
    return ModelFigures(
        replay_median_ape=median_of(replay_errors(record).values()),
        other_cores_median_ape=median_of(abs(c.error_fraction) for c in crossed),
        other_cores_count=len(crossed),
        abstentions=sum(len(trial.trial.abstentions) for trial in record.trials),
    )

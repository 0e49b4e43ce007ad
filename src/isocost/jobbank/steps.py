"""What a trial should do next, told from its rows alone.

    request ─▶ execute ─▶ ingest ─▶ set deadline ─▶ recommend ─▶ request ─▶ execute ─▶ ingest
                                          ▲                                             │
                                          └────────────────── observe ◀─────────────────┘

Because the next step depends on nothing but what is stored, a process may die anywhere: whoever
reads the rows again goes on from there, and what has finished is never done twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from isocost.domain.cluster import ClusterSpec
from isocost.domain.experiment import ExperimentPlan, Trial
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation, RecommendationState
from isocost.domain.run import Run, RunState


@dataclass(frozen=True, slots=True)
class RequestRun:
    """Note down that a run is wanted, on this spec, applying this recommendation if any."""

    ordinal: int
    spec: ClusterSpec
    recommendation: Recommendation | None


@dataclass(frozen=True, slots=True)
class ExecuteRun:
    """Have the platform carry out a requested run."""

    run: Run


@dataclass(frozen=True, slots=True)
class InterruptRun:
    """Note down that a run's process died before it ended."""

    run: Run


@dataclass(frozen=True, slots=True)
class IngestRun:
    """Turn a finished run's event log and timeline into a profile and a cost."""

    run: Run


@dataclass(frozen=True, slots=True)
class ObserveRecommendation:
    """Compare a run that is over with the recommendation it was started on."""

    recommendation: Recommendation
    run: Run


@dataclass(frozen=True, slots=True)
class SetDeadline:
    """Give the project its SLA, derived from its first run."""

    max_runtime_s: float


@dataclass(frozen=True, slots=True)
class Recommend:
    """Ask the model for the next run's cluster."""

    parent: Run


@dataclass(frozen=True, slots=True)
class FinishTrial:
    """Every run of the plan is over."""


@dataclass(frozen=True, slots=True)
class SetTrialAside:
    """The trial cannot go on."""

    reason: str


Step = (
    RequestRun
    | ExecuteRun
    | InterruptRun
    | IngestRun
    | ObserveRecommendation
    | SetDeadline
    | Recommend
    | FinishTrial
    | SetTrialAside
)


@dataclass(frozen=True, slots=True)
class TrialRows:
    """All that is stored about one trial, runs by ordinal and recommendations oldest first."""

    trial: Trial
    project: Project
    runs: Sequence[Run]
    recommendations: Sequence[Recommendation]


def next_step(rows: TrialRows, plan: ExperimentPlan) -> Step:
    """Return the one thing to do next for a trial that is not over."""
    if not rows.runs:
        return RequestRun(0, rows.trial.cold_start.spec, None)
    last = rows.runs[-1]
    match last.state:
        case RunState.REQUESTED:
            return ExecuteRun(last)
        case RunState.RUNNING:
            return InterruptRun(last)
        case RunState.FINISHED:
            return IngestRun(last)
        case RunState.FAILED | RunState.INGESTED:
            return _after_run(rows, last, plan)


def _after_run(rows: TrialRows, last: Run, plan: ExperimentPlan) -> Step:
    applied = _recommendation(rows, last.recommendation_id)
    if applied is not None and applied.state is RecommendationState.APPLIED:
        return ObserveRecommendation(applied, last)
    if last.state is RunState.FAILED:
        return SetTrialAside(f"run {last.run_id} on {last.spec} failed: {last.failure}")
    if rows.project.sla is None and last.runtime_s is not None:
        return SetDeadline(last.runtime_s * rows.trial.cold_start.sla_factor)
    if len(rows.runs) >= plan.runs_per_trial:
        return FinishTrial()
    return _towards_next_run(rows, last)


def _towards_next_run(rows: TrialRows, last: Run) -> Step:
    issued = [r for r in rows.recommendations if r.parent_run_id == last.run_id]
    if issued:
        return RequestRun(last.ordinal + 1, issued[-1].spec, issued[-1])
    if last.run_id in rows.trial.abstentions:
        return RequestRun(last.ordinal + 1, last.spec, None)
    return Recommend(last)


def _recommendation(rows: TrialRows, recommendation_id: str | None) -> Recommendation | None:
    matching = (r for r in rows.recommendations if r.recommendation_id == recommendation_id)
    return next(matching, None)

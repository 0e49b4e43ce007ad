"""What a trial should do next, told from its rows alone.

    request ─▶ execute ─▶ ingest ─▶ set deadline ─▶ recommend ─▶ request ─▶ execute ─▶ ingest
                                          ▲                                             │
                                          └────────────────── observe ◀─────────────────┘

A run that failed, or a recommendation that was rolled back, sets nobody aside: the project is
on its last good spec again, and the next recommendation is asked for from the newest run that
taught something. Only a cold start that fails leaves nothing to go on from.

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
    """Turn a finished run's event log, if it left one, and timeline into a profile and a cost."""

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
    """Every run of the plan is over, or the cluster that was searched for is found."""


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
    ingested = [run for run in rows.runs if run.state is RunState.INGESTED]
    if not ingested:
        return SetTrialAside(f"run {last.run_id} on {last.spec} failed: {last.failure}")
    newest = ingested[-1]
    sla_factor = rows.trial.cold_start.sla_factor
    if rows.project.sla is None and sla_factor is not None and newest.runtime_s is not None:
        return SetDeadline(newest.runtime_s * sla_factor)
    if len(rows.runs) >= plan.runs_per_trial or newest.spec == plan.goal:
        return FinishTrial()
    return _towards_next_run(rows, newest, last.ordinal + 1)


def _towards_next_run(rows: TrialRows, parent: Run, ordinal: int) -> Step:
    issued = [
        r
        for r in rows.recommendations
        if r.parent_run_id == parent.run_id and r.state is RecommendationState.ISSUED
    ]
    if issued:
        return RequestRun(ordinal, issued[-1].spec, issued[-1])
    if parent.run_id in rows.trial.abstentions:
        # The project's own spec: after a roll back it is the last good one, not the last tried.
        return RequestRun(ordinal, rows.project.clusters[parent.cluster_key].spec, None)
    return Recommend(parent)


def _recommendation(rows: TrialRows, recommendation_id: str | None) -> Recommendation | None:
    matching = (r for r in rows.recommendations if r.recommendation_id == recommendation_id)
    return next(matching, None)

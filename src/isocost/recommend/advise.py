"""A project's history and its candidates in; a choice with evidence, or an abstention, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from isocost.domain.cluster import ClusterSpec, NodeType, node_type_of
from isocost.domain.profile import RunProfile
from isocost.domain.project import Sla
from isocost.domain.recommendation import (
    Abstention,
    ConsideredCandidate,
    Evidence,
    Prediction,
)
from isocost.domain.run import Run
from isocost.model.plan import plan_from_profile
from isocost.model.predict import prediction_from
from isocost.model.runtime import (
    MAX_REPLAY_ERROR_FRACTION,
    ClusterShape,
    ObservedRun,
    RuntimeModel,
)
from isocost.pricing.list_cost import usd_per_s
from isocost.recommend.choose import choose
from isocost.space.candidates import CandidateSpace
from isocost.units import PERCENT

# Enough to see which limits bite; a machine of 96 cores has hundreds, all for the same reasons.
MAX_STORED_REJECTIONS: Final = 20


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a recommendation depends on.

    Attributes:
        history: runs of this cluster, oldest first.
        overhead_s: how long the cluster is paid for beyond the application's runtime.
        slots_per_core: spark tasks one core runs at once.
    """

    history: Sequence[ObservedRun]
    space: CandidateSpace
    node_types: Sequence[NodeType]
    sla: Sla
    overhead_s: float
    slots_per_core: float


@dataclass(frozen=True, slots=True)
class Advice:
    """The chosen spec, what is predicted of it and why it was chosen."""

    spec: ClusterSpec
    prediction: Prediction
    evidence: Evidence


def advise(question: Question) -> Advice | Abstention:
    """Return the cheapest cluster that keeps the SLA, or why the model declines to say.

    Raises:
        InvalidInput: if there is no history, or no candidate is left.
    """
    model = RuntimeModel(question.history)
    error = model.replay_error_fraction
    if error > MAX_REPLAY_ERROR_FRACTION:
        return Abstention(error, _abstention_reason(error))
    considered = tuple(
        ConsideredCandidate(spec, _predict(question, model, spec))
        for spec in question.space.candidates
    )
    choice = choose(considered, question.sla)
    rejections = question.space.rejections
    evidence = Evidence(
        history_run_ids=model.run_ids,
        replay_error_fraction=error,
        reason=choice.reason,
        meets_sla=choice.meets_sla,
        considered=considered,
        rejections=rejections[:MAX_STORED_REJECTIONS],
        further_rejection_count=max(0, len(rejections) - MAX_STORED_REJECTIONS),
    )
    return Advice(choice.candidate.spec, choice.candidate.prediction, evidence)


def shape_of(
    spec: ClusterSpec, node_types: Sequence[NodeType], slots_per_core: float
) -> ClusterShape:
    """Return a spec as spark tasks see it: one executor a worker, with all of its cores."""
    node_type = node_type_of(spec, node_types)
    return ClusterShape(
        executor_count=spec.worker_count,
        slots_per_executor=max(1, int(node_type.cores * slots_per_core)),
        memory_gib=node_type.memory_gib,
    )


def observed_run(run: Run, profile: RunProfile, node_types: Sequence[NodeType]) -> ObservedRun:
    """Return an ingested run as the model learns from it."""
    return ObservedRun(
        run_id=run.run_id,
        shape=shape_of(run.spec, node_types, profile.slots_per_core),
        plan=plan_from_profile(profile),
        runtime_s=profile.runtime_s,
        driver_s=profile.driver_s,
    )


def _predict(question: Question, model: RuntimeModel, spec: ClusterSpec) -> Prediction:
    runtime = model.runtime_on(shape_of(spec, question.node_types, question.slots_per_core))
    return prediction_from(
        runtime,
        usd_per_s=usd_per_s(spec, question.node_types),
        overhead_s=question.overhead_s,
        max_runtime_s=question.sla.max_runtime_s,
    )


def _abstention_reason(error: float) -> str:
    return (
        f"Replaying the cluster that ran is off by {error * PERCENT:.0f} %, more than the "
        f"{MAX_REPLAY_ERROR_FRACTION * PERCENT:.0f} % up to which a prediction is trusted, so no "
        "cluster is recommended. See `isocost profile` for what the event log lacks."
    )

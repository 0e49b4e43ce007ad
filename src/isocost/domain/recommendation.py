"""Recommendations: a chosen candidate with its evidence, and what became of it.

    drafted ──issue──▶ issued ──apply──▶ applied ──observe──▶ observed ──keep──────▶ kept
        └──expire──▶ expired ◀──expire──┴──────────┘             └──roll_back──▶ rolled back
                                                                 kept ──roll_back──▶ rolled back

A kept spec is rolled back when a later run of it breaks a guardrail. An applied one expires when
its spec was changed by somebody else before any run of it.

An `AppliedRecommendation` is another type than a `Recommendation`, so nothing can be rolled back
that was never applied.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from math import isfinite
from typing import Final

from isocost.domain.cluster import ClusterSpec
from isocost.domain.lifecycle import advance
from isocost.errors import IllegalTransition, InvalidInput


class RecommendationState(Enum):
    """Where a recommendation stands."""

    DRAFTED = "drafted"
    ISSUED = "issued"
    APPLIED = "applied"
    OBSERVED = "observed"
    KEPT = "kept"
    ROLLED_BACK = "rolled_back"
    EXPIRED = "expired"


class RecommendationEvent(Enum):
    """What can happen to a recommendation."""

    ISSUE = "issue"
    APPLY = "apply"
    OBSERVE = "observe"
    KEEP = "keep"
    ROLL_BACK = "roll_back"
    EXPIRE = "expire"


_State, _Event = RecommendationState, RecommendationEvent

NEXT_RECOMMENDATION_STATE: Final[
    Mapping[tuple[RecommendationState, RecommendationEvent], RecommendationState]
] = {
    (_State.DRAFTED, _Event.ISSUE): _State.ISSUED,
    (_State.DRAFTED, _Event.EXPIRE): _State.EXPIRED,
    (_State.ISSUED, _Event.APPLY): _State.APPLIED,
    (_State.ISSUED, _Event.EXPIRE): _State.EXPIRED,
    (_State.APPLIED, _Event.OBSERVE): _State.OBSERVED,
    (_State.APPLIED, _Event.EXPIRE): _State.EXPIRED,
    (_State.OBSERVED, _Event.KEEP): _State.KEPT,
    (_State.OBSERVED, _Event.ROLL_BACK): _State.ROLLED_BACK,
    (_State.KEPT, _Event.ROLL_BACK): _State.ROLLED_BACK,
}


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed range that the true value falls into with a stated probability."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high or not isfinite(self.low) or not isfinite(self.high):
            raise InvalidInput(
                f"An interval has two finite ends, the lower first; got {self.low} to {self.high}."
            )

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why a prediction is not certain, and its share of the variance."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """Runtime and cost of a candidate: medians with their 80 and 95 % intervals.

    Attributes:
        sla_probability: that the run succeeds within the SLA; None where there is none.
        cost_95_usd: None on recommendations made before it was kept.
        failure_probability: of the run failing on this cluster.
        causes: of the uncertainty, the largest first; their shares sum to 1.
    """

    runtime_s: float
    runtime_80_s: Interval
    runtime_95_s: Interval
    cost_usd: float
    cost_80_usd: Interval
    sla_probability: float | None
    cost_95_usd: Interval | None = None
    failure_probability: float = 0.0
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejection:
    """A candidate that may not be used, the limit that forbids it and the two numbers compared."""

    spec: ClusterSpec
    limit: str
    actual: float
    allowed: float
    unit: str

    def __str__(self) -> str:
        numbers = f"{self.actual:.3g} against {self.allowed:.3g} {self.unit}"
        return f"{self.spec}: {self.limit} ({numbers})"


@dataclass(frozen=True, slots=True)
class ConsideredCandidate:
    """A candidate that passed every limit, with what the model says of it."""

    spec: ClusterSpec
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why this candidate and no other.

    Attributes:
        history_run_ids: the runs the model had learned from.
        replay_error_fraction: how far the replay of the newest run's own cluster was off; None
            where that run has no event log.
        reason: one sentence for people, with numbers.
        meets_sla: False when no candidate does and the one surest to be fast was taken.
        considered: the chosen candidate, the next best ones, and the trade-off curve; not all.
        candidate_count: how many there were.
        tradeoff: the candidates of `considered` that no other beats in both cost and runtime,
            the cheapest first.
        explanation: what was learned, why this candidate, and why not the next ones; a sentence
            each.
        rejections: the first of them, up to a limit, so that a large machine makes no large row.
        further_rejection_count: how many more there were.
    """

    history_run_ids: tuple[str, ...]
    replay_error_fraction: float | None
    reason: str
    meets_sla: bool
    considered: tuple[ConsideredCandidate, ...]
    rejections: tuple[Rejection, ...]
    further_rejection_count: int = 0
    candidate_count: int = 0
    tradeoff: tuple[ClusterSpec, ...] = ()
    explanation: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Abstention:
    """The model declines to recommend, and says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The chosen candidate for the next run of one cluster of a project.

    Attributes:
        verdict: why it was kept or rolled back, once its run has been observed.
    """

    recommendation_id: str
    project_id: str
    cluster_key: str
    parent_run_id: str
    spec: ClusterSpec
    prediction: Prediction
    evidence: Evidence
    drafted_at: datetime
    state: RecommendationState = RecommendationState.DRAFTED
    verdict: str | None = None

    def after(self, event: RecommendationEvent) -> "Recommendation":
        """Return this recommendation once `event` has happened; raises IllegalTransition."""
        return replace(self, state=advance(NEXT_RECOMMENDATION_STATE, self.state, event))


@dataclass(frozen=True, slots=True)
class AppliedRecommendation:
    """A recommendation whose spec is in force, and the run that started on it."""

    recommendation: Recommendation
    child_run_id: str

    def __post_init__(self) -> None:
        state = self.recommendation.state
        if state not in {_State.APPLIED, _State.OBSERVED, _State.KEPT, _State.ROLLED_BACK}:
            raise IllegalTransition(
                f"Recommendation {self.recommendation.recommendation_id} is '{state.value}'; "
                "only an applied one has a child run. Apply it first."
            )

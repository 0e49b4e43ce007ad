"""Projects: one recurring job optimized as a whole, with one deadline and one or more clusters.

learning ──settle──▶ optimizing ──drift──▶ rebasing ──settle──▶ optimizing
▲──────renew──────────┘                    │
└──────────────────renew───────────────────┘
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from math import isfinite
from typing import Final

from isocost.domain.cluster import ClusterSpec
from isocost.domain.lifecycle import advance
from isocost.domain.limits import NO_LIMITS, Limits
from isocost.errors import InvalidInput

DEFAULT_CLUSTER_KEY: Final = "main"


class Phase(Enum):
    """What a project's runs are spent on."""

    LEARNING = "learning"
    OPTIMIZING = "optimizing"
    REBASING = "rebasing"


class PhaseEvent(Enum):
    """What moves a project from phase to phase."""

    SETTLE = "settle"
    DRIFT = "drift"
    RENEW = "renew"


NEXT_PHASE: Final[Mapping[tuple[Phase, PhaseEvent], Phase]] = {
    (Phase.LEARNING, PhaseEvent.SETTLE): Phase.OPTIMIZING,
    (Phase.OPTIMIZING, PhaseEvent.DRIFT): Phase.REBASING,
    (Phase.OPTIMIZING, PhaseEvent.RENEW): Phase.LEARNING,
    (Phase.REBASING, PhaseEvent.SETTLE): Phase.OPTIMIZING,
    (Phase.REBASING, PhaseEvent.RENEW): Phase.LEARNING,
}


@dataclass(frozen=True, slots=True)
class Sla:
    """The maximum runtime, and how often it may be missed."""

    max_runtime_s: float
    miss_fraction: float

    def __post_init__(self) -> None:
        is_deadline = isfinite(self.max_runtime_s) and self.max_runtime_s > 0
        if not is_deadline or not 0 < self.miss_fraction < 1:
            raise InvalidInput(
                "An SLA needs a finite maximum runtime above 0 s and a miss fraction between 0 "
                f"and 1, both exclusive; got {self.max_runtime_s} s and {self.miss_fraction}. "
                "Correct the deadline."
            )

    @property
    def asked_probability(self) -> float:
        """The probability with which a candidate must keep the maximum runtime."""
        return 1 - self.miss_fraction


@dataclass(frozen=True, slots=True)
class Target:
    """A spec and the recommendation it stems from; None where it is the definition's own."""

    spec: ClusterSpec
    recommendation_id: str | None = None


@dataclass(frozen=True, slots=True)
class ProjectCluster:
    """One cluster of a project and the spec last applied to it.

    Attributes:
        phase: of this cluster; None where the project's counts.
        recommendation_id: of the recommendation in force; None where the definition's own spec is.
        going_back_to: a spec that a guardrail wants in force again, until it is.
    """

    cluster_key: str
    spec: ClusterSpec
    phase: Phase | None = None
    recommendation_id: str | None = None
    going_back_to: Target | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a project was imported from.

    Attributes:
        workspace: its name here.
        definition_id: what the workspace calls the definition.
        settings: the definition as it was before anything was changed, JSON text.
        webhook_id: of the notification destination that tells of ended runs; empty without one.
        heard_until: runs that started before are all known.
    """

    workspace: str
    definition_id: str
    settings: str = field(repr=False)
    webhook_id: str = ""
    heard_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Guarding:
    """What the guardrails of a project have come to.

    Attributes:
        is_auto_apply: recommendations are applied without asking; else it is a dry run.
        roll_back_count: since auto-apply was turned on last.
        notice: what a person should know, such as why auto-apply went off; None for nothing.
        fault: why the project cannot be looked after at present; None if it can.
        failed_looks: times in a row that looking after it failed.
        look_at: not to be looked at before, after a failure; None for at any time.
    """

    is_auto_apply: bool = False
    roll_back_count: int = 0
    notice: str | None = None
    fault: str | None = None
    failed_looks: int = 0
    look_at: datetime | None = None


NOT_GUARDED: Final = Guarding()


@dataclass(frozen=True, slots=True)
class Project:
    """One recurring job.

    Attributes:
        sla: None until one is set; the first run may be what it is derived from.
        clusters: by cluster key, at least one.
        phase: the least settled of its clusters'.
        origin: None for a project that was not imported.
        baseline_ids: executions that savings are measured against.
        learned_from: ordinal of the first execution that the model learns from.
        is_retired: it was taken off; kept for its history.
    """

    project_id: str
    name: str
    clusters: Mapping[str, ProjectCluster]
    sla: Sla | None = None
    phase: Phase = Phase.LEARNING
    origin: Origin | None = None
    limits: Limits = NO_LIMITS
    guarding: Guarding = NOT_GUARDED
    baseline_ids: tuple[str, ...] = ()
    learned_from: int = 0
    is_retired: bool = False

    def __post_init__(self) -> None:
        if not self.clusters:
            raise InvalidInput(f"Project {self.name!r} has no cluster. Give it at least one.")
        for key, cluster in self.clusters.items():
            if key != cluster.cluster_key:
                raise InvalidInput(
                    f"Project {self.name!r} files cluster {cluster.cluster_key!r} under {key!r}."
                )

    def with_spec(self, cluster_key: str, spec: ClusterSpec) -> "Project":
        """Return this project with `spec` applied to one of its clusters."""
        if cluster_key not in self.clusters:
            known = ", ".join(self.clusters)
            raise InvalidInput(
                f"Project {self.name!r} has no cluster {cluster_key!r}; it has {known}."
            )
        cluster = replace(self.clusters[cluster_key], spec=spec)
        clusters = {**self.clusters, cluster_key: cluster}
        return replace(self, clusters=clusters)

    def with_cluster(self, cluster: ProjectCluster) -> "Project":
        """Return this project with one of its clusters added or replaced."""
        return replace(self, clusters={**self.clusters, cluster.cluster_key: cluster})

    def after(self, event: PhaseEvent) -> "Project":
        """Return this project once `event` has happened; raises IllegalTransition."""
        return replace(self, phase=advance(NEXT_PHASE, self.phase, event))

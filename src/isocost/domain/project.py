"""Projects: one recurring job optimized as a whole, with one deadline and one or more clusters.

learning ──settle──▶ optimizing ──drift──▶ rebasing ──settle──▶ optimizing
▲──────renew──────────┘                    │
└──────────────────renew───────────────────┘
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from math import isfinite
from typing import Final

from isocost.domain.cluster import ClusterSpec
from isocost.domain.lifecycle import advance
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
class ProjectCluster:
    """One cluster of a project and the spec last applied to it."""

    cluster_key: str
    spec: ClusterSpec


@dataclass(frozen=True, slots=True)
class Project:
    """One recurring job.

    Attributes:
        sla: None until one is set; the first run may be what it is derived from.
        clusters: by cluster key, at least one.
    """

    project_id: str
    name: str
    clusters: Mapping[str, ProjectCluster]
    sla: Sla | None = None
    phase: Phase = Phase.LEARNING

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
        clusters = {**self.clusters, cluster_key: ProjectCluster(cluster_key, spec)}
        return replace(self, clusters=clusters)

    def after(self, event: PhaseEvent) -> "Project":
        """Return this project once `event` has happened; raises IllegalTransition."""
        return replace(self, phase=advance(NEXT_PHASE, self.phase, event))

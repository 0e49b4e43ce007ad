"""The port to a workspace in which other people's recurring work runs and is defined.

A *definition* (a databricks job) is what recurs; the host starts it by its own schedule. The port
lists definitions, says what ended and on what it ran, and changes a definition's clusters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from isocost.domain.cluster import ClusterSpec, ClusterTimeline
from isocost.domain.execution import StepSpan

# A definition's settings as the workspace shows them: JSON, with whatever this product ignores.
Settings = Mapping[str, Any]

# Tags that tie what runs to what was recommended.
PROJECT_TAG: Final = "isocost:project-id"
RECOMMENDATION_TAG: Final = "isocost:recommendation-id"


@dataclass(frozen=True, slots=True)
class DefinedCluster:
    """One cluster as a definition asks for it.

    Attributes:
        spec: node type and workers; of an autoscaling cluster, its most workers.
        min_workers: of an autoscaling cluster; None for one of fixed size.
        driver_node_type_id: None where the driver is of the workers' node type.
        is_spot: whether workers may be spot nodes.
        disk_gib: attached to each node beyond what the platform always attaches.
        recommendation_id: by its tag; None without one.
        is_pooled: its nodes come from a pool, which fixes the node type.
        policy_id: of the cluster policy it must obey; None without one.
    """

    cluster_key: str
    spec: ClusterSpec
    min_workers: int | None = None
    driver_node_type_id: str | None = None
    is_spot: bool = False
    is_photon: bool = False
    disk_gib: float = 0.0
    recommendation_id: str | None = None
    is_pooled: bool = False
    policy_id: str | None = None
    spark_version: str = ""
    log_destination: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition as it stands.

    Attributes:
        settings: raw, nothing left out.
        obstacles: why it does not qualify, a sentence each; empty if it does.
        clusters: by key; a key is a `job_cluster_key`, or a step's key where the cluster is
            written into the step.
    """

    definition_id: str
    name: str
    settings: Settings
    clusters: Mapping[str, DefinedCluster]
    obstacles: tuple[str, ...] = ()
    schedule: str = ""
    max_concurrent_runs: int = 1
    creator: str = ""
    last_run_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EndedRun:
    """One ended execution, as a list of them tells.

    Attributes:
        is_success: the workspace calls it one.
        is_cancelled: somebody stopped it, or it was skipped: it says nothing of clusters.
    """

    origin_run_id: str
    started_at: datetime
    ended_at: datetime
    is_success: bool
    is_cancelled: bool = False
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class CollectedCluster:
    """What one cluster of an execution really was; restarts and repairs are parts of it.

    Attributes:
        cluster_ids: in the order they ran; more than one after a repair.
        ran: the effective spec: the node type and the mean number of workers while spark tasks
            could run, rounded, at least 1.
        asked: as the definition asked for it when the run began.
        log_locations: where each cluster's event log is to be found; empty where it has none.
        spot_loss_count: nodes that the cloud took away.
        measured_s: from the cluster being ready until its last step ended; what a run without an
            event log counts as.
        failure: why its steps failed; None if they succeeded.
        is_timed_out: it was stopped at a time limit.
    """

    cluster_key: str
    cluster_ids: tuple[str, ...]
    ran: ClusterSpec
    asked: DefinedCluster
    timeline: ClusterTimeline
    log_locations: tuple[str, ...]
    ready_at: datetime
    ended_at: datetime
    spot_loss_count: int = 0
    measured_s: float | None = None
    failure: str | None = None
    is_timed_out: bool = False


@dataclass(frozen=True, slots=True)
class CollectedRun:
    """Everything an execution left behind but its event logs."""

    run: EndedRun
    spans: tuple[StepSpan, ...]
    clusters: tuple[CollectedCluster, ...]


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether something the product needs works.

    Attributes:
        need: what it is for, in a few words.
        remedy: what to grant or change; empty where it works.
        is_required: the product cannot do its work without it.
    """

    need: str
    is_granted: bool
    remedy: str = ""
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """A definition as it would be after a change.

    Attributes:
        settings: the whole new settings, raw.
        difference: a line for each value that changes, `path: old → new`.
        refusal: why the workspace's policies or pools forbid it; None if they do not.
    """

    settings: Settings
    difference: tuple[str, ...]
    refusal: str | None = None


class Host(Protocol):
    """A workspace. Thread-safe; calls are retried within bounds that its maker set.

    Every call raises:
        PlatformError: the workspace refuses or cannot be reached; the message names what and the
            remedy (token, permission, address).
        NotFound: what was named is not there (any more).
        Busy: the workspace asks for patience beyond the bounds; trying later will work.
    """

    def check(self) -> Sequence[Permission]:
        """Return, need by need, what works and what to grant."""
        ...

    def definitions(self) -> Sequence[Definition]:
        """Return all definitions, with why each does or does not qualify."""
        ...

    def definition(self, definition_id: str) -> Definition:
        """Return one definition as it stands."""
        ...

    def ended_runs(self, definition_id: str, since: datetime | None) -> Sequence[EndedRun]:
        """Return runs that ended and started at or after `since`, oldest first."""
        ...

    def collect(self, definition_id: str, origin_run_id: str) -> CollectedRun:
        """Return what a run left: steps, clusters, timelines, places of logs.

        Raises:
            Busy: the run has not ended yet.
        """
        ...

    def are_logs_settled(self, cluster: CollectedCluster, now: datetime) -> bool:
        """Whether the last delivery of the cluster's logs has come, so far as can be told."""
        ...

    def active_recommendations(self, definition_id: str) -> Sequence[frozenset[str | None]]:
        """Return, for each run under way, the recommendation ids its clusters carry.

        None among them stands for a cluster without one.
        """
        ...

    def planned_specs(
        self, definition: Definition, specs: Mapping[str, tuple[ClusterSpec, str | None]]
    ) -> ChangePlan:
        """Return the definition with other clusters: by key, a spec and a recommendation id.

        Changes nothing else: autoscaling becomes a fixed number of workers, the recommendation tag
        is set, or removed where the id is None.
        """
        ...

    def refusals(
        self, definition: Definition, cluster_key: str, specs: Sequence[ClusterSpec]
    ) -> Mapping[ClusterSpec, str]:
        """Return the specs that a pool or a cluster policy forbids, each with the reason.

        Cheap for thousands of specs: policies are fetched once.
        """
        ...

    def planned_set_up(
        self, definition: Definition, project_id: str, *, log_destination: str, webhook_id: str
    ) -> ChangePlan:
        """Return the definition with log delivery, the project's tag and the webhook."""
        ...

    def planned_restore(
        self, definition: Definition, original: Settings, last_written: Settings
    ) -> ChangePlan:
        """Return the definition as it was before this product touched it.

        What somebody else changed since `last_written` stays theirs: only what this product set is
        taken back. Without such changes the result is `original` exactly.
        """
        ...

    def change(self, definition_id: str, before: Settings, after: Settings) -> bool:
        """Write what differs between the two, if the definition still is as `before`.

        Returns:
            False if it is neither as `before` nor as `after`: somebody else changed it. True if
            it is as `after` now, also if it already was.

        Raises:
            InvalidInput: the workspace finds the new settings wrong, such as against a policy.
        """
        ...

    def known_webhook(self, url: str) -> str | None:
        """Return the id of the notification destination for `url`; None if it is still to make."""
        ...

    def webhook(self, url: str, secret: str) -> str:
        """Return the id of the notification destination for `url`, made if need be."""
        ...

    def node_type_ids(self) -> frozenset[str]:
        """Return the node types that the workspace can rent."""
        ...

"""A Databricks workspace as a host of other people's recurring work: delegates, and remembers."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from isocost import clock
from isocost.domain.cluster import ClusterSpec
from isocost.platforms.databricks import (
    changes,
    listing,
    logs,
    permissions,
    restoring,
    runs,
    writing,
)
from isocost.platforms.databricks.changes import Bounds
from isocost.platforms.databricks.connection import Calls
from isocost.platforms.databricks.rulebook import bounds_of
from isocost.platforms.databricks.webhook import known_webhook, webhook
from isocost.platforms.host import (
    ChangePlan,
    CollectedCluster,
    CollectedRun,
    Definition,
    EndedRun,
    Permission,
    Settings,
)

_NODE_TYPES: Final = "/api/2.1/clusters/list-node-types"
# Policies, pools and node types change by the week; what is asked again within minutes is not.
_REMEMBERED_S: Final = 300.0


class DatabricksHost:
    """One workspace, reached over `calls`. Thread-safe.

    Args:
        calls: requests to the workspace.
        region: of the cloud, which log delivery to S3 has to name.
        log_destination: that `check` looks into, beside those of the definitions.
        now: the present moment there; a simulated workspace has a clock of its own.
    """

    def __init__(
        self,
        calls: Calls,
        *,
        region: str = "",
        log_destination: str = "",
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._calls = calls
        self._region = region
        self._log_destination = log_destination
        self._now = now
        self._bounds: tuple[float, Bounds] | None = None
        self._node_types: tuple[float, frozenset[str]] | None = None

    def check(self) -> Sequence[Permission]:
        """Return, need by need, what works and what to grant; see `Host`."""
        return permissions.check(self._calls, self._log_destination)

    def definitions(self) -> Sequence[Definition]:
        """Return all definitions; see `Host`."""
        return listing.definitions(self._calls, self._known().pool, self._now)

    def definition(self, definition_id: str) -> Definition:
        """Return one definition as it stands, without its last run; see `Host`."""
        view = writing.whole_answer(self._calls, definition_id)
        return listing.definition_of(view, self._known().pool)

    def ended_runs(self, definition_id: str, since: datetime | None) -> Sequence[EndedRun]:
        """Return runs that ended; see `Host`."""
        return runs.ended_runs(self._calls, definition_id, since)

    def collect(self, definition_id: str, origin_run_id: str) -> CollectedRun:
        """Return what a run left; see `Host`."""
        pool_of = self._known().pool
        return runs.collect(self._calls, definition_id, origin_run_id, pool_of=pool_of)

    def are_logs_settled(self, cluster: CollectedCluster, now: datetime) -> bool:
        """Whether the last delivery of the cluster's logs has come; see `Host`."""
        return logs.are_settled(self._calls, cluster, now)

    def active_recommendations(self, definition_id: str) -> Sequence[frozenset[str | None]]:
        """Return the recommendations that runs under way carry; see `Host`."""
        return runs.active_recommendations(self._calls, definition_id, self._known().pool)

    def planned_specs(
        self, definition: Definition, specs: Mapping[str, tuple[ClusterSpec, str | None]]
    ) -> ChangePlan:
        """Return the definition with other clusters; see `Host`."""
        return changes.planned_specs(definition, specs, self._known())

    def refusals(
        self, definition: Definition, cluster_key: str, specs: Sequence[ClusterSpec]
    ) -> Mapping[ClusterSpec, str]:
        """Return the specs that pools and policies forbid; see `Host`."""
        return changes.refused_specs(definition, cluster_key, specs, bounds=self._known())

    def planned_set_up(
        self, definition: Definition, project_id: str, *, log_destination: str, webhook_id: str
    ) -> ChangePlan:
        """Return the definition as it is set up; see `Host`."""
        return changes.planned_set_up(
            definition,
            project_id,
            self._known(),
            log_destination=log_destination,
            webhook_id=webhook_id,
        )

    def planned_restore(
        self, definition: Definition, original: Settings, last_written: Settings
    ) -> ChangePlan:
        """Return the definition as it was at first; see `Host`."""
        return restoring.planned_restore(definition, original, last_written)

    def change(self, definition_id: str, before: Settings, after: Settings) -> bool:
        """Write what differs, if nobody else did; see `Host`."""
        return writing.change(self._calls, definition_id, before=before, after=after)

    def known_webhook(self, url: str) -> str | None:
        """Return the id of the notification destination that is there; see `Host`."""
        return known_webhook(self._calls, url)

    def webhook(self, url: str, secret: str) -> str:
        """Return the id of the notification destination for `url`; see `Host`."""
        return webhook(self._calls, url, secret)

    def node_type_ids(self) -> frozenset[str]:
        """Return the node types that the workspace can rent; see `Host`."""
        known = self._node_types
        if known is not None and clock.monotonic_s() - known[0] < _REMEMBERED_S:
            return known[1]
        grant = "workspace access"
        answer = self._calls.get("listing node types", _NODE_TYPES, grant=grant)
        found = frozenset(str(each["node_type_id"]) for each in answer.get("node_types") or ())
        self._node_types = (clock.monotonic_s(), found)
        return found

    def _known(self) -> Bounds:
        known = self._bounds
        if known is not None and clock.monotonic_s() - known[0] < _REMEMBERED_S:
            return known[1]
        bounds = bounds_of(self._calls, region=self._region)
        self._bounds = (clock.monotonic_s(), bounds)
        return bounds

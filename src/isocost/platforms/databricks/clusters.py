"""A run's attempts and its clusters' events in; what each of its clusters really was out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from isocost.catalog.catalog import ALWAYS_ATTACHED_GIB
from isocost.domain.cluster import ClusterSpec, ClusterTimeline
from isocost.domain.workspace import Cloud
from isocost.errors import NotFound
from isocost.platforms.databricks.connection import Calls
from isocost.platforms.databricks.definitions import (
    DefinedStep,
    PoolOf,
    clusters_of,
    placed_clusters,
)
from isocost.platforms.databricks.endings import Ending, Result
from isocost.platforms.databricks.timeline import (
    ClusterChange,
    ClusterLife,
    Purchase,
    change_of,
    life_of,
    mean_workers,
)
from isocost.platforms.host import CollectedCluster, DefinedCluster, EndedRun, Settings
from isocost.units import MS_PER_S

_EVENTS: Final = "/api/2.0/clusters/events"
_ATTACH: Final = "CAN ATTACH TO on the cluster (it shows its events)"
_PAGE: Final = 500
_NOT_RUN: Final = {Result.SKIPPED, Result.HELD_BACK, None}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of one step of a run.

    Attributes:
        cluster_id: empty if it got none.
        setup_ms: from its start until its cluster and libraries were ready.
    """

    step: DefinedStep
    run_id: str
    number: int
    cluster_id: str
    started_at: datetime | None
    ended_at: datetime | None
    setup_ms: float
    ending: Ending

    @property
    def begin(self) -> float:
        """When it began, for sorting; those that never did come last."""
        return self.started_at.timestamp() if self.started_at else float("inf")

    @property
    def ready_at(self) -> datetime | None:
        """When its own work began."""
        if self.started_at is None:
            return None
        return self.started_at + timedelta(seconds=self.setup_ms / MS_PER_S)


@dataclass(frozen=True, slots=True)
class _Life:
    """One cluster of a key: what it was, and the span of what ran on it."""

    cluster_id: str
    life: ClusterLife
    ready_at: datetime
    ended_at: datetime


class RunClusters:
    """The clusters of one run, read from the workspace."""

    def __init__(self, calls: Calls, view: Settings, pool_of: PoolOf) -> None:
        self._calls = calls
        self._asked = clusters_of(view, pool_of)
        self._raw = {each.cluster_key: each.asked for each in placed_clusters(view)}
        self._pool_of = pool_of

    def collected(self, run: EndedRun, attempts: Sequence[Attempt]) -> Iterator[CollectedCluster]:
        """Yield each cluster that steps ran on, or failed to get."""
        for key, asked in self._asked.items():
            own = [each for each in attempts if each.step.cluster_key == key]
            tried = [each for each in own if each.ending.result not in _NOT_RUN]
            if tried:
                yield self._collected(run, asked, own)

    def _collected(
        self, run: EndedRun, asked: DefinedCluster, attempts: Sequence[Attempt]
    ) -> CollectedCluster:
        ids = dict.fromkeys(each.cluster_id for each in attempts if each.cluster_id)
        purchase = self._purchase(asked)
        lives = [self._life(name, purchase, run, attempts=attempts) for name in ids]
        destination = asked.log_destination.rstrip("/")
        has_run = any(each.life.running_at for each in lives)
        work_s = sum((each.ended_at - each.ready_at).total_seconds() for each in lives)
        endings = _last_endings(attempts)
        return CollectedCluster(
            asked.cluster_key,
            tuple(ids),
            ran=_ran(asked.spec, lives),
            asked=asked,
            timeline=_timeline(lives),
            log_locations=tuple(
                f"{destination}/{name}/eventlog" for name in ids if destination and has_run
            ),
            ready_at=lives[0].ready_at if lives else run.started_at,
            ended_at=lives[-1].ended_at if lives else run.ended_at,
            spot_loss_count=sum(each.life.loss_count for each in lives),
            measured_s=work_s if has_run and work_s > 0 else None,
            failure=_failure(endings),
            is_timed_out=any(e.result is Result.TIMED_OUT for e in endings.values()),
        )

    def _life(
        self, cluster_id: str, purchase: Purchase, run: EndedRun, *, attempts: Sequence[Attempt]
    ) -> _Life:
        own = [each for each in attempts if each.cluster_id == cluster_id]
        begins = [each.started_at for each in own if each.started_at]
        ended_at = max((e.ended_at for e in own if e.ended_at), default=run.ended_at)
        begun_at = min(begins, default=ended_at)
        changes = self._changes(cluster_id) or _assumed(purchase, begun_at, self._size(own))
        life = life_of(changes, purchase, ended_at)
        ready = min((e.ready_at for e in own if e.ready_at), default=begun_at)
        ready_at = max(ready, life.running_at or ready)
        return _Life(cluster_id, life, min(ready_at, ended_at), ended_at)

    def _changes(self, cluster_id: str) -> list[ClusterChange]:
        """Return all events; none once the workspace has forgotten the cluster."""
        what = f"reading the events of cluster {cluster_id}"
        asked: dict[str, Any] | None = {"cluster_id": cluster_id, "order": "ASC", "limit": _PAGE}
        found: list[ClusterChange] = []
        try:
            while asked:
                answer = self._calls.post(what, _EVENTS, asked, grant=_ATTACH)
                changes = (change_of(event) for event in answer.get("events") or ())
                found += [change for change in changes if change is not None]
                asked = answer.get("next_page") if answer.get("events") else None
        except NotFound:
            return []
        return found

    def _size(self, attempts: Sequence[Attempt]) -> int:
        return max(self._asked[each.step.cluster_key].spec.worker_count for each in attempts)

    def _purchase(self, asked: DefinedCluster) -> Purchase:
        raw = self._raw[asked.cluster_key]
        pool_id = raw.get("instance_pool_id")
        node_type_id = asked.spec.node_type_id
        bought = _attributes(self._pool_of(str(pool_id)) if pool_id else raw, node_type_id)
        kept = int(bought.get("first_on_demand", 1) or 0)
        # Where nothing is said, workers are replaced as AWS does it by default.
        availability = str(bought.get("availability") or "SPOT_WITH_FALLBACK")
        return Purchase(
            node_type_id,
            asked.driver_node_type_id or node_type_id,
            is_spot=asked.is_spot,
            # The driver is the first node that `first_on_demand` counts.
            is_driver_spot=asked.is_spot and kept == 0 and not pool_id,
            kept_workers=max(0, kept - 1),
            is_replaced_on_demand="FALLBACK" in availability,
            is_pooled=asked.is_pooled,
            disk_gib=attached_gib(asked),
        )


def attached_gib(asked: DefinedCluster) -> float:
    """Return the billed volumes of each node: its own and those that are always attached."""
    return (ALWAYS_ATTACHED_GIB[_cloud(asked.spec.node_type_id)] or 0.0) + asked.disk_gib


def _cloud(node_type_id: str) -> Cloud:
    return Cloud.AZURE if node_type_id.startswith("Standard_") else Cloud.AWS


def _attributes(place: Settings, node_type_id: str) -> Mapping[str, Any]:
    name = f"{_cloud(node_type_id).value}_attributes"
    found: Mapping[str, Any] = place.get(name) or {}
    return found


def _assumed(purchase: Purchase, begun_at: datetime, count: int) -> list[ClusterChange]:
    """Return what must have happened to a cluster whose events are no longer kept."""
    ran = ClusterChange(begun_at, "RUNNING", current=count, target=count)
    return [ClusterChange(begun_at, "CREATING", target=count), ran]


def _timeline(lives: Sequence[_Life]) -> ClusterTimeline:
    return ClusterTimeline(
        tuple(
            replace(node, node_id=f"{each.cluster_id}/{node.node_id}")
            for each in lives
            for node in each.life.nodes
        )
    )


def _ran(asked: ClusterSpec, lives: Sequence[_Life]) -> ClusterSpec:
    """Return the mean size, each cluster weighted by how long spark tasks could run on it."""
    weighted = [
        ((each.ended_at - each.ready_at).total_seconds(), mean)
        for each in lives
        if (mean := mean_workers(each.life.sizes, each.ready_at, each.ended_at)) is not None
    ]
    whole_s = sum(seconds for seconds, _ in weighted)
    if whole_s <= 0:
        return asked
    mean = sum(seconds * count for seconds, count in weighted) / whole_s
    return replace(asked, worker_count=max(1, round(mean)))


def _last_endings(attempts: Sequence[Attempt]) -> dict[str, Ending]:
    """Return how each step stands after retries and repairs."""
    ordered = sorted(attempts, key=lambda each: each.number)
    return {each.step.step_key: each.ending for each in ordered}


def _failure(endings: Mapping[str, Ending]) -> str | None:
    """Return why not all steps of a cluster were done; None if they were."""
    fine = {Result.SUCCEEDED, Result.SKIPPED}
    bad = {key: ending for key, ending in endings.items() if ending.result not in fine}
    # What was held back only repeats that something else failed.
    own = {k: e for k, e in bad.items() if e.result is not Result.HELD_BACK} or bad
    for key, ending in own.items():
        word = ending.result.value if ending.result else "is unfinished"
        return ending.message or f"Step {key} {word}."
    return None

"""A cluster's events in; its nodes' stays, how many worked when, and what was lost out.

Databricks tells when a cluster was asked for, when it ran, how it was resized and what it lost,
but not when each machine was rented. That follows from two delays, stated below. The system table
`system.compute.node_timeline` knows each machine, but by whole minutes and an hour late.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import fsum
from typing import Any, Final

from isocost.domain.cluster import NodeInterval
from isocost.platforms.databricks.times import moment

# A machine is billed once it boots, not when it is asked for (docs.aws.amazon.com, "Amazon EC2
# instance state changes"): half a minute is what a cloud takes to find and start one.
RENTED_AFTER: Final = timedelta(seconds=30)
# And until it is told to go: Databricks does that within some seconds of `TERMINATING`.
RELEASED_AFTER: Final = timedelta(seconds=10)

_BEGINNINGS: Final = {"CREATING", "STARTING", "RESTARTING"}
_CLOUD_FAILURE: Final = "CLOUD_FAILURE"
_NO_TIME: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Purchase:
    """How a cluster's nodes are bought.

    Attributes:
        kept_workers: how many of the first workers are never spot nodes.
        is_replaced_on_demand: what takes the place of a lost spot node is none.
        is_pooled: its machines run already.
        disk_gib: billed volumes attached to each node.
    """

    node_type_id: str
    driver_node_type_id: str
    is_spot: bool = False
    is_driver_spot: bool = False
    kept_workers: int = 0
    is_replaced_on_demand: bool = True
    is_pooled: bool = False
    disk_gib: float = 0.0


@dataclass(frozen=True, slots=True)
class ClusterChange:
    """One event of a cluster.

    Attributes:
        current, target: workers that there are, and that there shall be; None if it does not say.
        lost_count: of `NODES_LOST`, how many nodes it names.
        is_cloud_failure: the cloud is to blame.
    """

    at: datetime
    kind: str
    current: int | None = None
    target: int | None = None
    lost_count: int = 0
    is_cloud_failure: bool = False


@dataclass(frozen=True, slots=True)
class ClusterLife:
    """What a cluster was from its first event to its last.

    Attributes:
        sizes: moments from which on so many workers took spark tasks.
        running_at: when it first ran; None if it never did.
        ended_at: when its nodes went.
        loss_count: nodes that the cloud took away.
    """

    nodes: tuple[NodeInterval, ...]
    sizes: tuple[tuple[datetime, int], ...]
    running_at: datetime | None
    ended_at: datetime | None
    loss_count: int = 0


def change_of(event: Mapping[str, Any]) -> ClusterChange | None:
    """Return an event as `clusters/events` shows it; None for one without a time."""
    at = moment(event.get("timestamp"))
    if at is None:
        return None
    details = event.get("details") or {}
    reason = details.get("reason") or {}
    named = str((reason.get("parameters") or {}).get("instance_id") or "")
    target = details.get("target_num_workers")
    return ClusterChange(
        at,
        str(event.get("type")),
        current=details.get("current_num_workers"),
        target=_first_size(details.get("cluster_size") or {}) if target is None else target,
        lost_count=len([name for name in named.split(",") if name]),
        is_cloud_failure=reason.get("type") == _CLOUD_FAILURE or "SPOT" in str(reason.get("code")),
    )


def life_of(changes: Iterable[ClusterChange], purchase: Purchase, end: datetime) -> ClusterLife:
    """Return the life of a cluster.

    Args:
        changes: its events in any order.
        purchase: how its nodes were bought.
        end: when its nodes went if no event tells.
    """
    roll = _Roll(purchase)
    for change in sorted(changes, key=lambda change: change.at):
        roll.take(change)
    if roll.is_up:
        roll.close(end)
    return ClusterLife(
        tuple(roll.gone), tuple(roll.sizes), roll.running_at, roll.ended_at, roll.loss_count
    )


def mean_workers(
    sizes: Iterable[tuple[datetime, int]], begin: datetime, end: datetime
) -> float | None:
    """Return the mean number of workers between two moments; None if it is not known.

    Args:
        sizes: how many from when on, oldest first.
        begin: first moment that counts.
        end: last one.
    """
    steps = list(sizes)
    if not steps:
        return None
    bounds = [at for at, _ in steps[1:]] + [end]
    seconds = [
        max(0.0, (min(until, end) - max(at, begin)).total_seconds())
        for (at, _), until in zip(steps, bounds, strict=True)
    ]
    whole_s = fsum(seconds)
    if whole_s == 0:
        return float(steps[-1][1])
    return fsum(s * count for s, (_, count) in zip(seconds, steps, strict=True)) / whole_s


def _first_size(size: Mapping[str, Any]) -> int | None:
    """Return how many workers a cluster begins with: of autoscaling, its fewest."""
    found = (size.get("autoscale") or {}).get("min_workers", size.get("num_workers"))
    return None if found is None else int(found)


@dataclass(frozen=True, slots=True)
class _Worker:
    """One worker that is rented, or asked for."""

    rented_at: datetime
    is_spot: bool
    is_here: bool = False


class _Roll:
    """Keeps the roll of a cluster's nodes while its events are read."""

    def __init__(self, purchase: Purchase) -> None:
        self._purchase = purchase
        self._boot = _NO_TIME if purchase.is_pooled else RENTED_AFTER
        self._driver_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._workers: list[_Worker] = []
        self._asked_count = 0
        self._has_run = False
        self.gone: list[NodeInterval] = []
        self.sizes: list[tuple[datetime, int]] = []
        self.running_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.loss_count = 0

    @property
    def is_up(self) -> bool:
        """Whether nodes are rented, so far as has been read."""
        return self._driver_at is not None

    def take(self, change: ClusterChange) -> None:
        """Read the next event."""
        readers = {
            **dict.fromkeys(_BEGINNINGS, self._begin),
            "RUNNING": self._run,
            "RESIZING": self._resize,
            "UPSIZE_COMPLETED": self._arrive,
            "NODES_LOST": self._lose,
            "ADD_NODES_FAILED": self._call_off,
            "TERMINATING": self._terminate,
        }
        if change.kind in readers:
            readers[change.kind](change)
        if self._has_run and self.is_up:
            self._note(change.at)

    def close(self, at: datetime) -> None:
        """Let all nodes go at a moment."""
        while self._workers:
            self._leave(self._workers[-1], at)
        if self._driver_at is not None:
            self._dismiss_driver(self._driver_at, at)
        self._driver_at, self._has_run, self.ended_at = None, False, at

    def _begin(self, change: ClusterChange) -> None:
        if self.is_up:  # a driver that restarts keeps its machines
            return
        self._asked_at = change.at
        self._driver_at = change.at + self._boot
        self._ask(change.at, change.target or 0)

    def _run(self, change: ClusterChange) -> None:
        begun_at = self._asked_at or change.at
        if not self.is_up:  # its first events are older than what the workspace keeps
            self._driver_at = begun_at
        count = change.current if change.current is not None else len(self._workers)
        if not self._has_run:
            self._ask(begun_at, count - len(self._workers))
            del self._workers[count:]
        self._has_run = True
        self.running_at = self.running_at or change.at
        self._arrive(replace(change, current=count))

    def _resize(self, change: ClusterChange) -> None:
        if change.target is None:
            return
        self._ask(change.at, change.target - len(self._workers))
        while len(self._workers) > change.target:
            # Those on their way are called off before those at work are sent home.
            waiting = [worker for worker in self._workers if not worker.is_here]
            self._leave((waiting or self._workers)[-1], change.at)

    def _arrive(self, change: ClusterChange) -> None:
        count = change.current or 0
        for place, worker in enumerate(self._workers):
            if self._here_count() >= count:
                return
            self._workers[place] = replace(worker, is_here=True)
        missing = count - len(self._workers)
        self._workers += [self._worker(change.at, is_here=True) for _ in range(missing)]

    def _lose(self, change: ClusterChange) -> None:
        fewer = self._here_count() - (change.current if change.current is not None else 0)
        count = min(change.lost_count or max(1, fewer), len(self._workers))
        for _ in range(count):
            there = [worker for worker in self._workers if worker.is_here] or self._workers
            taken = [worker for worker in there if worker.is_spot] or there
            self._leave(taken[0], change.at)
        self.loss_count += count if change.is_cloud_failure else 0
        wanted = change.target if change.target is not None else len(self._workers)
        self._ask(change.at, wanted - len(self._workers), is_replacement=True)

    def _call_off(self, _: ClusterChange) -> None:
        self._workers = [worker for worker in self._workers if worker.is_here]

    def _terminate(self, change: ClusterChange) -> None:
        if not self.is_up:
            return
        if change.is_cloud_failure and not self._has_run:
            self._workers, self._driver_at = [], None  # the machines never came
            self.ended_at = change.at
            return
        self._note(change.at)
        self.close(change.at + RELEASED_AFTER)

    def _ask(self, at: datetime, count: int, *, is_replacement: bool = False) -> None:
        rented_at = at + self._boot
        self._workers += [
            self._worker(rented_at, is_replacement=is_replacement) for _ in range(count)
        ]

    def _worker(
        self, rented_at: datetime, *, is_here: bool = False, is_replacement: bool = False
    ) -> _Worker:
        is_kept = self._asked_count < self._purchase.kept_workers
        falls_back = is_replacement and self._purchase.is_replaced_on_demand
        self._asked_count += 1
        is_spot = self._purchase.is_spot and not is_kept and not falls_back
        return _Worker(rented_at, is_spot, is_here)

    def _leave(self, worker: _Worker, at: datetime) -> None:
        self._workers.remove(worker)
        if worker.rented_at < at:
            kind, name = self._purchase.node_type_id, f"worker-{len(self.gone)}"
            stay = NodeInterval(name, kind, worker.rented_at, at, is_spot=worker.is_spot)
            self.gone.append(replace(stay, disk_gib=self._purchase.disk_gib))

    def _dismiss_driver(self, driver_at: datetime, at: datetime) -> None:
        kind, gib = self._purchase.driver_node_type_id, self._purchase.disk_gib
        stay = NodeInterval("driver", kind, driver_at, max(driver_at, at), disk_gib=gib)
        self.gone.append(replace(stay, is_driver=True, is_spot=self._purchase.is_driver_spot))

    def _here_count(self) -> int:
        return sum(worker.is_here for worker in self._workers)

    def _note(self, at: datetime) -> None:
        self.sizes.append((at, self._here_count()))

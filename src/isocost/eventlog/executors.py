"""Executor arrivals, leaves and use in; their stays and the most that were there at once out."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from isocost.domain.profile import ExecutorSpan, RemovalCause
from isocost.eventlog.cluster import is_dynamic
from isocost.eventlog.events import BlockManagerAdded
from isocost.eventlog.folds import ExecutorFold
from isocost.eventlog.reasons import removal_cause
from isocost.eventlog.replay import Replay
from isocost.eventlog.tasks import ExecutorUse
from isocost.units import MS_PER_S

DRIVER: Final = "driver"
_LOCAL_MASTER: Final = re.compile(r"local(?:\[(\d+|\*)(?:,\d+)?\])?$")


@dataclass(frozen=True, slots=True)
class MostAtOnce:
    """Most at one time."""

    executor_count: int
    core_count: int
    node_count: int


@dataclass(frozen=True, slots=True)
class Executors:
    """All executors of an application.

    Attributes:
        without_start: IDs whose start the log lost; their cores and start are guesses.
    """

    spans: tuple[ExecutorSpan, ...]
    peaks: MostAtOnce
    without_start: tuple[str, ...]


def executors_of(replay: Replay, start_ms: int) -> Executors:
    """Return the executors' stays relative to `start_ms`, in order of arrival.

    In local mode the driver is the one executor; beside others it is none.
    """
    local_cores = local_core_count(replay.properties)
    known = _known(replay, is_local=local_cores is not None)
    if local_cores is not None and not known:
        known = [ExecutorFold(DRIVER, core_count=local_cores or None, added_ms=start_ms)]
    usual_cores = _usual_cores(known, replay.properties, local_cores)
    maker = _SpanMaker(
        replay, replay.tasks.use.by_executor(), start_ms=start_ms, usual_cores=usual_cores
    )
    spans = [maker.span(fold) for fold in known]
    spans.sort(key=lambda s: (s.added_s, s.executor_id))
    lost = tuple(sorted(f.executor_id for f in known if f.added_ms is None))
    return Executors(tuple(spans), most_at_once(spans), lost)


def local_core_count(properties: Mapping[str, Any]) -> int | None:
    """Return the cores of local mode, 0 if it takes all the machine has; None on a cluster."""
    match = _LOCAL_MASTER.match(str(properties.get("spark.master", "")))
    if match is None:
        return None
    cores = match.group(1) or "1"
    return 0 if cores == "*" else int(cores)


def most_at_once(spans: Sequence[ExecutorSpan]) -> MostAtOnce:
    """Return the most executors, cores and distinct hosts that were there at one time."""
    executors = cores = 0
    hosts: Counter[str] = Counter()
    peak = MostAtOnce(0, 0, 0)
    for _, sign, span in sorted(_moments(spans), key=lambda m: m[:2]):
        executors += sign
        cores += sign * span.cores
        hosts[span.host] += sign
        nodes = sum(1 for count in hosts.values() if count > 0)
        peak = MostAtOnce(
            max(peak.executor_count, executors),
            max(peak.core_count, cores),
            max(peak.node_count, nodes),
        )
    return peak


def _moments(spans: Iterable[ExecutorSpan]) -> Iterable[tuple[float, int, ExecutorSpan]]:
    for span in spans:
        yield span.added_s, 1, span
        if span.removed_s is not None:
            yield span.removed_s, -1, span


def _known(replay: Replay, *, is_local: bool) -> list[ExecutorFold]:
    """Return all executors that came, left or ran a spark task."""
    folds = dict(replay.executors)
    for executor_id in (*replay.tasks.use.by_executor(), *replay.block_managers):
        if executor_id and executor_id not in folds:
            folds[executor_id] = ExecutorFold(executor_id)
    others = [fold for fold in folds.values() if fold.executor_id != DRIVER]
    return list(folds.values()) if is_local and not others else others


def _usual_cores(
    folds: Iterable[ExecutorFold], properties: Mapping[str, Any], local_cores: int | None
) -> int:
    """Return the cores of an executor whose start was lost: as the others have, or configured."""
    counts = Counter(f.core_count for f in folds if f.core_count)
    if counts:
        return int(max(counts, key=lambda c: (counts[c], c)))
    configured = str(properties.get("spark.executor.cores", ""))
    return local_cores or (int(configured) if configured.isdecimal() else 1)


@dataclass(frozen=True, slots=True)
class _SpanMaker:
    """Makes spans of folds, all relative to one start."""

    replay: Replay
    uses: Mapping[str, ExecutorUse]
    start_ms: int
    usual_cores: int

    def span(self, fold: ExecutorFold) -> ExecutorSpan:
        """Return one executor's stay."""
        use = self.uses.get(fold.executor_id, ExecutorUse("", self.start_ms))
        block_manager = self.replay.block_managers.get(fold.executor_id)
        added_ms = self._added_ms(fold, use)
        return ExecutorSpan(
            executor_id=fold.executor_id,
            host=fold.host or use.host or _host(block_manager),
            cores=fold.core_count or self.usual_cores,
            added_s=(added_ms - self.start_ms) / MS_PER_S,
            removed_s=self._removed_s(fold, added_ms),
            removal_reason=fold.removal_reason,
            removal_cause=self._cause(fold),
            memory_bytes=block_manager.memory_bytes if block_manager else None,
            resource_profile_id=fold.resource_profile_id,
            task_count=use.task_count,
            task_s=use.task_ms / MS_PER_S,
        )

    def _added_ms(self, fold: ExecutorFold, use: ExecutorUse) -> int:
        """Return its arrival; where that was lost, the first time anything was heard of it."""
        if fold.added_ms is not None:
            return fold.added_ms
        block_manager = self.replay.block_managers.get(fold.executor_id)
        if block_manager is not None and block_manager.time_ms > 0:
            return block_manager.time_ms
        return use.first_launch_ms

    def _removed_s(self, fold: ExecutorFold, added_ms: int) -> float | None:
        if fold.removed_ms is None:
            return None
        return (max(added_ms, fold.removed_ms) - self.start_ms) / MS_PER_S

    def _cause(self, fold: ExecutorFold) -> RemovalCause | None:
        if fold.removed_ms is None:
            return None
        reason = fold.removal_reason or ""
        return removal_cause(reason, is_dynamic=is_dynamic(self.replay.properties))


def _host(event: BlockManagerAdded | None) -> str:
    return event.block_manager.host if event is not None else ""

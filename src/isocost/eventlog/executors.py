"""Executor additions and removals in, stays and the most that were there at one time out."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from isocost.domain.profile import ExecutorSpan
from isocost.eventlog.replay import ExecutorFold
from isocost.units import MS_PER_S

DRIVER: Final = "driver"
_LOCAL_MASTER: Final = re.compile(r"local(?:\[(\d+|\*)(?:,\d+)?\])?$")


@dataclass(frozen=True, slots=True)
class Peaks:
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
    peaks: Peaks
    without_start: tuple[str, ...]


def executors_from_folds(
    folds: Iterable[ExecutorFold], properties: Mapping[str, Any], start_ms: int
) -> Executors:
    """Return the executors' stays relative to `start_ms`, in order of arrival.

    In local mode the driver is the one executor; beside others it is none.
    """
    local_cores = local_core_count(properties)
    known = list(folds)
    others = [f for f in known if f.executor_id != DRIVER]
    known = known if local_cores is not None and not others else others
    if local_cores is not None and not known:
        known = [ExecutorFold(DRIVER, core_count=local_cores or None, added_ms=start_ms)]
    usual_cores = _usual_cores(known, properties, local_cores)
    spans = [_span(fold, usual_cores, start_ms) for fold in known]
    spans.sort(key=lambda s: (s.added_s, s.executor_id))
    lost = tuple(sorted(f.executor_id for f in known if f.added_ms is None))
    return Executors(tuple(spans), peaks_of(spans), lost)


def local_core_count(properties: Mapping[str, Any]) -> int | None:
    """Return the cores of local mode, 0 if it takes all the machine has; None on a cluster."""
    match = _LOCAL_MASTER.match(str(properties.get("spark.master", "")))
    if match is None:
        return None
    cores = match.group(1) or "1"
    return 0 if cores == "*" else int(cores)


def peaks_of(spans: Sequence[ExecutorSpan]) -> Peaks:
    """Return the most executors, cores and distinct hosts that were there at one time."""
    moments = sorted(_moments(spans), key=lambda m: m[:2])
    executors = cores = 0
    hosts: Counter[str] = Counter()
    peak = Peaks(0, 0, 0)
    for _, sign, span in moments:
        executors += sign
        cores += sign * span.cores
        hosts[span.host] += sign
        nodes = sum(1 for count in hosts.values() if count > 0)
        peak = Peaks(
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


def _usual_cores(
    folds: Iterable[ExecutorFold], properties: Mapping[str, Any], local_cores: int | None
) -> int:
    """Return the cores of an executor whose start was lost: as the others have, or configured."""
    counts = Counter(f.core_count for f in folds if f.core_count)
    if counts:
        return int(max(counts, key=lambda c: (counts[c], c)))
    configured = str(properties.get("spark.executor.cores", ""))
    return local_cores or (int(configured) if configured.isdecimal() else 1)


def _span(fold: ExecutorFold, usual_cores: int, start_ms: int) -> ExecutorSpan:
    added_ms = fold.added_ms if fold.added_ms is not None else fold.first_seen_ms
    added_s = 0.0 if added_ms is None else (added_ms - start_ms) / MS_PER_S
    removed_s = None if fold.removed_ms is None else (fold.removed_ms - start_ms) / MS_PER_S
    return ExecutorSpan(
        executor_id=fold.executor_id,
        host=fold.host,
        cores=fold.core_count or usual_cores,
        added_s=added_s,
        removed_s=None if removed_s is None else max(added_s, removed_s),
        removal_reason=fold.removal_reason,
    )

"""Stages, executors and busy time in; driver time and what the cores did out.

An application's time is cut where a stage begins, has launched its last spark task or ends, and
where an executor comes or leaves. Within each piece the same stages run on the same cores, so the
idle cores of the whole piece idle for one reason.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from isocost.domain.profile import CoreTime, ExecutorSpan, StageProfile


@dataclass(frozen=True, slots=True)
class RunningStage:
    """When a stage ran: submitted, last spark task launched, completed; seconds from the start."""

    begin_s: float
    launched_s: float
    end_s: float
    core_count: float


def driver_s(stages: Iterable[StageProfile], runtime_s: float) -> float:
    """Return the time within `[0, runtime_s]` in which no stage ran.

    A stage runs from its submission to its completion. Where the log lost the completion, the
    stage counts as running until the end: its spark tasks may have.
    """
    idle_s, covered_to_s = 0.0, 0.0
    for begin_s, end_s in sorted(_spans(stages, runtime_s)):
        idle_s += max(0.0, begin_s - covered_to_s)
        covered_to_s = max(covered_to_s, end_s)
    return idle_s + max(0.0, runtime_s - covered_to_s)


def core_time(
    stages: Sequence[RunningStage],
    executors: Sequence[ExecutorSpan],
    runtime_s: float,
    *,
    busy_core_s_until: Callable[[Sequence[float]], Sequence[float]],
) -> CoreTime:
    """Return what the executors' cores did within `[0, runtime_s]`.

    Args:
        stages: all that ran.
        executors: all that came.
        runtime_s: the application's.
        busy_core_s_until: core-seconds spent in spark tasks before each of some times, ascending.
    """
    changes = sorted([*_stage_changes(stages), *_core_changes(executors)])
    cuts = sorted({0.0, runtime_s, *(t for t, _ in changes if 0 < t < runtime_s)})
    busy_until = busy_core_s_until(cuts)
    state, sums, position = _State(), _Sums(), 0
    for (begin_s, end_s), (busy_before, busy_after) in zip(
        pairwise(cuts), pairwise(busy_until), strict=True
    ):
        while position < len(changes) and changes[position][0] <= begin_s:
            state.apply(changes[position][1])
            position += 1
        sums.add(state, end_s - begin_s, busy_after - busy_before)
    return sums.core_time()


class _Change(NamedTuple):
    """What one moment changes."""

    cores: float = 0.0
    running: int = 0
    launching: int = 0
    usable_cores: float = 0.0


@dataclass(slots=True)
class _State:
    """What is there in a piece of time: cores, running stages, stages with launches to come."""

    cores: float = 0.0
    running: int = 0
    launching: int = 0
    usable_cores: float = 0.0

    def apply(self, change: _Change) -> None:
        self.cores += change.cores
        self.running += change.running
        self.launching += change.launching
        self.usable_cores += change.usable_cores


@dataclass(slots=True)
class _Sums:
    total: float = 0.0
    busy: float = 0.0
    driver: float = 0.0
    skew: float = 0.0
    idle: float = 0.0

    def add(self, state: _State, seconds: float, busy_core_s: float) -> None:
        """Add a piece of time; more spark tasks than cores are counted as what the cores give."""
        there = max(0.0, state.cores) * seconds
        busy = min(busy_core_s, there)
        self.total += there
        self.busy += busy
        if state.running <= 0:
            self.driver += there - busy
        elif state.launching > 0:
            self.idle += there - busy
        else:
            # Cores that never had a spark task to run wait for nobody: the stage is too small.
            usable = max(busy, min(there, state.usable_cores * seconds))
            self.skew += usable - busy
            self.idle += there - usable

    def core_time(self) -> CoreTime:
        return CoreTime(self.total, self.busy, self.driver, self.skew, self.idle)


def _stage_changes(stages: Iterable[RunningStage]) -> Iterator[tuple[float, _Change]]:
    for stage in stages:
        launched_s = min(max(stage.launched_s, stage.begin_s), stage.end_s)
        yield stage.begin_s, _Change(running=1, launching=1, usable_cores=stage.core_count)
        yield launched_s, _Change(launching=-1)
        yield stage.end_s, _Change(running=-1, usable_cores=-stage.core_count)


def _core_changes(executors: Iterable[ExecutorSpan]) -> Iterator[tuple[float, _Change]]:
    for span in executors:
        yield span.added_s, _Change(cores=span.cores)
        if span.removed_s is not None:
            yield span.removed_s, _Change(cores=-span.cores)


def _spans(stages: Iterable[StageProfile], runtime_s: float) -> Iterator[tuple[float, float]]:
    for stage in stages:
        if stage.submitted_s is None:
            continue
        end_s = runtime_s if stage.completed_s is None else stage.completed_s
        begin_s = min(max(stage.submitted_s, 0.0), runtime_s)
        yield begin_s, min(max(end_s, begin_s), runtime_s)

"""Stages with their times and sources in, the path the runtime waited for out.

Walked backwards: the application's end waited for the stage that completed last; that stage waited
for the last of its sources or, if it was the first of its spark job, for the driver, which had
waited for whatever completed last before.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from isocost.domain.profile import CriticalStep, StageProfile


@dataclass(frozen=True, slots=True)
class _Ran:
    """A stage attempt that ran, with its times."""

    stage: StageProfile
    begin_s: float
    end_s: float


class StageOrder:
    """The stage attempts of an application that ran, ordered by when they completed."""

    def __init__(self, stages: Sequence[StageProfile]) -> None:
        self._ran = sorted(_ran(stages), key=lambda r: (r.end_s, r.stage.stage_id))
        self._ends_s = [r.end_s for r in self._ran]
        self._by_stage: dict[int, list[int]] = defaultdict(list)
        for position, ran in enumerate(self._ran):
            self._by_stage[ran.stage.stage_id].append(position)

    def critical_path(self) -> tuple[CriticalStep, ...]:
        """Return the stages the end waited for, first to last; empty if none ran.

        No two of them overlap; what their seconds leave of the runtime is the driver's.
        """
        steps: list[CriticalStep] = []
        position = len(self._ran) - 1 if self._ran else None
        while position is not None:
            ran = self._ran[position]
            seconds = ran.end_s - ran.begin_s
            steps.append(CriticalStep(ran.stage.stage_id, ran.stage.attempt_id, seconds))
            position = self._awaited(position)
        return tuple(reversed(steps))

    def ideal_runtime_s(self, runtime_s: float) -> float | None:
        """Return the runtime with unlimited cores; None if no stage ran.

        Every stage then takes its longest spark task. What lay between a stage's submission and
        the last completion it waited for is the driver's, and stays. Never above the runtime.
        """
        if not self._ran:
            return None
        ends_s = [0.0] * len(self._ran)
        latest_s = [0.0]  # the latest ideal end among the first n to complete
        done = 0
        for position in sorted(range(len(self._ran)), key=lambda p: self._ran[p].begin_s):
            ran = self._ran[position]
            while done < len(self._ran) and self._ends_s[done] <= ran.begin_s:
                latest_s.append(max(latest_s[-1], ends_s[done]))
                done += 1
            awaited = self._awaited(position)
            waited_s = 0.0 if awaited is None else self._ends_s[awaited]
            lag_s = max(0.0, ran.begin_s - waited_s)
            begin_s = lag_s + self._ideal_wait_s(position, ends_s, latest_s[done])
            ends_s[position] = begin_s + min(_longest_s(ran.stage), ran.end_s - ran.begin_s)
        return min(runtime_s, max(ends_s) + max(0.0, runtime_s - self._ends_s[-1]))

    def _ideal_wait_s(self, position: int, ends_s: Sequence[float], latest_s: float) -> float:
        sources = self._sources(position)
        return max((ends_s[i] for i in sources), default=latest_s)

    def _awaited(self, position: int) -> int | None:
        """Return what a stage waited for last: a source, or else all that had completed."""
        sources = self._sources(position)
        if sources:
            return max(sources)
        before = min(position, bisect_right(self._ends_s, self._ran[position].begin_s))
        return before - 1 if before else None

    def _sources(self, position: int) -> list[int]:
        """Return the sources in the same spark job that completed before this stage began.

        Sources in earlier spark jobs are left to the driver, who waited for those jobs.
        """
        ran = self._ran[position]
        return [
            i
            for source_id in ran.stage.source_ids
            for i in self._by_stage.get(source_id, ())
            if self._ends_s[i] <= ran.begin_s
            and self._ran[i].stage.spark_job_id == ran.stage.spark_job_id
            and i < position
        ]


def _ran(stages: Sequence[StageProfile]) -> list[_Ran]:
    """Return the stages with both times; a lost end is taken from the last spark task."""
    found = []
    for stage in stages:
        begin_s = stage.submitted_s
        end_s = stage.completed_s if stage.completed_s is not None else stage.last_finish_s
        if begin_s is not None and end_s is not None and end_s >= begin_s:
            found.append(_Ran(stage, begin_s, end_s))
    return found


def _longest_s(stage: StageProfile) -> float:
    return max(stage.durations.quantiles_s, default=0.0)

"""Ended spark tasks in, by the batch; each once to its stage, its executor and the busy time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from isocost.eventlog.busy import BusyTime
from isocost.eventlog.stages import RESUBMITTED, StageFold
from isocost.eventlog.task_events import LATEST_MS, TaskEnd

# Task IDs are handed out from 0; beyond this the table of those seen would outgrow its use.
MAX_TASK_ID: Final = 50_000_000

_ENDED, _RESUBMITTED = 1, 2


@dataclass(slots=True)
class ExecutorUse:
    """What the spark tasks of one executor tell of it."""

    host: str
    first_launch_ms: int
    task_count: int = 0
    task_ms: int = 0


@dataclass(slots=True)
class TaskBook:
    """All ended spark tasks.

    Attributes:
        latest_ms: the latest finish.
    """

    duplicate_count: int = 0
    earliest_ms: int | None = None
    latest_ms: int | None = None
    executors: dict[str, ExecutorUse] = field(default_factory=dict)
    busy: BusyTime = field(default_factory=BusyTime)
    _seen: bytearray = field(default_factory=lambda: bytearray(1 << 16))

    def fold(self, ends: Sequence[TaskEnd], stage_of: Callable[[int, int], StageFold]) -> None:
        """Take a batch, in any order; duplicates are counted and left out."""
        groups: dict[tuple[int, int], list[TaskEnd]] = {}
        for end in self._unseen(ends):
            key = (end.stage_id, end.attempt_id)
            if (group := groups.get(key)) is None:
                group = groups[key] = []
            group.append(end)
        for (stage_id, attempt_id), group in groups.items():
            stage_of(stage_id, attempt_id).add(group)
            self._add_times([end for end in group if end.reason.name != RESUBMITTED])

    def _unseen(self, ends: Sequence[TaskEnd]) -> list[TaskEnd]:
        """Return the ends that were not seen before, and remember them.

        Spark ends an attempt a second time, as resubmitted, when its output was lost later: that
        is an event of its own and no duplicate.
        """
        highest = max([end.info.task_id for end in ends], default=0)
        if highest >= len(self._seen):
            size = min(highest, MAX_TASK_ID) + 1
            self._seen.extend(bytes(max(0, size - len(self._seen))))
        seen, new = self._seen, []
        for end in ends:
            task_id = end.info.task_id
            if not 0 <= task_id < len(seen):
                new.append(end)
                continue
            mark = _RESUBMITTED if end.reason.name == RESUBMITTED else _ENDED
            if seen[task_id] & mark:
                self.duplicate_count += 1
            else:
                seen[task_id] |= mark
                new.append(end)
        return new

    def _add_times(self, ends: Sequence[TaskEnd]) -> None:
        infos = [
            end.info for end in ends if 0 < end.info.launch_ms <= end.info.finish_ms <= LATEST_MS
        ]
        if not infos:
            return
        launches, finishes = [i.launch_ms for i in infos], [i.finish_ms for i in infos]
        self.busy.add(launches, finishes)
        earliest_ms, latest_ms = min(launches), max(finishes)
        if self.earliest_ms is None or earliest_ms < self.earliest_ms:
            self.earliest_ms = earliest_ms
        if self.latest_ms is None or latest_ms > self.latest_ms:
            self.latest_ms = latest_ms
        for info in infos:
            if (use := self.executors.get(info.executor_id)) is None:
                use = self.executors[info.executor_id] = ExecutorUse(info.host, info.launch_ms)
            use.task_count += 1
            use.task_ms += info.finish_ms - info.launch_ms
            use.first_launch_ms = min(use.first_launch_ms, info.launch_ms)

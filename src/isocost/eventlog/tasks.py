"""Ended spark tasks in, by the batch; each once to its stage, its executor and the busy time.

Nine tenths of a log pass through here, so a batch is turned into columns and the columns are
summed: an order of magnitude faster than task by task.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from isocost.eventlog.busy import BusyTime, Ints
from isocost.eventlog.stages import RESUBMITTED, StageFold
from isocost.eventlog.task_events import LATEST_MS, TaskEnd, TaskInfo

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
        duplicate_count: ends that were seen before and left out.
        earliest_ms, latest_ms: the first launch and the last finish.
    """

    duplicate_count: int = 0
    earliest_ms: int | None = None
    latest_ms: int | None = None
    executors: dict[str, ExecutorUse] = field(default_factory=dict)
    busy: BusyTime = field(default_factory=BusyTime)
    _seen: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(1 << 16, dtype=np.uint8))

    def fold(self, ends: Sequence[TaskEnd], stage_of: Callable[[int, int], StageFold]) -> None:
        """Take a batch, in any order; duplicates are counted and left out."""
        groups: dict[tuple[int, int], list[TaskEnd]] = {}
        new = self._unseen(ends)
        for end in new:
            key = (end.stage_id, end.attempt_id)
            if (group := groups.get(key)) is None:
                group = groups[key] = []
            group.append(end)
        for (stage_id, attempt_id), group in groups.items():
            stage_of(stage_id, attempt_id).add(group)
        self._add_times([end.info for end in new if end.reason.name != RESUBMITTED])

    def _unseen(self, ends: Sequence[TaskEnd]) -> Sequence[TaskEnd]:
        """Return the ends that were not seen before, and remember them.

        Spark ends an attempt a second time, as resubmitted, when its output was lost later: that
        is an event of its own and no duplicate.
        """
        task_ids = [end.info.task_id for end in ends]
        if not task_ids:
            return ends
        highest = max(task_ids)
        self._make_room(highest)
        is_plain = min(task_ids) >= 0 and highest < len(self._seen)
        if is_plain and len(set(task_ids)) == len(task_ids):
            ids = np.array(task_ids)
            is_first_end = not any([end.reason.name == RESUBMITTED for end in ends])
            if is_first_end and not (self._seen[ids] & _ENDED).any():
                self._seen[ids] |= _ENDED
                return ends
        return [end for end in ends if self._is_new(end)]

    def _make_room(self, highest: int) -> None:
        if len(self._seen) <= highest <= MAX_TASK_ID:
            more = np.zeros(max(highest + 1 - len(self._seen), len(self._seen)), dtype=np.uint8)
            self._seen = np.concatenate([self._seen, more])

    def _is_new(self, end: TaskEnd) -> bool:
        task_id = end.info.task_id
        if not 0 <= task_id < len(self._seen):
            return True
        mark = _mark(end)
        is_new = not self._seen[task_id] & mark
        self.duplicate_count += not is_new
        self._seen[task_id] |= mark
        return is_new

    def _add_times(self, infos: Sequence[TaskInfo]) -> None:
        timed = [i for i in infos if 0 < i.launch_ms <= i.finish_ms <= LATEST_MS]
        if not timed:
            return
        launches_ms = np.array([i.launch_ms for i in timed])
        finishes_ms = np.array([i.finish_ms for i in timed])
        self.busy.add(launches_ms, finishes_ms)
        self.earliest_ms = min(int(launches_ms.min()), *_known(self.earliest_ms), LATEST_MS)
        self.latest_ms = max(int(finishes_ms.max()), *_known(self.latest_ms), 0)
        self._add_use(timed, launches_ms, finishes_ms - launches_ms)

    def _add_use(self, infos: Sequence[TaskInfo], launches_ms: Ints, ms: Ints) -> None:
        executor_ids = [i.executor_id for i in infos]
        codes = {executor_id: code for code, executor_id in enumerate(set(executor_ids))}
        coded = np.array([codes[executor_id] for executor_id in executor_ids])
        counts = np.bincount(coded).tolist()
        sums = np.bincount(coded, weights=ms).tolist()
        for executor_id, code in codes.items():
            use = self.executors.get(executor_id)
            mine = coded == code
            if use is None:
                use = ExecutorUse(infos[int(np.argmax(mine))].host, LATEST_MS)
                self.executors[executor_id] = use
            use.first_launch_ms = min(use.first_launch_ms, int(launches_ms[mine].min()))
            use.task_count += counts[code]
            use.task_ms += int(sums[code])


def _mark(end: TaskEnd) -> int:
    return _RESUBMITTED if end.reason.name == RESUBMITTED else _ENDED


def _known(value: int | None) -> tuple[int, ...]:
    return () if value is None else (value,)

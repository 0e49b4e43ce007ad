"""Ended spark tasks in, by the batch; each once to its stage, its executor and the busy time.

Nine tenths of a log pass through here, so a batch is turned into columns and the columns are
summed: an order of magnitude faster than task by task.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isocost.eventlog.busy import BusyTime, Ints
from isocost.eventlog.stages import RESUBMITTED, SUCCESS, StageFold, timed
from isocost.eventlog.task_events import LATEST_MS, TaskEnd, TaskInfo

# Task IDs are handed out from 0; beyond this the table of those seen would outgrow its use.
MAX_TASK_ID: Final = 50_000_000

_ENDED, _RESUBMITTED = 1, 2
_COUNTABLE: Final = 1 << 16


class _Times(NamedTuple):
    """When spark tasks began and ended, shapes (tasks,)."""

    launches_ms: Ints
    finishes_ms: Ints


@dataclass(frozen=True, slots=True)
class ExecutorUse:
    """What the spark tasks of one executor tell of it."""

    host: str
    first_launch_ms: int
    task_count: int = 0
    task_ms: int = 0


class UseBook:
    """What the spark tasks tell of their executors, one row an executor."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._hosts: list[str] = []
        self._firsts_ms: Ints = np.zeros(0, dtype=np.int64)
        self._counts: Ints = np.zeros(0, dtype=np.int64)
        self._ms: Ints = np.zeros(0, dtype=np.int64)

    def add(self, infos: Sequence[TaskInfo], launches_ms: Ints, ms: Ints) -> None:
        """Add spark tasks with their launches and durations, shapes (tasks,)."""
        ids = [info.executor_id for info in infos]
        for executor_id in set(ids) - self._rows.keys():
            self._rows[executor_id] = len(self._rows)
            self._hosts.append(infos[ids.index(executor_id)].host)
        self._make_room(len(self._rows))
        rows = np.array([self._rows[executor_id] for executor_id in ids])
        np.minimum.at(self._firsts_ms, rows, launches_ms)
        np.add.at(self._counts, rows, 1)
        np.add.at(self._ms, rows, ms)

    def _make_room(self, count: int) -> None:
        missing = count - len(self._counts)
        if missing > 0:
            zeros = np.zeros(missing, dtype=np.int64)
            self._firsts_ms = np.concatenate([self._firsts_ms, zeros + LATEST_MS])
            self._counts = np.concatenate([self._counts, zeros])
            self._ms = np.concatenate([self._ms, zeros])

    def by_executor(self) -> dict[str, ExecutorUse]:
        """Return what is known of each executor."""
        columns = (self._firsts_ms.tolist(), self._counts.tolist(), self._ms.tolist())
        rows = zip(self._rows, self._hosts, *columns, strict=True)
        return {executor_id: ExecutorUse(*row) for executor_id, *row in rows if executor_id}


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
    busy: BusyTime = field(default_factory=BusyTime)
    use: UseBook = field(default_factory=UseBook)
    _seen: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(1 << 16, dtype=np.uint8))

    def fold(self, ends: Sequence[TaskEnd], stage_of: Callable[[int, int], StageFold]) -> None:
        """Take a batch, in any order; duplicates are counted and left out."""
        if not ends:
            return
        infos: Sequence[TaskInfo] = [end.info for end in ends]
        times = self._plain_times(ends, infos)
        is_plain = times is not None
        if times is None:
            ends = [end for end in ends if self._is_new(end)]
            infos = timed([end.info for end in ends if end.reason.name != RESUBMITTED])
            times = _times(infos)
        for key, group in _by_stage(ends).items():
            stage_of(*key).add(group, is_plain=is_plain)
        if infos:
            self._add_times(infos, times)

    def _plain_times(self, ends: Sequence[TaskEnd], infos: Sequence[TaskInfo]) -> _Times | None:
        """Return the times if all these succeeded, were measured and timed and are seen first.

        They are then marked as seen. Nearly all batches are so plain, and then nothing need be
        asked of any single spark task.
        """
        if any([end.reason.name != SUCCESS or end.metrics is None for end in ends]):
            return None
        try:
            task_ids = np.array([info.task_id for info in infos], dtype=np.int64)
            times = _times(infos)
        except OverflowError:
            return None
        self._make_room(int(task_ids.max()))
        is_timed = times.launches_ms.min() > 0 and times.finishes_ms.max() <= LATEST_MS
        if not is_timed or (times.finishes_ms < times.launches_ms).any():
            return None
        if task_ids.min() < 0 or task_ids.max() >= len(self._seen):
            return None
        if (self._seen[task_ids] & _ENDED).any() or _has_twins(task_ids):
            return None
        self._seen[task_ids] |= _ENDED
        return times

    def _make_room(self, highest: int) -> None:
        if len(self._seen) <= highest <= MAX_TASK_ID:
            more = np.zeros(max(highest + 1 - len(self._seen), len(self._seen)), dtype=np.uint8)
            self._seen = np.concatenate([self._seen, more])

    def _is_new(self, end: TaskEnd) -> bool:
        """Say whether this end was not seen before, and mark it.

        Spark ends an attempt a second time, as resubmitted, when its output was lost later: that
        is an event of its own and no duplicate.
        """
        task_id = end.info.task_id
        self._make_room(task_id)
        if not 0 <= task_id < len(self._seen):
            return True
        mark = _RESUBMITTED if end.reason.name == RESUBMITTED else _ENDED
        is_new = not self._seen[task_id] & mark
        self.duplicate_count += not is_new
        self._seen[task_id] |= mark
        return is_new

    def _add_times(self, infos: Sequence[TaskInfo], times: _Times) -> None:
        launches_ms, finishes_ms = times
        self.busy.add(launches_ms, finishes_ms)
        self.use.add(infos, launches_ms, finishes_ms - launches_ms)
        earliest_ms, latest_ms = int(launches_ms.min()), int(finishes_ms.max())
        if self.earliest_ms is None or earliest_ms < self.earliest_ms:
            self.earliest_ms = earliest_ms
        self.latest_ms = max(latest_ms, self.latest_ms or 0)


def _times(infos: Sequence[TaskInfo]) -> _Times:
    """Return the columns of times; an OverflowError where a time is absurd."""
    return _Times(
        np.array([info.launch_ms for info in infos], dtype=np.int64),
        np.array([info.finish_ms for info in infos], dtype=np.int64),
    )


def _has_twins(task_ids: Ints) -> bool:
    """Say whether any ID is there twice; IDs of one batch lie close together, so count them."""
    lowest = task_ids.min()
    if task_ids.max() - lowest > _COUNTABLE:
        return len(np.unique(task_ids)) < len(task_ids)
    return bool(np.bincount(task_ids - lowest).max() > 1)


def _by_stage(ends: Sequence[TaskEnd]) -> dict[tuple[int, int], list[TaskEnd]]:
    groups: dict[tuple[int, int], list[TaskEnd]] = {}
    for end in ends:
        key = (end.stage_id, end.attempt_id)
        if (group := groups.get(key)) is None:
            group = groups[key] = []
        group.append(end)
    return groups

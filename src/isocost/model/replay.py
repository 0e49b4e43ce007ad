"""A replay plan and a cluster's slots in, the runtime out: list scheduling in DAG order.

Spark's default scheduler is what is replayed: a free slot takes the next spark task of the ready
stage that comes first in FIFO order (spark job, then stage); of several free slots, the one that
has been free for longest. Durations are those of `waves`, or of any other `SpeaksOfTime`; what
changes them on another cluster is the business of `growth`.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from heapq import heapify, heappop, heappush, heapreplace
from itertools import groupby
from math import isfinite
from operator import attrgetter
from typing import Final, Protocol

from isocost.errors import InternalError
from isocost.model.plan import PlannedStage, ReplayPlan, Stay
from isocost.model.waves import durations_on

# Kinds of event. At the same instant a spark task ends before its executor leaves, and slots open
# before a stage asks for them.
_ENDED: Final = 0
_CLOSED: Final = 1
_OPENED: Final = 2
_SUBMITTED: Final = 3
_NO_STAGE: Final = -1
_FROM_S: Final = attrgetter("from_s")
_NO_SLOT: Final = -1


class Warmth(IntEnum):
    """What an executor had run to its end before a spark task was launched on it."""

    SETTLED = 0  # a spark task of the same stage
    WARM = 1  # only spark tasks of other stages
    COLD = 2  # nothing: it has just started


# Members of an enumeration are slow to look up, and are wanted for every spark task.
_SETTLED: Final = Warmth.SETTLED
_WARM: Final = Warmth.WARM


class SpeaksOfTime(Protocol):
    """Says how long a spark task takes. `TaskTimes` is given durations; `warmth` has a law."""

    def duration_s(self, stage: int, launched: int, warmth: Warmth) -> float:
        """Return seconds, at least 0.

        Args:
            stage: position in `ReplayPlan.stages`.
            launched: how many spark tasks of the stage were launched before this one.
            warmth: what its executor had run before.
        """

    def settled_s(self, stage: int) -> Sequence[float]:
        """Return by launch order what `duration_s` says of settled executors."""


@dataclass(frozen=True, slots=True)
class TaskTimes:
    """Durations by stage and launch order, whatever the executor."""

    task_s: tuple[Sequence[float], ...]

    def duration_s(self, stage: int, launched: int, warmth: Warmth) -> float:
        """Return the duration given."""
        return self.task_s[stage][launched]

    def settled_s(self, stage: int) -> Sequence[float]:
        """Return the durations given."""
        return self.task_s[stage]


@dataclass(frozen=True, slots=True)
class ReplayTrace:
    """What a replay tells.

    Attributes:
        runtime_s: of the application.
        warmths: by stage, in launch order: what each spark task's executor had run before.
    """

    runtime_s: float
    warmths: tuple[tuple[Warmth, ...], ...]


@dataclass(frozen=True, slots=True)
class Slots:
    """Where spark tasks can run.

    Attributes:
        stays: for each slot, from when to when it is there; those of one executor follow each
            other.
        count: how many spark tasks can run at once, at most.
        per_executor: slots of one executor.
    """

    stays: tuple[Stay, ...]
    count: int
    per_executor: int = 1


def observed_slots(plan: ReplayPlan) -> Slots:
    """Return the slots the application really had, coming and going with their executors."""
    stays = plan.executors or (Stay(0.0, float("inf")),)
    each = plan.slots_per_executor
    slots = tuple(stay for stay in stays for _ in range(each))
    return Slots(slots, plan.observed_slot_count, each)


def slots_for(plan: ReplayPlan, executor_count: int, slots_per_executor: int) -> Slots:
    """Return the slots of another cluster, whose executors register as the observed ones did.

    They are spread over the observed times of registration, whatever their number, and stay.
    Executors that came to replace others tell nothing about how a cluster starts.
    """
    added_s = [stay.from_s for stay in plan.executors[: plan.executor_count_peak]] or [0.0]
    times_s = [added_s[n * len(added_s) // executor_count] for n in range(executor_count)]
    stays = tuple(Stay(t, float("inf")) for t in times_s for _ in range(slots_per_executor))
    return Slots(stays, len(stays), slots_per_executor)


def replay(plan: ReplayPlan, slots: Slots, *, has_waves: bool = True) -> float:
    """Return the application's runtime in seconds on these slots, at least one.

    Args:
        plan: the application.
        slots: where it runs; one of them at least must stay to the end.
        has_waves: scale spark tasks that move into or out of a first wave; see `waves`.

    Raises:
        InternalError: if not every stage came to its end.
    """
    task_s = _durations(plan, slots, has_waves=has_waves)
    return replay_with(plan, slots, TaskTimes(tuple(task_s))).runtime_s


def replay_with(plan: ReplayPlan, slots: Slots, times: SpeaksOfTime) -> ReplayTrace:
    """Return the runtime on these slots with these durations, and how warm each slot was.

    Raises:
        InternalError: if not every stage came to its end.
    """
    return _Replay(plan, slots, times).run()


def work_s(plan: ReplayPlan, slots: Slots) -> float:
    """Return the seconds that all spark tasks take together on these slots."""
    return sum(map(sum, _durations(plan, slots, has_waves=True)))


def _durations(plan: ReplayPlan, slots: Slots, *, has_waves: bool) -> list[Sequence[float]]:
    if not has_waves:
        return [stage.task_s for stage in plan.stages]
    observed = plan.observed_slot_count
    return [
        durations_on(stage.task_s, observed, slots.count, factor=stage.first_wave_factor)
        for stage in plan.stages
    ]


def _by_slot(slots: Slots) -> list[set[int]]:
    """Return by slot the stages of which a spark task has ended on its executor: none so far."""
    executors = range(0, len(slots.stays), slots.per_executor)
    by_executor: list[set[int]] = [set() for _ in executors]
    return [by_executor[slot // slots.per_executor] for slot in range(len(slots.stays))]


def _opened_together(slots: Slots) -> list[range]:
    """Return the slots in their order, those that follow each other and open at once together."""
    found, begin = [], 0
    for _, together in groupby(slots.stays, key=_FROM_S):
        end = begin + sum(1 for _ in together)
        found.append(range(begin, end))
        begin = end
    return found


def _has_company(events: Sequence[tuple[float, int, int, int]]) -> bool:
    """Whether anything else happens at the instant of the first event of a heap."""
    now_s, count = events[0][0], len(events)
    return (count > 1 and events[1][0] <= now_s) or (count > 2 and events[2][0] <= now_s)


class _Replay:
    """One run of the list scheduler; events are (time, kind, stage position, slot)."""

    def __init__(self, plan: ReplayPlan, slots: Slots, times: SpeaksOfTime) -> None:
        self._plan = plan
        self._times = times
        count = len(plan.stages)
        self._task_counts = [len(stage.task_s) for stage in plan.stages]
        self._children: list[list[int]] = [[] for _ in range(count)]
        self._waiting_parents = [len(stage.parents) for stage in plan.stages]
        self._warmths: list[list[Warmth]] = [[] for _ in range(count)]  # of what was launched
        self._running = [0] * count
        self._is_done = [False] * count  # by completion rank
        self._done_prefix = 0
        self._free: deque[int] = deque()
        self._ended_stages = _by_slot(slots)
        self._leaving_slots = 0
        self._last_s = 0.0
        self._opened = _opened_together(slots)
        self._events = [
            (slots.stays[opened[0]].from_s, _OPENED, place, opened[0])
            for place, opened in enumerate(self._opened)
        ]
        leaving = [stay.until_s for stay in slots.stays if isfinite(stay.until_s)]
        self._leaving_at_s = frozenset(leaving)
        self._events += [(until_s, _CLOSED, _NO_STAGE, _NO_SLOT) for until_s in leaving]
        self._ready: list[tuple[tuple[int, int], int]] = []
        self._awaiting_prefix: list[tuple[int, int]] = []
        heapify(self._events)
        for position, stage in enumerate(plan.stages):
            self._enlist(position, stage)

    def _enlist(self, position: int, stage: PlannedStage) -> None:
        for parent in stage.parents:
            self._children[parent].append(position)
        if stage.completed_before:
            heappush(self._awaiting_prefix, (stage.completed_before, position))
        elif not stage.parents:
            self._submit(position, 0.0)

    def run(self) -> ReplayTrace:
        """Work through the events; returns what they tell."""
        while self._events:
            if self._ready and not self._free:
                self._relay()
            now_s, kind, position, slot = heappop(self._events)
            self._take(kind, position, (now_s, slot))
            if not self._events or self._events[0][0] > now_s:  # all of this instant is known
                self._launch(now_s)
        if not all(self._is_done):
            raise InternalError(
                f"The replay left {self._is_done.count(False)} of {len(self._is_done)} stages "
                "undone. Please report this with the event log."
            )
        return ReplayTrace(self._last_s + self._plan.tail_s, tuple(map(tuple, self._warmths)))

    def _relay(self) -> None:
        """Let spark tasks follow each other on their slots, as long as nothing else happens.

        There must be a ready stage and no free slot. Most events are of this kind by far, so they
        are worth a loop of their own, which does what `_take` and `_launch` would, in their order;
        but what is submitted at the very instant at which a slot becomes free comes too late for
        it.
        """
        events, running, leaving_at_s = self._events, self._running, self._leaving_at_s
        if self._leaving_slots:
            return
        follower = self._ready[0][1]
        warmths, ended_stages = self._warmths[follower], self._ended_stages
        settled_s = self._times.settled_s(follower)
        launched = len(warmths)
        while launched < self._task_counts[follower] - 1:
            now_s, kind, position, slot = events[0]
            if kind != _ENDED or now_s in leaving_at_s:
                return
            ended = ended_stages[slot]
            if position == follower:
                ended.add(follower)
                warmth, takes_s = _SETTLED, settled_s[launched]
            else:
                if _has_company(events) or self._is_last(position):
                    return
                ended.add(position)
                warmth = _SETTLED if follower in ended else _WARM
                takes_s = self._times.duration_s(follower, launched, warmth)
                running[position] -= 1
                running[follower] += 1
            heapreplace(events, (now_s + takes_s, _ENDED, follower, slot))
            warmths.append(warmth)
            launched += 1

    def _is_last(self, position: int) -> bool:
        """Whether the only spark task of a stage that runs is also the last to be launched."""
        is_all_launched = len(self._warmths[position]) == self._task_counts[position]
        return is_all_launched and self._running[position] == 1

    def _take(self, kind: int, position: int, happened: tuple[float, int]) -> None:
        now_s, slot = happened
        if kind == _ENDED:
            self._free_slot(slot)
            self._ended_stages[slot].add(position)
            self._end_spark_task(position, now_s)
        elif kind == _OPENED:
            self._open_slots(self._opened[position])
        elif kind == _CLOSED:
            self._close_slot()
        elif self._task_counts[position]:
            heappush(self._ready, (self._plan.stages[position].priority, position))
        else:
            self._complete(position, now_s)

    def _open_slots(self, opened: range) -> None:
        if not self._leaving_slots:
            self._free.extend(opened)
            return
        for slot in opened:
            self._free_slot(slot)

    def _free_slot(self, slot: int) -> None:
        if self._leaving_slots:
            self._leaving_slots -= 1
        else:
            self._free.append(slot)

    def _close_slot(self) -> None:
        """Take a free slot away, or the next that becomes free: running spark tasks may end."""
        if self._free:
            self._free.popleft()
        else:
            self._leaving_slots += 1

    def _submit(self, position: int, now_s: float) -> None:
        at_s = now_s + self._plan.stages[position].lag_s
        heappush(self._events, (at_s, _SUBMITTED, position, _NO_SLOT))

    def _launch(self, now_s: float) -> None:
        """Give free slots to ready stages in FIFO order."""
        while self._free and self._ready:
            position, slot = self._ready[0][1], self._free.popleft()
            warmths, ended = self._warmths[position], self._ended_stages[slot]
            warmth = Warmth.SETTLED if position in ended else Warmth.WARM if ended else Warmth.COLD
            ends_s = now_s + self._times.duration_s(position, len(warmths), warmth)
            heappush(self._events, (ends_s, _ENDED, position, slot))
            warmths.append(warmth)
            self._running[position] += 1
            if len(warmths) == self._task_counts[position]:
                heappop(self._ready)

    def _end_spark_task(self, position: int, now_s: float) -> None:
        self._running[position] -= 1
        is_last = len(self._warmths[position]) == self._task_counts[position]
        if is_last and not self._running[position]:
            self._complete(position, now_s)

    def _complete(self, position: int, now_s: float) -> None:
        self._last_s = max(self._last_s, now_s)
        for child in self._children[position]:
            self._waiting_parents[child] -= 1
            if not self._waiting_parents[child]:
                self._submit(child, now_s)
        self._is_done[self._plan.completion_rank[position]] = True
        self._release_prefix(now_s)

    def _release_prefix(self, now_s: float) -> None:
        """Submit the stages whose driver has now seen everything it had seen before."""
        done = self._is_done
        while self._done_prefix < len(done) and done[self._done_prefix]:
            self._done_prefix += 1
        while self._awaiting_prefix and self._awaiting_prefix[0][0] <= self._done_prefix:
            self._submit(heappop(self._awaiting_prefix)[1], now_s)

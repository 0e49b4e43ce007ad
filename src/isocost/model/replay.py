"""A replay plan and a cluster's slots in, the runtime out: list scheduling in DAG order.

Spark's default scheduler is what is replayed: a free slot takes the next spark task of the ready
stage that comes first in FIFO order (spark job, then stage). Durations are those of `waves`; what
else changes them on another cluster is the business of `growth`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import isfinite
from typing import Final

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


@dataclass(frozen=True, slots=True)
class Slots:
    """Where spark tasks can run.

    Attributes:
        stays: for each slot, from when to when it is there.
        count: how many spark tasks can run at once, at most.
    """

    stays: tuple[Stay, ...]
    count: int


def observed_slots(plan: ReplayPlan) -> Slots:
    """Return the slots the application really had, coming and going with their executors."""
    stays = plan.executors or (Stay(0.0, float("inf")),)
    each = plan.slots_per_executor
    return Slots(tuple(stay for stay in stays for _ in range(each)), plan.observed_slot_count)


def slots_for(plan: ReplayPlan, executor_count: int, slots_per_executor: int) -> Slots:
    """Return the slots of another cluster, whose executors register as the observed ones did.

    They are spread over the observed times of registration, whatever their number, and stay.
    Executors that came to replace others tell nothing about how a cluster starts.
    """
    added_s = [stay.from_s for stay in plan.executors[: plan.executor_count_peak]] or [0.0]
    times_s = [added_s[n * len(added_s) // executor_count] for n in range(executor_count)]
    stays = tuple(Stay(t, float("inf")) for t in times_s for _ in range(slots_per_executor))
    return Slots(stays, len(stays))


def replay(plan: ReplayPlan, slots: Slots, *, has_waves: bool = True) -> float:
    """Return the application's runtime in seconds on these slots, at least one.

    Args:
        plan: the application.
        slots: where it runs; one of them at least must stay to the end.
        has_waves: scale spark tasks that move into or out of a first wave; see `waves`.

    Raises:
        InternalError: if not every stage came to its end.
    """
    return _Replay(plan, slots, has_waves=has_waves).run()


def work_s(plan: ReplayPlan, slots: Slots) -> float:
    """Return the seconds that all spark tasks take together on these slots."""
    return sum(sum(task_s) for task_s in _durations(plan, slots, has_waves=True))


def _durations(plan: ReplayPlan, slots: Slots, *, has_waves: bool) -> list[Sequence[float]]:
    if not has_waves:
        return [stage.task_s for stage in plan.stages]
    observed = plan.observed_slot_count
    return [
        durations_on(stage.task_s, observed, slots.count, factor=stage.first_wave_factor)
        for stage in plan.stages
    ]


class _Replay:
    """One run of the list scheduler; events are (time, kind, stage position)."""

    def __init__(self, plan: ReplayPlan, slots: Slots, *, has_waves: bool) -> None:
        self._plan = plan
        self._task_s = _durations(plan, slots, has_waves=has_waves)
        count = len(plan.stages)
        self._children: list[list[int]] = [[] for _ in range(count)]
        self._waiting_parents = [len(stage.parents) for stage in plan.stages]
        self._launched = [0] * count
        self._running = [0] * count
        self._is_done = [False] * count  # by completion rank
        self._done_prefix = 0
        self._free_slots = 0
        self._leaving_slots = 0
        self._last_s = 0.0
        self._events = [(stay.from_s, _OPENED, _NO_STAGE) for stay in slots.stays]
        leaving = (stay.until_s for stay in slots.stays if isfinite(stay.until_s))
        self._events += [(until_s, _CLOSED, _NO_STAGE) for until_s in leaving]
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

    def run(self) -> float:
        """Work through the events; returns the runtime."""
        while self._events:
            now_s, kind, position = heappop(self._events)
            self._take(kind, position, now_s)
            if not self._events or self._events[0][0] > now_s:  # all of this instant is known
                self._launch(now_s)
        if not all(self._is_done):
            raise InternalError(
                f"The replay left {self._is_done.count(False)} of {len(self._is_done)} stages "
                "undone. Please report this with the event log."
            )
        return self._last_s + self._plan.tail_s

    def _take(self, kind: int, position: int, now_s: float) -> None:
        if kind == _ENDED:
            self._free_slot()
            self._end_spark_task(position, now_s)
        elif kind == _OPENED:
            self._free_slot()
        elif kind == _CLOSED:
            self._close_slot()
        elif self._task_s[position]:
            heappush(self._ready, (self._plan.stages[position].priority, position))
        else:
            self._complete(position, now_s)

    def _free_slot(self) -> None:
        if self._leaving_slots:
            self._leaving_slots -= 1
        else:
            self._free_slots += 1

    def _close_slot(self) -> None:
        """Take a free slot away, or the next that becomes free: running spark tasks may end."""
        if self._free_slots:
            self._free_slots -= 1
        else:
            self._leaving_slots += 1

    def _submit(self, position: int, now_s: float) -> None:
        heappush(self._events, (now_s + self._plan.stages[position].lag_s, _SUBMITTED, position))

    def _launch(self, now_s: float) -> None:
        """Give free slots to ready stages in FIFO order."""
        while self._free_slots and self._ready:
            position = self._ready[0][1]
            task_s = self._task_s[position]
            ends_s = now_s + task_s[self._launched[position]]
            heappush(self._events, (ends_s, _ENDED, position))
            self._launched[position] += 1
            self._running[position] += 1
            self._free_slots -= 1
            if self._launched[position] == len(task_s):
                heappop(self._ready)

    def _end_spark_task(self, position: int, now_s: float) -> None:
        self._running[position] -= 1
        is_last = self._launched[position] == len(self._task_s[position])
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

"""A replay plan and a cluster's slots in, the runtime out: list scheduling in DAG order.

Spark's default scheduler is what is replayed: a free slot takes the next spark task of the ready
stage that comes first in FIFO order (spark job, then stage). Durations are those of `waves`; what
else changes them on another cluster is the business of `growth`.
"""

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Final

from isocost.model.plan import PlannedStage, ReplayPlan
from isocost.model.waves import durations_on

# Kinds of event; a slot that opens at the same instant as a stage is submitted is there for it.
_SLOT: Final = -1
_STAGE: Final = 0


@dataclass(frozen=True, slots=True)
class Slots:
    """Where spark tasks can run.

    Attributes:
        available_s: for each slot, when it opens, seconds after the application's start.
    """

    available_s: tuple[float, ...]

    @property
    def count(self) -> int:
        """How many spark tasks can run at once."""
        return len(self.available_s)


def observed_slots(plan: ReplayPlan) -> Slots:
    """Return the slots the application really had."""
    return slots_for(plan, len(plan.executor_added_s) or 1, plan.slots_per_executor)


def slots_for(plan: ReplayPlan, executor_count: int, slots_per_executor: int) -> Slots:
    """Return the slots of another cluster, whose executors register as the observed ones did.

    Executors beyond the observed number register with the last of them.
    """
    added = plan.executor_added_s or (0.0,)
    times = [added[min(n, len(added) - 1)] for n in range(executor_count)]
    return Slots(tuple(t for t in times for _ in range(slots_per_executor)))


def slots_for_cores(plan: ReplayPlan, slot_count: int) -> Slots:
    """Return `slot_count` slots whose executors register as the observed ones did."""
    observed = observed_slots(plan).available_s
    return Slots(tuple(observed[min(n, len(observed) - 1)] for n in range(slot_count)))


def replay(plan: ReplayPlan, slots: Slots) -> float:
    """Return the application's runtime in seconds on these slots, at least one."""
    return _Replay(plan, slots).run()


class _Replay:
    """One run of the list scheduler; events are (time, kind, stage position)."""

    def __init__(self, plan: ReplayPlan, slots: Slots) -> None:
        self._plan = plan
        self._task_s = [
            durations_on(
                stage.task_s,
                plan.observed_slot_count,
                slots.count,
                factor=stage.first_wave_factor,
            )
            for stage in plan.stages
        ]
        count = len(plan.stages)
        self._children: list[list[int]] = [[] for _ in range(count)]
        self._waiting_parents = [len(stage.parents) for stage in plan.stages]
        self._launched = [0] * count
        self._running = [0] * count
        self._is_done = [False] * count  # by completion rank
        self._done_prefix = 0
        self._free_slots = 0
        self._events = [(available_s, _SLOT, _SLOT) for available_s in slots.available_s]
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
        last_s = 0.0
        while self._events:
            now_s, kind, position = heappop(self._events)
            if kind == _STAGE:
                heappush(self._ready, (self._plan.stages[position].priority, position))
            else:
                self._free_slots += 1
                if position != _SLOT:
                    last_s = now_s
                    self._end_spark_task(position, now_s)
            self._launch(now_s)
        return last_s + self._plan.tail_s

    def _submit(self, position: int, now_s: float) -> None:
        heappush(self._events, (now_s + self._plan.stages[position].lag_s, _STAGE, position))

    def _launch(self, now_s: float) -> None:
        """Give free slots to ready stages in FIFO order."""
        while self._free_slots and self._ready:
            position = self._ready[0][1]
            task_s = self._task_s[position]
            ends_s = now_s + task_s[self._launched[position]]
            heappush(self._events, (ends_s, _SLOT, position))
            self._launched[position] += 1
            self._running[position] += 1
            self._free_slots -= 1
            if self._launched[position] == len(task_s):
                heappop(self._ready)

    def _end_spark_task(self, position: int, now_s: float) -> None:
        self._running[position] -= 1
        is_last = self._launched[position] == len(self._task_s[position])
        if self._running[position] or not is_last:
            return
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

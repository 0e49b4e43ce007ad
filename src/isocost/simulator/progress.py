"""Where one stage stands while a run goes on: what waits, what is done and where that lies."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from isocost.simulator.machines import Machine
from isocost.simulator.physics import StageLoad, Surroundings, Timing, timing
from isocost.simulator.run import StageAttempt
from isocost.simulator.workload import SimulatedStage

NOWHERE = -1


class StageState(Enum):
    """Where a stage stands."""

    WAITING = "waiting"
    ACTIVE = "active"
    DONE = "done"


@dataclass(slots=True)
class StageProgress:
    """A stage over all its attempts.

    Attributes:
        position: among all stages; FIFO serves lower ones first.
        announced_count: spark tasks that the attempt was submitted with.
        pending: indexes that wait for a slot.
        lies_on: per index the node that holds its output, or NOWHERE.
        made_in: per index the row that made its output last.
        running: rows of spark tasks that run.
        known_slots: how often the stage's code has run on each slot.
        pace: per index, how much longer than computed it takes today.
    """

    stage: SimulatedStage
    position: int
    pace: list[float]
    state: StageState = StageState.WAITING
    attempt_id: int = 0
    submitted_s: float = 0.0
    announced_count: int = 0
    pending: deque[int] = field(default_factory=deque)
    lies_on: list[int] = field(default_factory=list)
    made_in: list[int] = field(default_factory=list)
    done_count: int = 0
    running: set[int] = field(default_factory=set)
    known_slots: dict[int, int] = field(default_factory=dict)
    failures: dict[int, int] = field(default_factory=dict)
    load: StageLoad | None = None
    attempts: list[StageAttempt] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lies_on = [NOWHERE] * self.stage.spark_task_count
        self.made_in = [NOWHERE] * self.stage.spark_task_count

    def submit(self, now_s: float, load: StageLoad) -> None:
        """Begin an attempt with all spark tasks whose output is nowhere."""
        self.state, self.submitted_s, self.load = StageState.ACTIVE, now_s, load
        self.pending = deque(n for n, node in enumerate(self.lies_on) if node == NOWHERE)
        self.announced_count = len(self.pending)

    def end_attempt(self, now_s: float, failure: str | None = None) -> None:
        """Close the attempt; one that failed waits to be submitted again."""
        self.attempts.append(
            StageAttempt(
                self.stage.stage_id,
                self.attempt_id,
                self.announced_count,
                self.submitted_s,
                now_s,
                first_row=0,
                row_count=0,
                failure=failure,
            )
        )
        self.state = StageState.WAITING if failure else StageState.DONE
        if failure:
            self.attempt_id += 1

    def succeed(self, index: int, node: int, row: int) -> None:
        """Note where an output lies and which row made it."""
        if self.lies_on[index] == NOWHERE:
            self.done_count += 1
        self.lies_on[index], self.made_in[index] = node, row

    def lose(self, node: int) -> list[int]:
        """Forget what lay on a node; returns the indexes."""
        lost = [index for index, place in enumerate(self.lies_on) if place == node]
        for index in lost:
            self.lies_on[index] = NOWHERE
        self.done_count -= len(lost)
        return lost

    def reopen(self) -> None:
        """Wait for another attempt, after outputs of a finished one were lost."""
        self.state = StageState.WAITING
        self.attempt_id += 1

    @property
    def is_finished(self) -> bool:
        """Whether every output lies somewhere."""
        return self.done_count == self.stage.spark_task_count


class TimingTable:
    """Timings by a stage attempt's load and its surroundings, each computed once.

    Attributes:
        timings: in order of their number.
        run_s, warm_up_s, is_out_of_memory: of each timing, as lists.
    """

    def __init__(self, machine: Machine, executors_per_node: int) -> None:
        self.timings: list[Timing] = []
        self.run_s: list[list[float]] = []
        self.warm_up_s: list[list[float]] = []
        self.is_out_of_memory: list[list[bool]] = []
        self._machine = machine
        self._executors_per_node = executors_per_node
        self._loads: list[StageLoad] = []
        self._numbers: dict[tuple[int, int, int], int] = {}

    def number(self, load: StageLoad, busy_count: int, node_count: int) -> int:
        """Return the number of the timing with so many busy slots on a node, and such nodes."""
        # Loads are kept, so that the identity of each stays its own.
        key = (id(load), busy_count, node_count)
        known = self._numbers.get(key)
        if known is None:
            self._loads.append(load)
            known = self._numbers[key] = self._add(load, busy_count, node_count)
        return known

    def _add(self, load: StageLoad, busy_count: int, node_count: int) -> int:
        executor_count = node_count * self._executors_per_node
        around = Surroundings(self._machine, busy_count, executor_count, node_count)
        found = timing(load, around)
        self.timings.append(found)
        self.run_s.append(found.run_s.tolist())
        self.warm_up_s.append(found.warm_up_s.tolist())
        self.is_out_of_memory.append(found.is_out_of_memory.tolist())
        return len(self.timings) - 1

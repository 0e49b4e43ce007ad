"""A project's runs in, a model of its runtime on any cluster shape out.

A candidate is replayed from the run whose slots are nearest to its own, since the shorter the
step, the less the replay has to assume; among equals from each, and their logarithms averaged.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from math import hypot, inf, log
from statistics import fmean
from typing import Final

import numpy as np

from isocost.errors import InvalidInput
from isocost.model.growth import MEASURED_LAW, Floats, LogStudentT, Step, learn_growth
from isocost.model.plan import ReplayPlan
from isocost.model.replay import observed_slots, replay, slots_for, work_s
from isocost.model.warmth import ScalableApplication

# A replay of the very cluster that ran has nothing to predict, so an error above this says that
# the log or the application breaks the replay's assumptions, and that advice would be a guess.
MAX_REPLAY_ERROR_FRACTION: Final = 0.25
# Below what Spark's clock tells apart: an application that did nothing measurable.
SHORTEST_S: Final = 0.001
# How a log is read on other executors: first waves changed, nothing changed, by the law of growth.
_IN_WAVES: Final = "in waves"
_UNCHANGED: Final = "unchanged"
_GROWN: Final = "grown"
_WORKED: Final = "worked"
# Executors, slots of each, and the reading.
_Asked = tuple[int, int, str]
_AS_IT_RAN: Final[_Asked] = (0, 0, "as it ran")
# Logs whose replays are remembered, some kilobytes each: three for each of some hundred clusters.
_KNOWN_LOGS: Final = 512
_Fingerprint = tuple[int, int, float]


@lru_cache(maxsize=_KNOWN_LOGS)
def _known_of(fingerprint: _Fingerprint) -> dict[_Asked, float]:
    """Return what the replays of a plan have said so far; the same one for the same plan.

    A log is asked the same after every run while it is among the newest; to replay it again would
    be most of the time that a recommendation takes. Replays depend on nothing but the plan, which
    is not kept itself: it has a number for every spark task.
    """
    del fingerprint
    return {}


def _fingerprint(plan: ReplayPlan) -> _Fingerprint:
    """Return what tells a plan from others: two that differ agree once in 10^19 at most."""
    return hash(plan), sum(len(stage.task_s) for stage in plan.stages), plan.tail_s


@lru_cache(maxsize=1)
def _application(plan: ReplayPlan) -> ScalableApplication:
    """Return the application taken apart; kept while one log is replayed again and again."""
    return ScalableApplication(plan, MEASURED_LAW)


@dataclass(frozen=True, slots=True)
class ClusterShape:
    """A cluster as spark tasks see it; memory is per executor."""

    executor_count: int
    slots_per_executor: int
    memory_gib: float

    @property
    def slot_count(self) -> int:
        """How many spark tasks run at once."""
        return self.executor_count * self.slots_per_executor


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one run says of another cluster.

    Attributes:
        log_s: logarithm of the runtime in seconds.
        features: (3,), what the step means for spark task times; see `growth`.
        log_sd: how far the replay itself may be off, as a standard deviation of the logarithm.
    """

    log_s: float
    features: Floats
    log_sd: float


@dataclass(frozen=True, slots=True)
class ObservedRun:
    """One run the model learns from.

    Attributes:
        driver_s: time in which no stage ran.
        replayed_s: what the replay says of the cluster that really ran.
        own_shape_s: what it says of this run's shape, none of whose executors leave.
    """

    run_id: str
    shape: ClusterShape
    plan: ReplayPlan
    runtime_s: float
    driver_s: float
    replayed_s: float = field(init=False)
    own_shape_s: float = field(init=False)
    _known_s: dict[_Asked, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.runtime_s < inf:
            raise InvalidInput(
                f"Run {self.run_id} has a runtime of {self.runtime_s} s; a runtime is above 0. "
                "Remove the run, or ingest its event log again."
            )
        # A frozen value may finish itself: both are asked for with every candidate.
        object.__setattr__(self, "_known_s", _known_of(_fingerprint(self.plan)))
        object.__setattr__(self, "replayed_s", self._known(_AS_IT_RAN, self._own_s))
        object.__setattr__(self, "own_shape_s", self._replay(self.shape))

    @property
    def slot_count(self) -> int:
        """How many spark tasks the run's cluster runs at once."""
        return self.shape.slot_count

    @property
    def busy_share(self) -> float:
        """Part of the runtime in which spark tasks ran."""
        return min(1.0, max(0.0, 1.0 - self.driver_s / self.runtime_s))

    @property
    def replay_error_fraction(self) -> float:
        """How far the replay is off, as a fraction of the runtime."""
        return abs(self.replayed_s / self.runtime_s - 1.0)

    def replay_on(self, shape: ClusterShape) -> Replayed:
        """Return what this run says of another shape: its runtime, changed as its replay changes.

        Scaling by the replay of the run's own shape makes the model exact where it has seen the
        answer, and cancels whatever the replay leaves out of both clusters alike.

        The way to the shape goes over as many executors of the run's own size, whose spark tasks
        change by the law of `growth`, and from there to the size of executor asked for.

        A step in slots may be off by as much as the replay of the observed cluster is, and by what
        cannot be told apart in one log: a slow first wave is either warming up, which moves with
        the slots, or has the larger partitions, which do not. Half the difference between the two
        readings counts as a standard deviation.
        """
        features = self._features_of(shape)
        between = replace(shape, slots_per_executor=self.shape.slots_per_executor)
        log_s = log(self.runtime_s) + self._log_of_executors(between)
        if shape.slot_count == self.shape.slot_count and shape == between:
            return Replayed(log_s, features, 0.0)
        log_slots = log(self._replay(shape) / self._replay(between))
        flat_s = [self._replay(s, has_waves=False) for s in (shape, between)]
        error = log(self.replayed_s / self.runtime_s)
        log_sd = hypot(error, (log_slots - log(flat_s[0] / flat_s[1])) / 2)
        return Replayed(log_s + log_slots, features, log_sd)

    def _log_of_executors(self, shape: ClusterShape) -> float:
        """Return by how much the logarithm of the runtime changes with the executors alone."""
        if shape.executor_count == self.shape.executor_count:
            return 0.0
        each = shape.slots_per_executor
        seconds = [
            self._known((count, each, _GROWN), partial(self._grown_s, count, each))
            for count in (shape.executor_count, self.shape.executor_count)
        ]
        return log(max(seconds[0], SHORTEST_S) / max(seconds[1], SHORTEST_S))

    def _grown_s(self, executor_count: int, slots_per_executor: int) -> float:
        slots = slots_for(self.plan, executor_count, slots_per_executor)
        return _application(self.plan).runtime_s(slots, executor_count)

    def _own_s(self) -> float:
        return replay(self.plan, observed_slots(self.plan))

    def _replay(self, shape: ClusterShape, *, has_waves: bool = True) -> float:
        count, each = shape.executor_count, shape.slots_per_executor
        reading = _IN_WAVES if has_waves else _UNCHANGED
        replayed = partial(self._replayed_s, count, each, has_waves=has_waves)
        return max(self._known((count, each, reading), replayed), SHORTEST_S)

    def _replayed_s(
        self, executor_count: int, slots_per_executor: int, *, has_waves: bool
    ) -> float:
        slots = slots_for(self.plan, executor_count, slots_per_executor)
        return replay(self.plan, slots, has_waves=has_waves)

    def _work_s(self, slot_count: int) -> float:
        return work_s(self.plan, slots_for(self.plan, 1, slot_count))

    def _known(self, asked: _Asked, compute: Callable[[], float]) -> float:
        """Return what was computed before, for most replays are asked for many times."""
        if asked not in self._known_s:
            self._known_s[asked] = compute()
        return self._known_s[asked]

    def _features_of(self, shape: ClusterShape) -> Floats:
        share, mine = self.busy_share, self.shape
        return np.array([
            share * log(self._busy_per_executor(shape) / self._busy_per_executor(mine)),
            share * log(shape.executor_count / mine.executor_count),
            log(shape.memory_gib / mine.memory_gib),
        ])

    def _busy_per_executor(self, shape: ClusterShape) -> float:
        """Return how many slots of an executor are busy on average while stages run.

        Idle ones share nothing with the others, and those of other executors are the law's.
        """
        asked = (1, shape.slot_count, _WORKED)  # by however many executors, it is the same work
        worked_s = max(self._known(asked, partial(self._work_s, shape.slot_count)), SHORTEST_S)
        driver_s = self.driver_s * self.own_shape_s / self.runtime_s
        active_s = max(self._replay(shape) - driver_s, worked_s / shape.slot_count)
        return worked_s / active_s / shape.executor_count


class RuntimeModel:
    """Predicts one project's runtime; immutable once made."""

    def __init__(self, history: Sequence[ObservedRun]) -> None:
        """Learn from runs in the order they happened.

        Runs whose own cluster cannot be replayed are left out, unless there is no other.

        Raises:
            InvalidInput: if there is none.
        """
        if not history:
            raise InvalidInput("A model needs at least one run with an event log. Run it once.")
        self._newest = history[-1]
        trusted = [r for r in history if r.replay_error_fraction <= MAX_REPLAY_ERROR_FRACTION]
        self._history = tuple(trusted or history)
        steps = [
            (nearest_step(self._history[:place], run.shape), log(run.runtime_s))
            for place, run in enumerate(self._history)
            if place
        ]
        self._growth = learn_growth(
            [step.features for step, _ in steps],
            [log_s - step.log_s for step, log_s in steps],
            [step.base_count for step, _ in steps],
        )

    @property
    def replay_error_fraction(self) -> float:
        """The replay error of the newest run: how far the model can be trusted at all."""
        return self._newest.replay_error_fraction

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The runs learned from, oldest first."""
        return tuple(run.run_id for run in self._history)

    def runtime_on(self, shape: ClusterShape) -> LogStudentT:
        """Return the runtime's distribution on a cluster of this shape, in seconds."""
        return self._growth.corrected(nearest_step(self._history, shape))


def nearest_step(history: Sequence[ObservedRun], shape: ClusterShape) -> Step:
    """Return the step to `shape`, averaged over the runs nearest in slots, then in memory."""
    distances = [_distance(run.shape, shape) for run in history]
    nearest = [run for run, d in zip(history, distances, strict=True) if d == min(distances)]
    replays = [run.replay_on(shape) for run in nearest]
    return Step(
        log_s=fmean(r.log_s for r in replays),
        features=np.mean([r.features for r in replays], axis=0),
        log_sd=fmean(r.log_sd for r in replays),
        base_count=len(replays),
    )


def _distance(a: ClusterShape, b: ClusterShape) -> tuple[float, float]:
    """Slots count first: what they change is replayed; what memory changes is only learned."""
    slots = abs(log(a.slot_count / b.slot_count))
    return slots, abs(log(a.memory_gib / b.memory_gib))

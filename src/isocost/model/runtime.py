"""A project's runs in, a model of its runtime on any cluster shape out.

A candidate is replayed from the run whose slots are nearest to its own, since the shorter the
step, the less the replay has to assume; among equals from each, and their logarithms averaged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, log
from typing import Final

import numpy as np

from isocost.errors import InvalidInput
from isocost.model.growth import Floats, LogStudentT, learn_growth
from isocost.model.plan import ReplayPlan
from isocost.model.replay import observed_slots, replay, slots_for

# A replay of the very cluster that ran has nothing to predict, so an error above this says that
# the log or the application breaks the replay's assumptions, and that advice would be a guess.
MAX_REPLAY_ERROR_FRACTION: Final = 0.25


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
class ObservedRun:
    """One run the model learns from.

    Attributes:
        driver_s: time in which no stage ran.
        replayed_s: what the replay says of the cluster that really ran.
    """

    run_id: str
    shape: ClusterShape
    plan: ReplayPlan
    runtime_s: float
    driver_s: float
    replayed_s: float = field(init=False)

    def __post_init__(self) -> None:
        if not self.runtime_s > 0:
            raise InvalidInput(
                f"Run {self.run_id} has a runtime of {self.runtime_s} s; a runtime is above 0. "
                "Remove the run, or ingest its event log again."
            )
        replayed_s = replay(self.plan, observed_slots(self.plan))
        object.__setattr__(self, "replayed_s", replayed_s)  # a frozen value may finish itself

    @property
    def replay_error_fraction(self) -> float:
        """How far that is off, as a fraction of the runtime."""
        return abs(self.replayed_s / self.runtime_s - 1.0)

    def replay_on(self, shape: ClusterShape) -> float:
        """Return the runtime on another shape: the observed one, changed as its replay changes.

        Scaling by the observed cluster's own replay error makes the model exact where it has seen
        the answer, and cancels whatever the replay leaves out of both clusters alike.
        """
        slots = slots_for(self.plan, shape.executor_count, shape.slots_per_executor)
        return replay(self.plan, slots) * self.runtime_s / self.replayed_s

    def features_of(self, shape: ClusterShape) -> Floats:
        """Return (3,): what the step from this run to `shape` means for spark task times."""
        share = min(1.0, max(0.0, 1.0 - self.driver_s / self.runtime_s))
        mine = self.shape
        return np.array([
            share * log(shape.slot_count / mine.slot_count),
            share * log(shape.executor_count / mine.executor_count),
            log(shape.memory_gib / mine.memory_gib),
        ])


class RuntimeModel:
    """Predicts one project's runtime; immutable once made."""

    def __init__(self, history: Sequence[ObservedRun]) -> None:
        """Learn from runs in the order they happened.

        Raises:
            InvalidInput: if there is none.
        """
        if not history:
            raise InvalidInput("A model needs at least one run with an event log. Run it once.")
        self._history = tuple(history)
        features = []
        log_ratios = []
        for place, run in enumerate(history[1:], start=1):
            replayed_s, step = _nearest_replay(history[:place], run.shape)
            features.append(step)
            log_ratios.append(log(run.runtime_s / replayed_s))
        self._growth = learn_growth(features, log_ratios)

    @property
    def replay_error_fraction(self) -> float:
        """The replay error of the newest run: how far the model can be trusted at all."""
        return self._history[-1].replay_error_fraction

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The runs learned from, oldest first."""
        return tuple(run.run_id for run in self._history)

    def runtime_on(self, shape: ClusterShape) -> LogStudentT:
        """Return the runtime's distribution on a cluster of this shape, in seconds."""
        replayed_s, step = _nearest_replay(self._history, shape)
        return self._growth.corrected(replayed_s, step)


def _nearest_replay(history: Sequence[ObservedRun], shape: ClusterShape) -> tuple[float, Floats]:
    """Return replayed seconds and features, averaged over the runs nearest in slots and memory."""
    distances = [_distance(run.shape, shape) for run in history]
    nearest = [run for run, d in zip(history, distances, strict=True) if d == min(distances)]
    mean_log_s = sum(log(run.replay_on(shape)) for run in nearest) / len(nearest)
    features = np.mean([run.features_of(shape) for run in nearest], axis=0)
    return exp(mean_log_s), features


def _distance(a: ClusterShape, b: ClusterShape) -> tuple[float, float]:
    """Slots count first: what they change is replayed; what memory changes is only learned."""
    slots = abs(log(a.slot_count / b.slot_count))
    return slots, abs(log(a.memory_gib / b.memory_gib))

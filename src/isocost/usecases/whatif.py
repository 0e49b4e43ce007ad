"""A run profile and core counts in, the runtime on as many cores out."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from isocost.domain.profile import RunProfile
from isocost.domain.recommendation import Interval
from isocost.errors import InvalidInput
from isocost.model.plan import ReplayPlan, plan_from_profile
from isocost.model.predict import interval_of
from isocost.model.runtime import (
    MAX_REPLAY_ERROR_FRACTION,
    ClusterShape,
    ObservedRun,
    RuntimeModel,
)

# More than any one Spark application is known to have used, and replayed within a second.
MOST_CORES: Final = 100_000
WHATIF_MASS: Final = 0.80  # of the interval given: the one that recommendations show first


@dataclass(frozen=True, slots=True)
class CorePrediction:
    """The runtime on `cores` cores: median and 80 % interval."""

    cores: int
    runtime_s: float
    interval_s: Interval


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What the log says, what its replay says, and what other core counts would do.

    Attributes:
        warning: set when the replay is too far off to trust the predictions.
    """

    observed_s: float
    replayed_s: float
    predictions: tuple[CorePrediction, ...]
    warning: str | None


def whatif(profile: RunProfile, cores: Sequence[int]) -> WhatIf:
    """Predict the runtime on each core count, memory per core unchanged.

    Raises:
        InvalidInput: if a core count is below 1, or the log holds no spark task to replay.
    """
    _check(profile, cores)
    plan = plan_from_profile(profile)
    shape = ClusterShape(plan.executor_count_peak, plan.slots_per_executor, 1.0)
    run = ObservedRun(profile.application_id, shape, plan, profile.runtime_s, profile.driver_s)
    model = RuntimeModel([run])
    predictions = tuple(
        CorePrediction(count, runtime.median, interval_of(runtime, WHATIF_MASS))
        for count in cores
        for runtime in [model.runtime_on(_shape_of_cores(count, profile, plan))]
    )
    return WhatIf(profile.runtime_s, run.replayed_s, predictions, _warning(run))


def _check(profile: RunProfile, cores: Sequence[int]) -> None:
    wrong = [count for count in cores if not 1 <= count <= MOST_CORES]
    if wrong or not cores:
        raise InvalidInput(
            f"Core counts must be from 1 to {MOST_CORES:,}; got {wrong or 'none'}. "
            "Try --cores 8,16,32."
        )
    if not any(stage.durations.count for stage in profile.stages) or not profile.runtime_s > 0:
        raise InvalidInput(
            f"Application {profile.application_id} ran no spark task that its event log tells of, "
            "so there is nothing to replay. Pass the log of a run that did work."
        )


def _shape_of_cores(cores: int, profile: RunProfile, plan: ReplayPlan) -> ClusterShape:
    """Return as many cores in executors as large as the observed ones.

    Where they do not come out even, executors become smaller and each is rounded up to a slot.
    """
    slot_count = max(1, int(cores * profile.slots_per_core))
    executor_count = ceil(slot_count / plan.slots_per_executor)
    return ClusterShape(executor_count, ceil(slot_count / executor_count), 1.0)


def _warning(run: ObservedRun) -> str | None:
    if run.replay_error_fraction <= MAX_REPLAY_ERROR_FRACTION:
        return None
    return (
        f"The replay of the observed cluster is off by {run.replay_error_fraction:.0%}, more than "
        f"{MAX_REPLAY_ERROR_FRACTION:.0%}: do not trust these predictions."
    )

"""A run profile and core counts in, the runtime on as many cores out."""

from collections.abc import Sequence
from dataclasses import dataclass

from isocost.domain.profile import RunProfile
from isocost.domain.recommendation import Interval
from isocost.errors import InvalidInput
from isocost.model.plan import plan_from_profile
from isocost.model.predict import interval_of
from isocost.model.runtime import (
    MAX_REPLAY_ERROR_FRACTION,
    ClusterShape,
    ObservedRun,
    RuntimeModel,
)

WHATIF_MASS = 0.80  # of the interval given: the one that recommendations show first


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
    shape = ClusterShape(max(1, len(plan.executor_added_s)), plan.slots_per_executor, 1.0)
    run = ObservedRun(profile.application_id, shape, plan, profile.runtime_s, profile.driver_s)
    model = RuntimeModel([run])
    predictions = tuple(_predicted(model, profile, count) for count in cores)
    return WhatIf(profile.runtime_s, run.replayed_s, predictions, _warning(run))


def _check(profile: RunProfile, cores: Sequence[int]) -> None:
    wrong = [count for count in cores if count < 1]
    if wrong or not cores:
        raise InvalidInput(
            f"Core counts must be 1 or more; got {wrong or 'none'}. Try --cores 8,16,32."
        )
    if not any(stage.durations.count for stage in profile.stages) or not profile.runtime_s > 0:
        raise InvalidInput(
            f"Application {profile.application_id} ran no spark task that its event log tells of, "
            "so there is nothing to replay. Pass the log of a run that did work."
        )


def _predicted(model: RuntimeModel, profile: RunProfile, cores: int) -> CorePrediction:
    slot_count = max(1, int(cores * profile.slots_per_core))
    runtime = model.runtime_on(ClusterShape(slot_count, 1, 1.0))
    return CorePrediction(cores, runtime.median, interval_of(runtime, WHATIF_MASS))


def _warning(run: ObservedRun) -> str | None:
    if run.replay_error_fraction <= MAX_REPLAY_ERROR_FRACTION:
        return None
    return (
        f"The replay of the observed cluster is off by {run.replay_error_fraction:.0%}, more than "
        f"{MAX_REPLAY_ERROR_FRACTION:.0%}: do not trust these predictions."
    )

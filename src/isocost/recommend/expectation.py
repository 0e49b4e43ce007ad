"""A run's forerunners in; how long it was expected to take on input as usual, out.

What is usual is what the run resembles most: a job that has had its heavy Monday before is not
surprised by the next, and the second run after a change is compared with the first.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, hypot, log
from statistics import fmean, median
from typing import Final

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.profile import Distribution
from isocost.model.epochs import epochs_of
from isocost.model.history import Ending, Observation
from isocost.model.kernels import INPUT_SLOPE_MEAN, INPUT_SLOPE_SD
from isocost.model.noise import run_sd
from isocost.model.points import points_of
from isocost.model.project import ProjectModel
from isocost.model.transfer import Learned
from isocost.recommend.next_input import OTHER_SIZE_LOG

# As many runs say what is usual: two working weeks, and the same days of the month's weeks.
RECENT_RUNS: Final = 28
# What a typical run reads is the median of a week's.
TYPICAL_RUNS: Final = 7
# Of a job whose sizes scatter more, a size is another one beyond as many robust sds.
OTHER_SIZE_SDS: Final = 4.0
# What runs of one cluster differ by beside noise: 0.3 by which a program's slope may be another,
# times the 6 % by which weekdays' inputs differ.
DAY_SD: Final = 0.02
_NO_DURATIONS: Final = Distribution(0, 0.0, (), ())
_MAD_TO_SD: Final = 1.4826  # of a normal distribution


@dataclass(frozen=True, slots=True)
class Usual:
    """What runs read.

    Attributes:
        log_bytes: the logarithm of what a run like this one, or else any run, usually reads;
            None where no size is known.
        apart_log: by how much the run's own differs from it.
        is_other: whether none of the recent runs read about as much as this one.
    """

    log_bytes: float | None
    apart_log: float = 0.0
    is_other: bool = False


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a run was expected to take, on its own input or, if that is another, on the usual one.

    Attributes:
        log_s: mean logarithm of the runtime.
        model_sd: of that mean.
        noise_sd: of a run about it.
        slope: of log runtime over log input.
        peer_ids: runs of the same cluster that say so; empty where the model does.
    """

    log_s: float
    model_sd: float
    noise_sd: float
    slope: float
    peer_ids: frozenset[str] = frozenset()

    @property
    def sd(self) -> float:
        """Of the logarithm of the runtime."""
        return hypot(self.model_sd, self.noise_sd)


@dataclass(frozen=True, slots=True)
class Ground:
    """What expectations stand on: candidates, their node types, and what other projects taught."""

    space: Sequence[ClusterSpec]
    node_types: Sequence[NodeType]
    learned: Learned


def usual_input(read_bytes: float | None, before: Sequence[float | None]) -> Usual:
    """Return what is usual for a run that read so much.

    Args:
        read_bytes: by the run; None if not known.
        before: by earlier runs, oldest first.
    """
    known = [log(size) for size in before[-RECENT_RUNS:] if size]
    if not known or not read_bytes:
        return Usual(median(known[-TYPICAL_RUNS:]) if known else None)
    mine = log(read_bytes)
    typical = median(known[-TYPICAL_RUNS:])
    reach = max(OTHER_SIZE_LOG, OTHER_SIZE_SDS * robust_sd(known))
    alike = [size for size in known if abs(size - mine) <= reach]
    if not alike:
        return Usual(typical, mine - typical, is_other=True)
    usual = median(alike[-TYPICAL_RUNS:])
    return Usual(usual, mine - usual)


def robust_sd(values: Sequence[float]) -> float:
    """Return the standard deviation by the median distance from the median; 0.0 of one value."""
    middle = median(values)
    return _MAD_TO_SD * median(abs(value - middle) for value in values)


def expect(
    newest: Observation,
    history: Sequence[Observation],
    *,
    usual: Usual,
    alike: frozenset[str],
    ground: Ground,
) -> Expectation | None:
    """Return what the run was expected to take; None if none before it succeeded.

    Args:
        newest: the run.
        history: those before it, oldest first.
        usual: what is read.
        alike: runs whose logs tell of the same work per input; they are better peers than others
            of the newest epoch, as after a passing trouble.
        ground: what the model needs.
    """
    epochs = epochs_of(history)
    sound = [
        (observation, epoch)
        for observation, epoch in zip(history, epochs, strict=True)
        if observation.ending is Ending.SUCCEEDED
        and observation.runtime_s is not None
        and not observation.is_disturbed
    ]
    noise_sd = _noise_sd(sound, usual)
    same = [(o, epoch) for o, epoch in sound if _is_same_kind(o, newest)]
    sized = [(o, epoch) for o, epoch in same if _is_usual(o, usual)]
    peers = (
        [o for o, _ in sized if o.run_id in alike]
        or [o for o, epoch in sized if not epoch]
        or [o for o, epoch in same if not epoch]
    )
    if peers:
        levels = [_log_s(o, usual) for o in peers]
        apart = fmean(_log_size_over(o, usual) for o in peers)
        model_sd = hypot(noise_sd / len(peers) ** 0.5, INPUT_SLOPE_SD * apart)
        ids = frozenset(o.run_id for o in peers)
        spread = hypot(noise_sd, DAY_SD)
        found = Expectation(fmean(levels), model_sd, spread, INPUT_SLOPE_MEAN, ids)
    elif any(o.runtime_s and o.ending is not Ending.FAILED for o in history):
        found = _by_model(newest, history, usual=usual, noise_sd=noise_sd, ground=ground)
    else:
        return None
    if usual.is_other:
        return found
    return replace(found, log_s=found.log_s + found.slope * usual.apart_log)


def _by_model(
    newest: Observation,
    history: Sequence[Observation],
    *,
    usual: Usual,
    noise_sd: float,
    ground: Ground,
) -> Expectation:
    model = ProjectModel(
        [_summed_up(o) for o in history],
        space=ground.space,
        node_types=ground.node_types,
        learned=ground.learned,
        input_bytes=None if usual.log_bytes is None else exp(usual.log_bytes),
        inputs=newest.inputs,
    )
    specs = [newest.spec] * 2
    points = points_of(specs, ground.node_types, [0.0, usual.apart_log])
    mean, sd = model.predict(points).moments()
    slope = INPUT_SLOPE_MEAN
    if usual.apart_log:
        slope = float(mean[1] - mean[0]) / usual.apart_log
    model_sd = max(0.0, float(sd[0]) ** 2 - model.run_sd**2) ** 0.5
    return Expectation(float(mean[0]), model_sd, noise_sd, slope)


def _summed_up(observation: Observation) -> Observation:
    """Return the run with all of its stages as one, without durations.

    Replays of them take some hundred milliseconds, and tell most of clusters far from any that
    ran; what the log says of memory, processors and the program stays.
    """
    profile = observation.profile
    if profile is None or not profile.stages:
        return observation
    whole = replace(profile.stages[0], totals=profile.totals, durations=_NO_DURATIONS)
    return replace(observation, profile=replace(profile, stages=(whole,)))


def _is_same_kind(observation: Observation, newest: Observation) -> bool:
    return observation.spec == newest.spec and sorted(observation.inputs) == sorted(newest.inputs)


def _is_usual(observation: Observation, usual: Usual) -> bool:
    return abs(_log_size_over(observation, usual)) <= OTHER_SIZE_LOG


def _log_size_over(observation: Observation, usual: Usual) -> float:
    if usual.log_bytes is None or not observation.input_bytes:
        return 0.0
    return log(observation.input_bytes) - usual.log_bytes


def _log_s(observation: Observation, usual: Usual) -> float:
    """Return the log runtime that the run would have had on input as usual."""
    return log(observation.runtime_s or 1.0) - INPUT_SLOPE_MEAN * _log_size_over(
        observation, usual
    )


def _noise_sd(sound: Sequence[tuple[Observation, int]], usual: Usual) -> float:
    """Return how far runs of one cluster and epoch scatter."""
    repeats: dict[object, list[float]] = defaultdict(list)
    for observation, epoch in sound:
        kind = observation.spec, epoch, tuple(sorted(observation.inputs))
        repeats[kind].append(_log_s(observation, usual))
    return run_sd(list(repeats.values()))

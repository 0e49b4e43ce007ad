"""Traced queries in, the law of how their spark tasks grow with the executors out.

Everything is fitted to stages, nothing to makespans: mean durations of settled, warm and cold
spark tasks at each executor count against those at the count that predictions start from.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, log, sqrt
from statistics import fmean, median
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from benchmarks.scaling_decima import TracedQuery
from isocost.model.growth import GrowthLaw
from isocost.model.replay import Warmth
from isocost.model.warmth import busy_executors

# The fewest spark tasks of one warmth whose mean says anything of a stage.
FEWEST: Final = 3
# Where the search starts: a percent an executor, a second. Its end does not depend on it.
_START: Final = GrowthLaw(
    contention=0.01,
    fan_in=0.01,
    fan_in_scale_s=1.0,
    warm_up_fan_in=0.01,
    cold_s=1.0,
    cold_shuffle_s=1.0,
    log_sd_per_efold=0.0,
)
# Residuals of log durations beyond this are stragglers rather than the law's fault.
_ROBUST_SCALE: Final = 0.2


@dataclass(frozen=True, slots=True)
class StageMeans:
    """One stage at two executor counts.

    Attributes:
        step: executors on which it ran, before and after.
        share: of the application's spark task time before.
        before_s, after_s: mean durations by warmth; None where too few spark tasks had it.
    """

    step: tuple[int, int]
    share: float
    reads_shuffle: bool
    before_s: Sequence[float | None]
    after_s: Sequence[float | None]


def stage_means(traced: TracedQuery, start: int) -> tuple[StageMeans, ...]:
    """Return every stage at the executor count `start` and each other one."""
    if start not in traced.task_s:
        return ()
    before = _means(traced, start)
    total_s = sum(sum(task_s) for task_s in traced.task_s[start])
    return tuple(
        StageMeans(
            step=(busy_executors(start, width), busy_executors(count, width)),
            share=sum(traced.task_s[start][i]) / total_s,
            reads_shuffle=bool(traced.parents[i]),
            before_s=before[i],
            after_s=after_s,
        )
        for count in traced.task_s
        if count > start
        for i, after_s in enumerate(_means(traced, count))
        for width in [len(traced.task_s[start][i])]
    )


def fit_law(stages: Sequence[StageMeans]) -> GrowthLaw:
    """Return the law of these stages; its `log_sd_per_efold` is 0, for stages do not tell it."""
    law = _fit(_START, ("contention", "fan_in", "fan_in_scale_s"), _settled_misfits(stages))
    law = _fit(law, ("warm_up_fan_in",), _warm_up_misfits(stages))
    return replace(
        law,
        cold_s=_cold_s(law, [s for s in stages if not s.reads_shuffle]),
        cold_shuffle_s=_cold_s(law, [s for s in stages if s.reads_shuffle]),
    )


Misfits = Callable[[GrowthLaw], list[float]]


def _fit(law: GrowthLaw, names: Sequence[str], misfits: Misfits) -> GrowthLaw:
    """Return the law with the named parameters at their best, searched by their logarithms."""

    def law_at(logs: npt.NDArray[np.float64]) -> GrowthLaw:
        values = {name: exp(value) for name, value in zip(names, logs, strict=True)}
        return replace(law, **values)

    def misfits_at(logs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.array(misfits(law_at(logs)))

    start = [log(getattr(law, name)) for name in names]
    best = least_squares(
        misfits_at,
        start,
        loss="soft_l1",
        f_scale=_ROBUST_SCALE,
        bounds=(np.subtract(start, 7.0), np.add(start, 7.0)),  # a factor of 1,000 either way
    )
    return law_at(best.x)


def _settled_misfits(stages: Iterable[StageMeans]) -> Misfits:
    """Return log(measured / predicted) of settled durations, by the stages' share of the work."""
    known = [
        (stage, before_s, log(after_s / before_s), sqrt(stage.share))
        for stage in stages
        if (before_s := stage.before_s[Warmth.SETTLED])
        and (after_s := stage.after_s[Warmth.SETTLED])
    ]

    def misfits(law: GrowthLaw) -> list[float]:
        return [
            weight
            * (grown - log(law.settled_growth(s, stage.step, reads_shuffle=stage.reads_shuffle)))
            for stage, s, grown, weight in known
        ]

    return misfits


def _warm_up_misfits(stages: Iterable[StageMeans]) -> Misfits:
    known = [
        (stage.step, log(after_s / before_s), sqrt(stage.share))
        for stage in stages
        if (before_s := _beyond_settled_s(stage.before_s, Warmth.WARM))
        and (after_s := _beyond_settled_s(stage.after_s, Warmth.WARM))
    ]
    return lambda law: [w * (grown - log(law.warm_up_growth(step))) for step, grown, w in known]


def _cold_s(law: GrowthLaw, stages: Iterable[StageMeans]) -> float:
    """Return what a cold executor adds to a warm-up, contention taken out: the median stage's."""
    found = []
    for stage in stages:
        beyond_s = _beyond_settled_s(stage.after_s, Warmth.COLD)
        if beyond_s is not None:
            warm_up_s = _beyond_settled_s(stage.before_s, Warmth.WARM) or 0.0
            cold_s = beyond_s - warm_up_s * law.warm_up_growth(stage.step)
            found.append(max(0.0, cold_s) / law.contended(stage.step[1]))
    return median(found) if found else 0.0


def _beyond_settled_s(mean_s: Sequence[float | None], warmth: Warmth) -> float | None:
    settled_s, other_s = mean_s[Warmth.SETTLED], mean_s[warmth]
    if settled_s is None or other_s is None or other_s <= settled_s:
        return None
    return other_s - settled_s


def _means(traced: TracedQuery, executor_count: int) -> list[tuple[float | None, ...]]:
    """Return mean durations by stage and warmth, the warmth as replayed."""
    trace = traced.replayed(executor_count, measured_at=executor_count)
    found = []
    for task_s, warmths in zip(traced.task_s[executor_count], trace.warmths, strict=True):
        groups: dict[Warmth, list[float]] = {warmth: [] for warmth in Warmth}
        for value, warmth in zip(task_s, warmths, strict=True):
            groups[warmth].append(value)
        found.append(tuple(fmean(g) if len(g) >= FEWEST else None for g in groups.values()))
    return found

"""A replay plan and a growth law in; the same application on other executors, replayed, out.

The log tells how long each spark task took, and the replay of the cluster that ran tells what its
executor had run before. Together they take each duration apart: what the spark task itself needs,
what its stage's warm-up on the executor added (code is compiled, broadcasts are fetched), and what
an executor that had run nothing added (classes are loaded, the JVM interprets). Each part grows by
a law of its own, and on another cluster other spark tasks are the first ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from isocost.model.growth import GrowthLaw
from isocost.model.plan import PlannedStage, ReplayPlan
from isocost.model.replay import Slots, TaskTimes, Warmth, observed_slots, replay_with
from isocost.model.waves import APPLICATION_WEIGHT

# However slow its first wave, a spark task does some work: least share of a duration that is not
# taken for warm-up. A tenth is what Decima's traces show of the smallest scans (140 ms of work in
# 2 s of a cold executor).
LEAST_SETTLED_SHARE: Final = 0.1
# For how many stages the law's cold start counts against those that the application itself shows.
COLD_PRIOR_STAGES: Final = 1.0


@dataclass(frozen=True, slots=True)
class StageParts:
    """The durations of one stage taken apart, as observed.

    Attributes:
        settled_s: by launch order, what each spark task would take on a settled executor.
        extra_s: by launch order, what its executor's own warmth added.
        warmths: by launch order, what that warmth was.
        warm_up_s: what an executor that had run other stages adds.
        cold_s: what an executor that had run nothing adds to that.
    """

    settled_s: tuple[float, ...]
    extra_s: tuple[float, ...]
    warmths: tuple[Warmth, ...]
    warm_up_s: float
    cold_s: float
    reads_shuffle: bool


@dataclass(frozen=True, slots=True)
class GrownTimes:
    """Durations by stage, launch order and warmth of the executor, all in seconds.

    Attributes:
        by_order_s: by stage and launch order, on settled executors.
        own_extra_s: by stage and launch order: what its observed warmth adds.
        warmths: by stage and launch order, as observed.
        extra_s: by stage and warmth: what any other warmth adds.
    """

    by_order_s: tuple[Sequence[float], ...]
    own_extra_s: tuple[Sequence[float], ...]
    warmths: tuple[tuple[Warmth, ...], ...]
    extra_s: tuple[tuple[float, float, float], ...]

    def duration_s(self, stage: int, launched: int, warmth: Warmth) -> float:
        """Return the work and what the executor's warmth adds."""
        if warmth is self.warmths[stage][launched]:
            return self.by_order_s[stage][launched] + self.own_extra_s[stage][launched]
        return self.by_order_s[stage][launched] + self.extra_s[stage][warmth]

    def settled_s(self, stage: int) -> Sequence[float]:
        """Return the work alone: a settled executor adds nothing."""
        return self.by_order_s[stage]


class ScalableApplication:
    """One observed application that can be replayed on any executors; immutable once made."""

    def __init__(self, plan: ReplayPlan, law: GrowthLaw) -> None:
        """Take the observed durations apart."""
        self._plan = plan
        self._law = law
        given = TaskTimes(tuple(stage.task_s for stage in plan.stages))
        warmths = replay_with(plan, observed_slots(plan), given).warmths
        self.parts = _parts(plan, law, warmths)

    def times_on(self, executor_count: int) -> GrownTimes:
        """Return the durations on as many executors."""
        law = self._law
        settled, own, extra = [], [], []
        for stage in self.parts:
            observed = busy_executors(self._plan.executor_count_peak, len(stage.settled_s))
            step = (observed, busy_executors(executor_count, len(stage.settled_s)))
            warm_up, cold = law.warm_up_growth(step), law.cold_growth(step)
            typical_s = fmean(stage.settled_s) if stage.settled_s else 0.0
            growth = law.settled_growth(typical_s, step, reads_shuffle=stage.reads_shuffle)
            settled.append([value * growth for value in stage.settled_s])
            warm_up_s = stage.warm_up_s * warm_up
            cold_s = warm_up_s + stage.cold_s * cold
            extra.append((0.0, warm_up_s, cold_s))
            both_s = stage.warm_up_s + stage.cold_s
            by_warmth = (1.0, warm_up, cold_s / both_s if both_s > 0 else cold)
            own.append([
                s * by_warmth[w] for s, w in zip(stage.extra_s, stage.warmths, strict=True)
            ])
        return GrownTimes(
            tuple(settled), tuple(own), tuple(p.warmths for p in self.parts), tuple(extra)
        )

    def runtime_s(self, slots: Slots, executor_count: int) -> float:
        """Return the runtime on these slots, which belong to as many executors."""
        times = self.times_on(executor_count)
        return replay_with(self._plan, slots, times).runtime_s


@dataclass(frozen=True, slots=True)
class _Observed:
    """One stage's durations by warmth.

    Attributes:
        mean_s: by warmth; None where no spark task had it.
        count: by warmth.
        usual_cold_s: what the law says a cold executor adds.
    """

    mean_s: tuple[float | None, float | None, float | None]
    count: tuple[int, int, int]
    usual_cold_s: float

    def beyond_settled_s(self, warmth: Warmth) -> float | None:
        """Return how much longer than settled ones these took; None if the log cannot tell."""
        settled_s, other_s = self.mean_s[Warmth.SETTLED], self.mean_s[warmth]
        if settled_s is None or other_s is None:
            return None
        return max(0.0, other_s - settled_s)

    def evidence(self, warmth: Warmth) -> int:
        """Return the number of spark tasks in the smaller of the two groups compared."""
        return min(self.count[Warmth.SETTLED], self.count[warmth])


def busy_executors(executor_count: int, task_count: int) -> int:
    """Return on how many executors a stage runs; the others neither help nor stand in its way."""
    return max(1, min(executor_count, task_count))


def _parts(
    plan: ReplayPlan, law: GrowthLaw, warmths: Sequence[tuple[Warmth, ...]]
) -> tuple[StageParts, ...]:
    usual_s = [
        (law.cold_shuffle_s if stage.reads_shuffle else law.cold_s)
        * law.contended(busy_executors(plan.executor_count_peak, len(stage.task_s)))
        for stage in plan.stages
    ]
    observed = [
        _observed(stage.task_s, of_stage, usual)
        for stage, of_stage, usual in zip(plan.stages, warmths, usual_s, strict=True)
    ]
    pooled_s = _pooled_warm_up_s(observed)
    warm_ups_s = [_warm_up_s(stage, pooled_s) for stage in observed]
    ratio = _cold_ratio(observed, warm_ups_s)
    return tuple(
        _taken_apart(stage, of_stage, (warm_up_s, _cold_s(seen, warm_up_s, ratio)))
        for stage, of_stage, seen, warm_up_s in zip(
            plan.stages, warmths, observed, warm_ups_s, strict=True
        )
    )


def _observed(
    task_s: Sequence[float], warmths: Sequence[Warmth], usual_cold_s: float
) -> _Observed:
    groups: dict[Warmth, list[float]] = {warmth: [] for warmth in Warmth}
    for value, warmth in zip(task_s, warmths, strict=True):
        groups[warmth].append(value)
    settled, warm, cold = (fmean(g) if g else None for g in groups.values())
    settled_count, warm_count, cold_count = (len(g) for g in groups.values())
    return _Observed((settled, warm, cold), (settled_count, warm_count, cold_count), usual_cold_s)


def _pooled_warm_up_s(observed: Sequence[_Observed]) -> float:
    """Return the application's warm-up: the mean of its stages', by evidence; 0 without any."""
    known = [
        (extra_s, stage.evidence(Warmth.WARM))
        for stage in observed
        if (extra_s := stage.beyond_settled_s(Warmth.WARM)) is not None
    ]
    evidence = sum(count for _, count in known)
    return sum(extra_s * count for extra_s, count in known) / evidence if evidence else 0.0


def _warm_up_s(stage: _Observed, pooled_s: float) -> float:
    """Return a stage's warm-up, drawn towards the application's; see `waves` for the weight."""
    extra_s = stage.beyond_settled_s(Warmth.WARM)
    if extra_s is None:
        most_s = stage.beyond_settled_s(Warmth.COLD)
        return pooled_s if most_s is None else min(pooled_s, most_s)
    evidence = stage.evidence(Warmth.WARM)
    return (extra_s * evidence + pooled_s * APPLICATION_WEIGHT) / (evidence + APPLICATION_WEIGHT)


def _cold_ratio(observed: Sequence[_Observed], warm_ups_s: Sequence[float]) -> float:
    """Return the application's cold start over the law's, from the stages that show both."""
    shown = [
        max(0.0, extra_s - warm_up_s) / stage.usual_cold_s
        for stage, warm_up_s in zip(observed, warm_ups_s, strict=True)
        if (extra_s := stage.beyond_settled_s(Warmth.COLD)) is not None and stage.usual_cold_s > 0
    ]
    return (COLD_PRIOR_STAGES + sum(shown)) / (COLD_PRIOR_STAGES + len(shown))


def _cold_s(stage: _Observed, warm_up_s: float, ratio: float) -> float:
    extra_s = stage.beyond_settled_s(Warmth.COLD)
    return stage.usual_cold_s * ratio if extra_s is None else max(0.0, extra_s - warm_up_s)


def _taken_apart(
    stage: PlannedStage, warmths: tuple[Warmth, ...], added_s: tuple[float, float]
) -> StageParts:
    warm_up_s, cold_s = added_s
    by_warmth = (0.0, warm_up_s, warm_up_s + cold_s)
    extra_s = tuple(
        min(by_warmth[warmth], value * (1.0 - LEAST_SETTLED_SHARE))
        for value, warmth in zip(stage.task_s, warmths, strict=True)
    )
    settled_s = tuple(v - extra for v, extra in zip(stage.task_s, extra_s, strict=True))
    return StageParts(settled_s, extra_s, warmths, warm_up_s, cold_s, stage.reads_shuffle)

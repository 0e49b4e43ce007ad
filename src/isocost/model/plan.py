"""A run profile in, a replay plan out: what waited for what, and for how long the driver thought.

A stage waits for two things. Within its spark job it waits for its parents in the stage DAG. The
first stages of a spark job wait for the driver, and the driver for whatever it had seen complete
before it submitted the job: so they wait for *every* stage that had completed by then. Stages of
concurrent spark jobs (broadcasts, query stages of adaptive execution) thereby stay concurrent.
What is left between the last of these completions and the submission is driver time, the `lag`;
it is kept as it was, for more slots do not make the driver faster.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import inf

from isocost.domain.profile import Distribution, RunProfile, StageProfile
from isocost.model.waves import first_wave_factor, pooled, wave_ratio


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """One stage attempt as the replay needs it.

    Attributes:
        parents: positions in `ReplayPlan.stages`.
        completed_before: how many stages, in order of `ReplayPlan.completion_rank`, must be
            complete; 0 for a stage that only waits for its parents.
        lag_s: driver time between the last awaited completion and the submission.
        task_s: spark task durations in launch order, as observed; empty for a stage of which no
            spark task succeeded, whose whole length is then part of `lag_s`.
        first_wave_factor: how much longer the first spark task on a slot takes than later ones.
        priority: spark's FIFO order, the lower the earlier.
        reads_shuffle: whether its spark tasks fetch what other executors' have written.
    """

    parents: tuple[int, ...]
    completed_before: int
    lag_s: float
    task_s: tuple[float, ...]
    first_wave_factor: float
    priority: tuple[int, int]
    reads_shuffle: bool = False


@dataclass(frozen=True, slots=True)
class Stay:
    """From when to when an executor was there; `until_s` is infinite for one that stayed."""

    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """The whole application.

    Attributes:
        completion_rank: per stage, its place in the observed order of completion.
        tail_s: driver time between the last completion and the application's end.
        executors: when each one registered and left, by registration; empty in local mode.
        executor_count_peak: most executors at one time, at least 1.
        slots_per_executor: spark tasks one executor ran at once.
    """

    stages: tuple[PlannedStage, ...]
    completion_rank: tuple[int, ...]
    tail_s: float
    executors: tuple[Stay, ...]
    executor_count_peak: int
    slots_per_executor: int

    @property
    def observed_slot_count(self) -> int:
        """How many spark tasks the observed cluster ran at once, at most."""
        return self.executor_count_peak * self.slots_per_executor


@dataclass(frozen=True, slots=True)
class _Placed:
    """A stage that ran, with its observed times."""

    stage: StageProfile
    submitted_s: float
    completed_s: float


def plan_from_profile(profile: RunProfile) -> ReplayPlan:
    """Return the replay plan of an application; stages that ran no spark task are left out."""
    history = _History(_placed_stages(profile.stages))
    last_s = history.completions_s[-1] if history.completions_s else 0.0
    stays = _stays(profile, last_s)
    plan = ReplayPlan(
        stages=tuple(history.planned(i) for i in range(len(history.placed))),
        completion_rank=history.completion_rank,
        tail_s=max(0.0, profile.runtime_s - last_s),
        executors=stays,
        executor_count_peak=_most_at_once(stays),
        slots_per_executor=_slots_per_executor(profile),
    )
    return replace(plan, stages=_with_first_waves(plan))


def _stays(profile: RunProfile, last_s: float) -> tuple[Stay, ...]:
    """Return the executors' stays by registration; some of them are there to the end.

    One that registered at an impossible time was there from the start, and one that left after the
    last stage has stayed as far as stages are concerned.
    """
    found = []
    for executor in profile.executors:
        from_s = executor.added_s if 0.0 <= executor.added_s <= profile.runtime_s else 0.0
        removed_s = inf if executor.removed_s is None else executor.removed_s
        found.append(Stay(from_s, inf if removed_s >= last_s else max(from_s, removed_s)))
    longest_s = max((stay.until_s for stay in found), default=inf)
    staying = [Stay(s.from_s, inf) if s.until_s == longest_s else s for s in found]
    return tuple(sorted(staying, key=lambda stay: stay.from_s))


def _most_at_once(stays: Sequence[Stay]) -> int:
    """Return the most executors at one time; one that comes as another leaves replaces it."""
    changes = [(stay.from_s, 1) for stay in stays] + [(stay.until_s, -1) for stay in stays]
    return max([1, *accumulate(change for _, change in sorted(changes))])


def _with_first_waves(plan: ReplayPlan) -> tuple[PlannedStage, ...]:
    ratios = [wave_ratio(stage.task_s, plan.observed_slot_count) for stage in plan.stages]
    whole = pooled(ratios)
    return tuple(
        replace(stage, first_wave_factor=first_wave_factor(ratio, whole))
        for stage, ratio in zip(plan.stages, ratios, strict=True)
    )


def _slots_per_executor(profile: RunProfile) -> int:
    cores = max((e.cores for e in profile.executors), default=1)
    return max(1, int(cores * profile.slots_per_core))


def _placed_stages(stages: Iterable[StageProfile]) -> list[_Placed]:
    """Return the stages that ran, with lost or impossible completions made good.

    A lost completion is taken from the longest spark task; one before the submission, which a step
    of the driver's clock can cause, is moved to it.
    """
    placed = []
    for stage in stages:
        if stage.submitted_s is None:
            continue
        completed_s = stage.completed_s
        if completed_s is None:
            completed_s = stage.submitted_s + max(stage.durations.quantiles_s, default=0.0)
        placed.append(_Placed(stage, stage.submitted_s, max(stage.submitted_s, completed_s)))
    return placed


class _History:
    """What happened when, indexed for the questions a plan asks.

    Every stage waits only for stages of a lower completion rank, so no plan can wait in a circle.
    """

    def __init__(self, placed: Sequence[_Placed]) -> None:
        self.placed = placed
        ordered = sorted(range(len(placed)), key=self._completion_key)
        self.completions_s = [placed[i].completed_s for i in ordered]
        rank = {position: place for place, position in enumerate(ordered)}
        self.completion_rank = tuple(rank[i] for i in range(len(placed)))
        self._attempts: dict[int, list[int]] = defaultdict(list)
        self._job_start_s: dict[int, float] = {}
        for position, p in enumerate(placed):
            self._attempts[p.stage.stage_id].append(position)
            if (spark_job_id := p.stage.spark_job_id) is not None:
                start_s = self._job_start_s.get(spark_job_id, p.submitted_s)
                self._job_start_s[spark_job_id] = min(start_s, p.submitted_s)

    def _completion_key(self, position: int) -> tuple[float, float, int, int]:
        p = self.placed[position]
        return p.completed_s, p.submitted_s, p.stage.stage_id, p.stage.attempt_id

    def planned(self, position: int) -> PlannedStage:
        """Return what this stage waited for."""
        mine = self.placed[position]
        parents = self._parents(position)
        before = 0 if parents else self._completed_before(position)
        awaited_s = [self.placed[i].completed_s for i in parents]
        if before:
            awaited_s.append(self.completions_s[before - 1])
        lag_s = max(0.0, mine.submitted_s - max(awaited_s, default=0.0))
        task_s = launch_order_s(mine.stage.durations)
        spark_job_id = mine.stage.spark_job_id
        return PlannedStage(
            parents=parents,
            completed_before=before,
            lag_s=lag_s if task_s else lag_s + mine.completed_s - mine.submitted_s,
            task_s=task_s,
            first_wave_factor=1.0,
            priority=(-1 if spark_job_id is None else spark_job_id, mine.stage.stage_id),
            reads_shuffle=mine.stage.totals.shuffle_read_bytes > 0,
        )

    def _completed_before(self, position: int) -> int:
        """Return how many stages the driver had seen complete when it submitted the spark job."""
        mine = self.placed[position]
        spark_job_id = mine.stage.spark_job_id
        asked_at_s = mine.submitted_s
        if spark_job_id is not None:
            asked_at_s = self._job_start_s[spark_job_id]
        return min(bisect_right(self.completions_s, asked_at_s), self.completion_rank[position])

    def _parents(self, position: int) -> tuple[int, ...]:
        """Return the attempts this stage waited for: of each parent the last complete by then.

        A parent that was skipped, because an earlier spark job had made its output, is not there.
        A later attempt also waits for the attempt before it, whose failure it makes good.
        """
        mine = self.placed[position]
        awaited = [*mine.stage.parent_ids, *([mine.stage.stage_id] * (mine.stage.attempt_id > 0))]
        found = []
        for stage_id in awaited:
            complete = [i for i in self._attempts.get(stage_id, ()) if self._is_over(i, position)]
            found.extend(complete[-1:])
        return tuple(dict.fromkeys(found))

    def _is_over(self, other: int, position: int) -> bool:
        """Whether another stage was complete when this one was submitted."""
        is_earlier = self.completion_rank[other] < self.completion_rank[position]
        return is_earlier and self.placed[other].completed_s <= self.placed[position].submitted_s


def launch_order_s(durations: Distribution) -> tuple[float, ...]:
    """Return one duration for each spark task, in launch order.

    Where the profile kept an even sample, each value stands for its neighbours, and all are scaled
    so that their sum stays exact.
    """
    kept = durations.values_s
    if durations.count and not kept:
        return (durations.total_s / durations.count,) * durations.count
    spread = [kept[i * len(kept) // durations.count] for i in range(durations.count)]
    known = [value if value > 0 else 0.0 for value in spread]  # a clock may step backwards
    if len(kept) == durations.count:
        return tuple(known)
    total_s = sum(known)
    scale = durations.total_s / total_s if total_s > 0 else 1.0
    return tuple(value * scale for value in known)

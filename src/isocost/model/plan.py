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

from isocost.domain.profile import Distribution, ExecutorSpan, RunProfile, StageProfile
from isocost.model.waves import first_wave_factor, pooled, wave_ratio


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """One stage attempt as the replay needs it.

    Attributes:
        parents: positions in `ReplayPlan.stages`.
        completed_before: how many stages, in order of `ReplayPlan.completion_rank`, must be
            complete; 0 for a stage that only waits for its parents.
        lag_s: driver time between the last awaited completion and the submission.
        task_s: spark task durations in launch order, as observed.
        first_wave_factor: how much longer the first spark task on a slot takes than later ones.
        priority: spark's FIFO order, the lower the earlier.
    """

    parents: tuple[int, ...]
    completed_before: int
    lag_s: float
    task_s: tuple[float, ...]
    first_wave_factor: float
    priority: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """The whole application.

    Attributes:
        completion_rank: per stage, its place in the observed order of completion.
        tail_s: driver time between the last completion and the application's end.
        executor_added_s: when each executor registered, ascending; empty in local mode.
        slots_per_executor: spark tasks one executor ran at once.
    """

    stages: tuple[PlannedStage, ...]
    completion_rank: tuple[int, ...]
    tail_s: float
    executor_added_s: tuple[float, ...]
    slots_per_executor: int

    @property
    def observed_slot_count(self) -> int:
        """How many spark tasks the observed cluster ran at once."""
        return max(1, len(self.executor_added_s)) * self.slots_per_executor


@dataclass(frozen=True, slots=True)
class _Placed:
    """A stage that ran, with its observed times."""

    stage: StageProfile
    submitted_s: float
    completed_s: float


def plan_from_profile(profile: RunProfile) -> ReplayPlan:
    """Return the replay plan of an application; stages that ran no spark task are left out."""
    history = _History(_placed_stages(profile.stages))
    executors = sorted(profile.executors, key=lambda e: e.added_s)
    last_s = history.completions_s[-1] if history.completions_s else 0.0
    plan = ReplayPlan(
        stages=tuple(history.planned(p) for p in history.placed),
        completion_rank=history.completion_rank,
        tail_s=max(0.0, profile.runtime_s - last_s),
        executor_added_s=tuple(_registered_s(e, profile) for e in executors),
        slots_per_executor=_slots_per_executor(profile),
    )
    return replace(plan, stages=_with_first_waves(plan))


def _registered_s(executor: ExecutorSpan, profile: RunProfile) -> float:
    """Return when an executor registered; at the start if its log's clock cannot be right."""
    return executor.added_s if 0.0 <= executor.added_s <= profile.runtime_s else 0.0


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
    """Return the stages that ran, with a lost completion filled from the longest spark task."""
    placed = []
    for stage in stages:
        if stage.durations.count == 0 or stage.submitted_s is None:
            continue
        completed_s = stage.completed_s
        if completed_s is None:
            completed_s = stage.submitted_s + max(stage.durations.quantiles_s, default=0.0)
        placed.append(_Placed(stage, stage.submitted_s, completed_s))
    return placed


class _History:
    """What happened when, indexed for the questions a plan asks."""

    def __init__(self, placed: Sequence[_Placed]) -> None:
        self.placed = placed
        ordered = sorted(range(len(placed)), key=lambda i: placed[i].completed_s)
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

    def planned(self, mine: _Placed) -> PlannedStage:
        """Return what this stage waited for."""
        parents = self._parents(mine)
        spark_job_id = mine.stage.spark_job_id
        asked_at_s = self._job_start_s.get(-1 if spark_job_id is None else spark_job_id)
        if asked_at_s is None:
            asked_at_s = mine.submitted_s
        before = 0 if parents else bisect_right(self.completions_s, asked_at_s)
        awaited_s = [self.placed[i].completed_s for i in parents]
        if before:
            awaited_s.append(self.completions_s[before - 1])
        return PlannedStage(
            parents=parents,
            completed_before=before,
            lag_s=max(0.0, mine.submitted_s - max(awaited_s, default=0.0)),
            task_s=launch_order_s(mine.stage.durations),
            first_wave_factor=1.0,
            priority=(-1 if spark_job_id is None else spark_job_id, mine.stage.stage_id),
        )

    def _parents(self, mine: _Placed) -> tuple[int, ...]:
        """Return the attempts this stage waited for: each parent's last one complete by then.

        A parent that was skipped, because an earlier spark job had made its output, is not there.
        """
        found = []
        for parent_id in mine.stage.parent_ids:
            complete = [
                i
                for i in self._attempts.get(parent_id, ())
                if self.placed[i].completed_s <= mine.submitted_s
            ]
            found.extend(complete[-1:])
        return tuple(found)


def launch_order_s(durations: Distribution) -> tuple[float, ...]:
    """Return one duration for each spark task, in launch order.

    Where the profile kept an even sample, each value stands for its neighbours, and all are scaled
    so that their sum stays exact.
    """
    kept = durations.values_s
    if len(kept) == durations.count or not kept:
        return kept
    spread = [kept[i * len(kept) // durations.count] for i in range(durations.count)]
    total_s = sum(spread)
    scale = durations.total_s / total_s if total_s > 0 else 1.0
    return tuple(value * scale for value in spread)

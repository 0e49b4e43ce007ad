"""Decima's TPC-H traces in, stage graphs with the spark tasks measured at each executor count out.

One executor runs one spark task at a time: in every stage, `first_wave` holds at most as many
spark tasks as there were executors, and `rest_wave` those that were launched as slots became free
again. `fresh_durations` repeats those of the first wave whose executor had just started, so a
stage's spark tasks are `first_wave` and `rest_wave` together, in this order of launch. (Mao et
al., "Learning Scheduling Algorithms for Data Processing Clusters", SIGCOMM 2019; its simulator
draws from the three lists in the same way.)
"""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Final

from isocost.model.plan import PlannedStage, ReplayPlan, Stay
from isocost.model.replay import ReplayTrace, Slots, TaskTimes, replay_with
from isocost.units import MS_PER_S

FOLDER: Final = "scaling/decima-tpch"
Waves = Mapping[str, Mapping[str, list[float]]]


@dataclass(frozen=True, slots=True)
class TracedQuery:
    """One TPC-H query at one data size.

    Attributes:
        query: from 1.
        parents: by stage, positions of the stages it reads.
        task_s: by executor count, then by stage and launch order; only executor counts at which
            every stage was measured whole.
    """

    query: int
    size: str
    parents: tuple[tuple[int, ...], ...]
    task_s: Mapping[int, tuple[tuple[float, ...], ...]]

    def plan_at(self, executor_count: int) -> ReplayPlan:
        """Return what the log of a run on as many executors would have told."""
        stages = tuple(
            PlannedStage(
                parents=parents,
                completed_before=0,
                lag_s=0.0,
                task_s=task_s,
                first_wave_factor=1.0,
                priority=(0, position),
                reads_shuffle=bool(parents),
            )
            for position, (parents, task_s) in enumerate(
                zip(self.parents, self.task_s[executor_count], strict=True)
            )
        )
        stays = (Stay(0.0, inf),) * executor_count
        return ReplayPlan(stages, tuple(range(len(stages))), 0.0, stays, executor_count, 1)

    def replayed(self, executor_count: int, *, measured_at: int) -> ReplayTrace:
        """Return the replay on some executors of the spark tasks measured on as many or others."""
        times = TaskTimes(self.task_s[measured_at])
        return replay_with(self.plan_at(measured_at), steady_slots(executor_count), times)


def steady_slots(executor_count: int) -> Slots:
    """Return one slot an executor, all there from start to end."""
    return Slots((Stay(0.0, inf),) * executor_count, executor_count)


def read_traces(data: Path) -> tuple[TracedQuery, ...]:
    """Return all queries with what was measured of them."""
    folder = data / FOLDER
    with gzip.open(folder / "task_durations_raw.json.gz", "rt", encoding="utf-8") as file:
        raw = json.load(file)
    with (folder / "dag_edges.csv").open(encoding="utf-8", newline="") as edges:
        parents = _parents_by_stage(csv.DictReader(edges))
    return tuple(_traced(name, stages, parents[name]) for name, stages in raw.items())


def _parents_by_stage(edges: Iterable[Mapping[str, str]]) -> Mapping[str, Mapping[int, list[int]]]:
    found: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for edge in edges:
        name = f"{edge['size']}/{edge['query']}"
        found[name][int(edge["child"])].append(int(edge["parent"]))
    return found


def _traced(
    name: str, stages: Mapping[str, Waves], parents: Mapping[int, list[int]]
) -> TracedQuery:
    size, query = name.split("/")
    ordered = [stages[node] for node in sorted(stages, key=int)]
    counts = sorted({int(count) for waves in ordered for count in waves["first_wave"]})
    measured = {count: tuple(_launched_s(waves, count) for waves in ordered) for count in counts}
    widths = {count: [len(task_s) for task_s in stage_s] for count, stage_s in measured.items()}
    # A stage has as many spark tasks on any executors; where a run was lost it has none.
    whole = [max(lengths) for lengths in zip(*widths.values(), strict=True)]
    return TracedQuery(
        query=int(query),
        size=size,
        parents=tuple(tuple(sorted(parents.get(i, ()))) for i in range(len(ordered))),
        task_s={count: measured[count] for count in counts if widths[count] == whole},
    )


def _launched_s(waves: Waves, executor_count: int) -> tuple[float, ...]:
    key = str(executor_count)
    launched = [*waves["first_wave"].get(key, ()), *waves["rest_wave"].get(key, ())]
    return tuple(value / MS_PER_S for value in launched)

"""Tables in memory in; what pages and the loop ask of many projects, executions or runs, out."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import fsum
from typing import Any, TypeVar

from isocost.domain.change import Change
from isocost.domain.cluster import ClusterSpec
from isocost.domain.execution import Execution
from isocost.domain.experiment import Experiment, Trial
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation, RecommendationState
from isocost.domain.run import Run
from isocost.domain.workspace import Workspace
from isocost.store.base import ExecutionCost, Tally

Value = TypeVar("Value")
OfProject = TypeVar("OfProject", Execution, Run, Change)


@dataclass(slots=True)
class Tables:
    """Everything remembered; values are frozen, so copying the dictionaries copies the store."""

    workspaces: dict[str, Workspace] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    profiles: dict[str, RunProfile] = field(default_factory=dict)
    recommendations: dict[str, Recommendation] = field(default_factory=dict)
    experiments: dict[str, Experiment] = field(default_factory=dict)
    trials: dict[str, Trial] = field(default_factory=dict)

    def copy(self) -> "Tables":
        """Return tables that may be changed without changing these."""
        return Tables(*(dict(getattr(self, f.name)) for f in fields(self)))


class Across:
    """The part of the port that asks of many at once, or of a few among many."""

    def __init__(self, tables: Tables, *, read_only: bool) -> None:
        self._tables = tables
        self._is_read_only = read_only

    def executions(self, execution_ids: Collection[str]) -> Mapping[str, Execution]:
        return _by_key(self._tables.executions, execution_ids)

    def newest_execution_of_each(
        self, project_ids: Collection[str], *, is_failed: bool = False
    ) -> Mapping[str, Execution]:
        meant = (e for e in self._tables.executions.values() if not (is_failed and e.is_success))
        return _newest_of_each(meant, project_ids, lambda e: e.ordinal)

    def newest_costs_of_each(
        self, project_ids: Collection[str], *, newest: int
    ) -> Mapping[str, Sequence[ExecutionCost]]:
        good = [e for e in self._tables.executions.values() if e.is_success and e.is_over]
        found: dict[str, Sequence[ExecutionCost]] = {}
        for project_id in project_ids:
            mine = sorted((e.ordinal, e.execution_id) for e in good if e.project_id == project_id)
            costs = self.costs_of([each for _, each in newest_few(mine, newest)])
            if costs:
                found[project_id] = list(costs.values())
        return found

    def costs_of(self, execution_ids: Collection[str]) -> Mapping[str, ExecutionCost]:
        wanted = _by_key(self._tables.executions, execution_ids)
        costs: dict[str, list[float | None]] = {each: [] for each in wanted}
        for run in self._tables.runs.values():
            if run.execution_id in costs:
                costs[run.execution_id].append(None if run.cost is None else run.cost.total_usd)
        return {
            key: ExecutionCost(key, execution.ordinal, _sum_of(costs[key]))
            for key, execution in wanted.items()
        }

    def tallies(self, project_ids: Collection[str]) -> Mapping[str, Tally]:
        found: dict[str, Tally] = {}
        for execution in self._tables.executions.values():
            if execution.project_id in project_ids:
                sla = self._tables.projects[execution.project_id].sla
                limit_s = sla.max_runtime_s if sla else -1.0
                is_met = execution.is_success and execution.duration_s <= limit_s
                so_far = found.get(execution.project_id, Tally())
                found[execution.project_id] = Tally(
                    max(so_far.execution_count, execution.ordinal + 1), so_far.met_count + is_met
                )
        return found

    def newest_change_of_each(self, project_ids: Collection[str]) -> Mapping[str, Change]:
        changes = self._tables.changes.values()
        return _newest_of_each(changes, project_ids, lambda c: (c.planned_at, c.change_id))

    def change_count(self, project_id: str) -> int:
        return sum(c.project_id == project_id for c in self._tables.changes.values())

    def runs(self, run_ids: Collection[str]) -> Mapping[str, Run]:
        return _by_key(self._tables.runs, run_ids)

    def runs_elsewhere(
        self, project_id: str, cluster_key: str, *, not_on: ClusterSpec, newest: int
    ) -> Sequence[Run]:
        return newest_few(self._elsewhere(project_id, cluster_key, not_on), newest)

    def first_run_elsewhere(
        self, project_id: str, cluster_key: str, *, not_on: ClusterSpec
    ) -> Run | None:
        return next(iter(self._elsewhere(project_id, cluster_key, not_on)), None)

    def _elsewhere(self, project_id: str, cluster_key: str, not_on: ClusterSpec) -> list[Run]:
        mine = (r for r in self._tables.runs.values() if r.project_id == project_id)
        found = (r for r in mine if r.cluster_key == cluster_key)
        meant = (r for r in found if r.asked_spec is not None and r.asked_spec != not_on)
        return sorted(meant, key=lambda r: (r.ordinal, r.run_id))

    def newest_explained_run_of_each(self, project_ids: Collection[str]) -> Mapping[str, Run]:
        runs = (r for r in self._tables.runs.values() if r.deviation and r.deviation.main_cause)
        return _newest_of_each(runs, project_ids, lambda r: (r.ordinal, r.run_id))

    def recommendations(self, recommendation_ids: Collection[str]) -> Mapping[str, Recommendation]:
        return _by_key(self._tables.recommendations, recommendation_ids)

    def recommended_specs(self, recommendation_ids: Collection[str]) -> Mapping[str, ClusterSpec]:
        found = self.recommendations(recommendation_ids)
        return {recommendation_id: each.spec for recommendation_id, each in found.items()}

    def newest_recommendations(
        self, count: int, *, states: Collection[RecommendationState] | None = None
    ) -> Sequence[Recommendation]:
        imported = {p.project_id for p in self._tables.projects.values() if p.origin is not None}
        all_of = (r for r in self._tables.recommendations.values() if r.project_id in imported)
        found = (r for r in all_of if states is None or r.state in states)
        order = sorted(found, key=lambda r: (r.drafted_at, r.recommendation_id), reverse=True)
        return order[:count]

    def recommendation_count(self, parent_run_id: str) -> int:
        found = self._tables.recommendations.values()
        return sum(r.parent_run_id == parent_run_id for r in found)


def newest_few(ordered: list[Value], count: int | None) -> list[Value]:
    """Return the last `count` of a list; all of it without a count."""
    return ordered if count is None else ordered[max(0, len(ordered) - count) :]


def _by_key(table: Mapping[str, Value], wanted: Collection[str]) -> dict[str, Value]:
    return {key: table[key] for key in wanted if key in table}


def _newest_of_each(
    values: Iterable[OfProject],
    project_ids: Collection[str],
    order: Callable[[OfProject], Any],
) -> dict[str, OfProject]:
    found: dict[str, OfProject] = {}
    for value in sorted(values, key=order):
        if value.project_id in project_ids:
            found[value.project_id] = value
    return found


def _sum_of(costs: Sequence[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return fsum(known) if costs and len(known) == len(costs) else None

"""Ids in; what pages and the loop ask of many at once, or of a few among many, out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Select, select

from isocost.domain.change import Change
from isocost.domain.cluster import ClusterSpec
from isocost.domain.execution import Execution
from isocost.domain.recommendation import Recommendation, RecommendationState
from isocost.domain.run import Run
from isocost.store.base import ExecutionCost, Tally
from isocost.store.sql import statements, tables
from isocost.store.sql.rows import Rows


@dataclass(frozen=True, slots=True)
class _Recommended:
    """The only part of a recommendation's body that is read where no more is asked for."""

    spec: ClusterSpec


class Across(Rows):
    """The part of the port that asks of many at once, or of a few among many."""

    def newest_execution_of_each(
        self, project_ids: Collection[str], *, is_failed: bool = False
    ) -> Mapping[str, Execution]:
        statement = (
            statements.NEWEST_FAILED_EXECUTION if is_failed else statements.NEWEST_EXECUTION
        )
        return self._by_id(statement, project_ids, Execution)

    def newest_explained_run_of_each(self, project_ids: Collection[str]) -> Mapping[str, Run]:
        return self._by_id(statements.NEWEST_EXPLAINED_RUN, project_ids, Run)

    def newest_change_of_each(self, project_ids: Collection[str]) -> Mapping[str, Change]:
        return self._by_id(statements.NEWEST_CHANGE, project_ids, Change)

    def newest_costs_of_each(
        self, project_ids: Collection[str], *, newest: int
    ) -> Mapping[str, Sequence[ExecutionCost]]:
        keys = self._asked(statements.newest_good_executions(newest), project_ids)
        found: dict[str, list[ExecutionCost]] = {}
        for project_id, cost in self._costs([key for (key,) in keys if key is not None]):
            found.setdefault(project_id, []).append(cost)
        return {key: sorted(costs, key=lambda c: c.ordinal) for key, costs in found.items()}

    def costs_of(self, execution_ids: Collection[str]) -> Mapping[str, ExecutionCost]:
        return {cost.execution_id: cost for _, cost in self._costs(execution_ids)}

    def _costs(self, execution_ids: Collection[str]) -> list[tuple[str, ExecutionCost]]:
        rows = self._asked(statements.COSTS, execution_ids)
        return [(project_id, ExecutionCost(*rest)) for project_id, *rest in rows]

    def tallies(self, project_ids: Collection[str]) -> Mapping[str, Tally]:
        return {
            project_id: Tally(count, count - failed_count - late_count if has_sla else 0)
            for project_id, count, failed_count, late_count, has_sla in self._asked(
                statements.TALLIES, project_ids
            )
            if count is not None
        }

    def executions(self, execution_ids: Collection[str]) -> Mapping[str, Execution]:
        return self._by_key(tables.EXECUTIONS.c.execution_id, execution_ids, Execution)

    def change_count(self, project_id: str) -> int:
        return self._count(tables.CHANGES.c.project_id == project_id)

    def runs(self, run_ids: Collection[str]) -> Mapping[str, Run]:
        return self._by_key(tables.RUNS.c.run_id, run_ids, Run)

    def runs_elsewhere(
        self, project_id: str, cluster_key: str, *, not_on: ClusterSpec, newest: int
    ) -> Sequence[Run]:
        order = [tables.RUNS.c.ordinal, tables.RUNS.c.run_id]
        query = _elsewhere(project_id, cluster_key, not_on)
        return self._newest(query, order, count=newest, noun=Run)

    def first_run_elsewhere(
        self, project_id: str, cluster_key: str, *, not_on: ClusterSpec
    ) -> Run | None:
        query = _elsewhere(project_id, cluster_key, not_on).limit(1)
        found = self._all(query.order_by(tables.RUNS.c.ordinal, tables.RUNS.c.run_id), Run)
        return found[0] if found else None

    def recommendations(self, recommendation_ids: Collection[str]) -> Mapping[str, Recommendation]:
        key = tables.RECOMMENDATIONS.c.recommendation_id
        return self._by_key(key, recommendation_ids, Recommendation)

    def recommended_specs(self, recommendation_ids: Collection[str]) -> Mapping[str, ClusterSpec]:
        key = tables.RECOMMENDATIONS.c.recommendation_id
        found = self._by_key(key, recommendation_ids, _Recommended)
        return {recommendation_id: each.spec for recommendation_id, each in found.items()}

    def newest_recommendations(
        self, count: int, *, states: Collection[RecommendationState] | None = None
    ) -> Sequence[Recommendation]:
        table = tables.RECOMMENDATIONS
        query = select(table.c.body).join(
            tables.PROJECTS, table.c.project_id == tables.PROJECTS.c.project_id
        )
        query = query.where(tables.PROJECTS.c.workspace.is_not(None))
        if states is not None:
            query = query.where(table.c.state.in_(sorted(state.value for state in states)))
        newest_first = (table.c.drafted_at.desc(), table.c.recommendation_id.desc())
        return self._all(query.order_by(*newest_first).limit(count), Recommendation)

    def recommendation_count(self, parent_run_id: str) -> int:
        return self._count(tables.RECOMMENDATIONS.c.parent_run_id == parent_run_id)


def _elsewhere(project_id: str, cluster_key: str, not_on: ClusterSpec) -> Select[tuple[bytes]]:
    table = tables.RUNS
    return select(table.c.body).where(
        table.c.project_id == project_id,
        table.c.cluster_key == cluster_key,
        table.c.asked != text_of(not_on),
    )


def text_of(spec: ClusterSpec) -> str:
    """Return how a spec is compared in the database."""
    return msgspec.json.encode(spec).decode()

"""Ids in; what pages and the loop ask of many at once, or of a few among many, out.

For each project the newest row is found by a subquery that reads one entry of an index; grouping
or numbering all rows would read them all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Select, and_, case, func, select, union_all
from sqlalchemy import Table as SqlTable

from isocost.domain.change import Change
from isocost.domain.cluster import ClusterSpec
from isocost.domain.execution import Execution
from isocost.domain.recommendation import Recommendation, RecommendationState
from isocost.domain.run import Run
from isocost.store.base import ExecutionCost, Tally
from isocost.store.sql import tables
from isocost.store.sql.rows import Rows, Value, portions

_PROJECT_ID: Final = tables.PROJECTS.c.project_id


@dataclass(frozen=True, slots=True)
class _Recommended:
    """The only part of a recommendation's body that is read where no more is asked for."""

    spec: ClusterSpec


class Across(Rows):
    """The part of the port that asks of many at once, or of a few among many."""

    def newest_execution_of_each(
        self, project_ids: Collection[str], *, is_failed: bool = False
    ) -> Mapping[str, Execution]:
        condition = {"is_success": False} if is_failed else {}
        newest = _newest_id(tables.EXECUTIONS, ["ordinal"], condition)
        return self._of_each(project_ids, tables.EXECUTIONS, newest=newest, noun=Execution)

    def newest_explained_run_of_each(self, project_ids: Collection[str]) -> Mapping[str, Run]:
        newest = _newest_id(tables.RUNS, ["ordinal", "run_id"], {"is_explained": True})
        return self._of_each(project_ids, tables.RUNS, newest=newest, noun=Run)

    def newest_change_of_each(self, project_ids: Collection[str]) -> Mapping[str, Change]:
        newest = _newest_id(tables.CHANGES, ["planned_at", "change_id"], {})
        return self._of_each(project_ids, tables.CHANGES, newest=newest, noun=Change)

    def newest_costs_of_each(
        self, project_ids: Collection[str], *, newest: int
    ) -> Mapping[str, Sequence[ExecutionCost]]:
        is_good = {"is_success": True, "is_open": False}
        ids = [_newest_id(tables.EXECUTIONS, ["ordinal"], is_good, after=n) for n in range(newest)]
        found: dict[str, list[ExecutionCost]] = {}
        for some in portions(project_ids):
            each = [select(key.label("key")).where(_PROJECT_ID.in_(some)) for key in ids]
            keys = self._connection.execute(union_all(*each)).scalars()
            for project_id, cost in self._costs([key for key in keys if key is not None]):
                found.setdefault(project_id, []).append(cost)
        return {key: sorted(costs, key=lambda c: c.ordinal) for key, costs in found.items()}

    def costs_of(self, execution_ids: Collection[str]) -> Mapping[str, ExecutionCost]:
        return {cost.execution_id: cost for _, cost in self._costs(execution_ids)}

    def _costs(self, execution_ids: Collection[str]) -> list[tuple[str, ExecutionCost]]:
        executions, runs = tables.EXECUTIONS.c, tables.RUNS.c
        is_priced = func.count(runs.cost_usd) == func.count(runs.run_id)
        usd = case((is_priced, func.sum(runs.cost_usd)))
        query = (
            select(executions.project_id, executions.execution_id, executions.ordinal, usd)
            .outerjoin(tables.RUNS, runs.execution_id == executions.execution_id)
            .group_by(executions.execution_id)
        )
        return [
            (project_id, ExecutionCost(*rest))
            for some in portions(execution_ids)
            for project_id, *rest in self._connection.execute(
                query.where(executions.execution_id.in_(some))
            )
        ]

    def tallies(self, project_ids: Collection[str]) -> Mapping[str, Tally]:
        table = tables.EXECUTIONS
        is_met = and_(table.c.is_success, table.c.duration_s <= tables.PROJECTS.c.max_runtime_s)
        query = (
            select(_PROJECT_ID, func.count(), func.sum(case((is_met, 1), else_=0)))
            .join(table, table.c.project_id == _PROJECT_ID)
            .group_by(_PROJECT_ID)
        )
        return {
            project_id: Tally(count, met_count)
            for some in portions(project_ids)
            for project_id, count, met_count in self._connection.execute(
                query.where(_PROJECT_ID.in_(some))
            )
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

    def _of_each(
        self,
        project_ids: Collection[str],
        table: SqlTable,
        *,
        newest: ColumnElement[str],
        noun: type[Value],
    ) -> dict[str, Value]:
        (key,) = table.primary_key.columns
        pairs = select(_PROJECT_ID, table.c.body).select_from(tables.PROJECTS)
        query = pairs.join(table, key == newest)
        return {
            project_id: self._decoded(body, noun)
            for some in portions(project_ids)
            for project_id, body in self._connection.execute(query.where(_PROJECT_ID.in_(some)))
        }


def _newest_id(
    table: SqlTable, order: Sequence[str], condition: Mapping[str, bool], *, after: int = 0
) -> ColumnElement[str]:
    """Return a subquery for the id of a project's newest row, or of the one so many before it.

    Args:
        table: with a `project_id`.
        order: columns, oldest first.
        condition: truths that the row has, by column.
        after: how many newer ones are passed over.
    """
    (key,) = table.primary_key.columns
    others = table.alias()
    return (
        select(others.c[key.name])
        .where(others.c.project_id == _PROJECT_ID)
        .where(*(others.c[name].is_(is_so) for name, is_so in condition.items()))
        .order_by(*(others.c[name].desc() for name in order))
        .limit(1)
        .offset(after)
        .correlate(tables.PROJECTS)
        .scalar_subquery()
    )


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

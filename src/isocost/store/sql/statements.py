"""Statements that ask of many projects or executions at once; each takes the parameter `ids`.

For each project the newest row is found by a subquery that reads one entry of an index; grouping
or numbering all rows would read them all. They are built once: with SQLAlchemy, building one takes
longer than SQLite takes to answer it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    CompoundSelect,
    Select,
    bindparam,
    case,
    func,
    select,
    union_all,
)
from sqlalchemy import Table as SqlTable

from isocost.store.sql import tables

_PROJECT_ID: Final = tables.PROJECTS.c.project_id


def _ids() -> BindParameter[Sequence[str]]:
    return bindparam("ids", expanding=True)


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


def _of_each(table: SqlTable, newest: ColumnElement[str]) -> Select[tuple[str, bytes]]:
    (key,) = table.primary_key.columns
    pairs = select(_PROJECT_ID, table.c.body).select_from(tables.PROJECTS)
    return pairs.join(table, key == newest).where(_PROJECT_ID.in_(_ids()))


# Of projects; rows of (project_id, body).
NEWEST_EXECUTION: Final = _of_each(
    tables.EXECUTIONS, _newest_id(tables.EXECUTIONS, ["ordinal"], {})
)
NEWEST_FAILED_EXECUTION: Final = _of_each(
    tables.EXECUTIONS, _newest_id(tables.EXECUTIONS, ["ordinal"], {"is_success": False})
)
NEWEST_EXPLAINED_RUN: Final = _of_each(
    tables.RUNS, _newest_id(tables.RUNS, ["ordinal", "run_id"], {"is_explained": True})
)
NEWEST_CHANGE: Final = _of_each(
    tables.CHANGES, _newest_id(tables.CHANGES, ["planned_at", "change_id"], {})
)


@cache
def newest_good_executions(count: int) -> CompoundSelect[tuple[str]]:
    """Return what finds the ids of so many concluded, successful executions of each project.

    Where a project has fewer, some are NULL.
    """
    condition = {"is_success": True, "is_open": False}
    keys = [_newest_id(tables.EXECUTIONS, ["ordinal"], condition, after=n) for n in range(count)]
    return union_all(*(select(key.label("key")).where(_PROJECT_ID.in_(_ids())) for key in keys))


def _costs() -> Select[tuple[str, str, int, float | None]]:
    executions, runs = tables.EXECUTIONS.c, tables.RUNS.c
    # Both are in one index, so that no run's row is read.
    is_priced = func.count(runs.cost_usd) == func.count(runs.execution_id)
    usd = case((is_priced, func.sum(runs.cost_usd)))
    return (
        select(executions.project_id, executions.execution_id, executions.ordinal, usd)
        .outerjoin(tables.RUNS, runs.execution_id == executions.execution_id)
        .where(executions.execution_id.in_(_ids()))
        .group_by(executions.execution_id)
    )


def _tallies() -> Select[tuple[str, int, int, int, bool]]:
    # Those that met the deadline are most of them, so the others are counted.
    table, limit_s = tables.EXECUTIONS.c, tables.PROJECTS.c.max_runtime_s
    newest = _of_project(select(table.ordinal)).order_by(table.ordinal.desc()).limit(1)
    counted = _of_project(select(func.count()))
    failed = counted.where(table.is_success.is_(False))
    late = counted.where(table.is_success.is_(True), table.duration_s > limit_s)
    return select(
        _PROJECT_ID,
        newest.scalar_subquery() + 1,
        failed.scalar_subquery(),
        late.scalar_subquery(),
        limit_s.is_not(None),
    ).where(_PROJECT_ID.in_(_ids()))


def _of_project(query: Select[Any]) -> Select[Any]:
    return query.where(tables.EXECUTIONS.c.project_id == _PROJECT_ID).correlate(tables.PROJECTS)


# Of executions; rows of (project_id, execution_id, ordinal, cost_usd).
COSTS: Final = _costs()
# Of projects; rows of (project_id, all executions, those failed, those late, has a deadline).
TALLIES: Final = _tallies()


@cache
def bodies_by(key: Column[str]) -> Select[tuple[str, Any]]:
    """Return what finds rows by their primary key; rows of (key, body)."""
    return select(key, key.table.c.body).where(key.in_(_ids()))

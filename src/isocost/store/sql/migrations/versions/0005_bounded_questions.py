"""Columns and indexes by which pages and the loop ask of a long project without reading it all."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

Body = Mapping[str, Any]

# By table; without NOT NULL, for SQLite adds such a column only by copying the table.
COLUMNS: Mapping[str, Mapping[str, type[sa.types.TypeEngine[Any]]]] = {
    "projects": {"max_runtime_s": sa.Float},
    "executions": {"is_success": sa.Boolean, "duration_s": sa.Float},
    "runs": {
        "cluster_key": sa.String,
        "asked": sa.String,
        "execution_id": sa.String,
        "cost_usd": sa.Float,
        "is_explained": sa.Boolean,
    },
}
INDEXES = {
    "ix_executions_is_open": ("executions", ["project_id", "is_open", "ordinal"]),
    "ix_executions_is_success": ("executions", ["project_id", "is_success", "ordinal"]),
    "ix_executions_duration_s": ("executions", ["project_id", "is_success", "duration_s"]),
    "ix_changes_state": ("changes", ["project_id", "state", "planned_at"]),
    "ix_runs_cluster_key": ("runs", ["project_id", "cluster_key", "ordinal", "asked"]),
    "ix_runs_execution_id": ("runs", ["execution_id", "cost_usd"]),
    "ix_runs_is_explained": ("runs", ["project_id", "is_explained", "ordinal"]),
    "ix_recommendations_drafted_at": ("recommendations", ["drafted_at", "recommendation_id"]),
    "ix_recommendations_state": ("recommendations", ["project_id", "state", "drafted_at"]),
}
TEXTS = ("cluster_key", "asked", "execution_id")
COST_PARTS = ("vm_usd", "disk_usd", "dbu_usd")
ROWS_AT_ONCE = 1_000


def upgrade() -> None:
    """Add them, and fill the columns from the bodies."""
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind, nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        changes = (f'ALTER {name} TYPE varchar COLLATE "C"' for name in TEXTS)
        op.execute(f"ALTER TABLE runs {', '.join(changes)}")
    _fill("projects", "project_id", _of_project)
    _fill("executions", "execution_id", _of_execution)
    _fill("runs", "run_id", _of_run)
    for name, (table, over) in INDEXES.items():
        op.create_index(name, table, over)


def downgrade() -> None:
    """Take them back."""
    for name, (table, _) in INDEXES.items():
        op.drop_index(name, table)
    for table, columns in COLUMNS.items():
        for name in columns:
            op.drop_column(table, name)


def _fill(name: str, key: str, values_of: Callable[[Body], dict[str, object]]) -> None:
    connection = op.get_bind()
    columns = COLUMNS[name]
    table = sa.table(
        name,
        sa.column(key, sa.String),
        sa.column("body", sa.LargeBinary),
        *(sa.column(each, kind()) for each, kind in columns.items()),
    )
    filled = (
        sa
        .update(table)
        .where(table.c[key] == sa.bindparam("a_key"))
        .values({each: sa.bindparam(f"a_{each}") for each in columns})
    )
    keys = connection.execute(sa.select(table.c[key])).scalars().all()
    for begin in range(0, len(keys), ROWS_AT_ONCE):
        some = table.c[key].in_(keys[begin : begin + ROWS_AT_ONCE])
        bodies = connection.execute(sa.select(table.c[key], table.c.body).where(some)).all()
        rows = [(each, values_of(json.loads(body))) for each, body in bodies]
        connection.execute(
            filled,
            [{"a_key": each, **{f"a_{n}": v for n, v in values.items()}} for each, values in rows],
        )


def _of_project(body: Body) -> dict[str, object]:
    sla = body.get("sla")
    return {"max_runtime_s": sla["max_runtime_s"] if sla else None}


def _of_execution(body: Body) -> dict[str, object]:
    begin, end = (datetime.fromisoformat(body[each]) for each in ("started_at", "ended_at"))
    return {"is_success": body["is_success"], "duration_s": (end - begin).total_seconds()}


def _of_run(body: Body) -> dict[str, object]:
    asked, cost, deviation = (body.get(each) for each in ("asked_spec", "cost", "deviation"))
    return {
        "cluster_key": body["cluster_key"],
        "asked": json.dumps(asked, separators=(",", ":"), ensure_ascii=False) if asked else None,
        "execution_id": body.get("execution_id"),
        "cost_usd": sum(cost.get(part, 0.0) for part in COST_PARTS) if cost else None,
        "is_explained": bool(deviation and deviation["is_anomaly"] and deviation["shares"]),
    }

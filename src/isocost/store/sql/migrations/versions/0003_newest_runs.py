"""When each run was requested, to find the newest of all; texts in one order on each database."""

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# Every text column there is at this revision.
TEXTS = {
    "workspaces": ["name"],
    "projects": ["project_id", "workspace"],
    "executions": ["execution_id", "project_id"],
    "changes": ["change_id", "project_id", "state"],
    "runs": ["run_id", "project_id", "state"],
    "profiles": ["run_id"],
    "recommendations": ["recommendation_id", "project_id", "parent_run_id", "state"],
    "experiments": ["name"],
    "trials": ["trial_id", "experiment", "project_id", "state"],
}


def upgrade() -> None:
    """Add the column and its index, fill it, and let PostgreSQL sort by bytes as SQLite does."""
    # Without NOT NULL, for SQLite adds such a column only by copying the table.
    op.add_column("runs", sa.Column("requested_at", sa.DateTime(timezone=True), nullable=True))
    _fill()
    op.create_index("ix_runs_requested_at", "runs", ["requested_at", "run_id"])
    _collate("C")


def downgrade() -> None:
    """Take both back."""
    _collate("default")
    op.drop_index("ix_runs_requested_at", "runs")
    op.drop_column("runs", "requested_at")


def _fill() -> None:
    connection = op.get_bind()
    runs = sa.table(
        "runs",
        sa.column("run_id", sa.String),
        sa.column("requested_at", sa.DateTime(timezone=True)),
        sa.column("body", sa.LargeBinary),
    )
    known = [
        {"key": run_id, "at": datetime.fromisoformat(json.loads(body)["requested_at"])}
        for run_id, body in connection.execute(sa.select(runs.c.run_id, runs.c.body))
    ]
    if known:
        filled = sa.update(runs).where(runs.c.run_id == sa.bindparam("key"))
        connection.execute(filled.values(requested_at=sa.bindparam("at")), known)


def _collate(collation: str) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in TEXTS.items():
        changes = (f'ALTER {name} TYPE varchar COLLATE "{collation}"' for name in columns)
        op.execute(f"ALTER TABLE {table} {', '.join(changes)}")

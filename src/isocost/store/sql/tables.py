"""The schema: one table a noun, with the columns that are asked for and the whole value as JSON.

Queries need few columns, and the values are frozen and versioned with the code, so the rest stays
in `body`; a column is added, by a migration, when something must be found or sorted by it.
"""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.postgresql import VARCHAR

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)
# Sorted by bytes, as SQLite and Python do; a PostgreSQL database's own rule depends on how it was
# made, and a list would come in another order on each.
_TEXT: Final = String().with_variant(VARCHAR(collation="C"), "postgresql")


def _body() -> Column[bytes]:
    return Column("body", LargeBinary, nullable=False)


WORKSPACES: Final = SqlTable(
    "workspaces", METADATA, Column("name", _TEXT, primary_key=True), _body()
)
PROJECTS: Final = SqlTable(
    "projects",
    METADATA,
    Column("project_id", _TEXT, primary_key=True),
    # NULL for a project that was not imported; no foreign key, for SQLite adds none to a table
    # that is there already without copying it, and the store checks it.
    Column("workspace", _TEXT, nullable=True),
    # Of its SLA; NULL without one.
    Column("max_runtime_s", Float, nullable=True),
    _body(),
    Index("ix_projects_workspace", "workspace"),
)
EXECUTIONS: Final = SqlTable(
    "executions",
    METADATA,
    Column("execution_id", _TEXT, primary_key=True),
    Column("project_id", _TEXT, ForeignKey("projects.project_id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False),
    # These two are always set; see `requested_at` of a run.
    Column("is_success", Boolean, nullable=True),
    Column("duration_s", Float, nullable=True),
    _body(),
    Index("ix_executions_project_id", "project_id", "ordinal"),
    Index("ix_executions_is_open", "project_id", "is_open", "ordinal"),
    Index("ix_executions_is_success", "project_id", "is_success", "ordinal"),
    Index("ix_executions_duration_s", "project_id", "is_success", "duration_s"),
)
CHANGES: Final = SqlTable(
    "changes",
    METADATA,
    Column("change_id", _TEXT, primary_key=True),
    Column("project_id", _TEXT, ForeignKey("projects.project_id"), nullable=False),
    Column("state", _TEXT, nullable=False),
    Column("planned_at", DateTime(timezone=True), nullable=False),
    _body(),
    Index("ix_changes_project_id", "project_id", "planned_at"),
    Index("ix_changes_state", "project_id", "state", "planned_at"),
)
RUNS: Final = SqlTable(
    "runs",
    METADATA,
    Column("run_id", _TEXT, primary_key=True),
    Column("project_id", _TEXT, ForeignKey("projects.project_id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("state", _TEXT, nullable=False),
    # Always set; it may be NULL only because SQLite adds no other column to a table with rows.
    Column("requested_at", DateTime(timezone=True), nullable=True),
    Column("cluster_key", _TEXT, nullable=True),  # always set
    # The spec asked for as JSON; NULL where that is what ran.
    Column("asked", _TEXT, nullable=True),
    Column("execution_id", _TEXT, nullable=True),
    Column("cost_usd", Float, nullable=True),
    # Whether its deviation has a main cause; always set.
    Column("is_explained", Boolean, nullable=True),
    _body(),
    Index("ix_runs_project_id", "project_id", "ordinal"),
    Index("ix_runs_cluster_key", "project_id", "cluster_key", "ordinal", "asked"),
    Index("ix_runs_execution_id", "execution_id", "cost_usd"),
    Index("ix_runs_is_explained", "project_id", "is_explained", "ordinal"),
    Index("ix_runs_requested_at", "requested_at", "run_id"),
)
PROFILES: Final = SqlTable(
    "profiles",
    METADATA,
    Column("run_id", _TEXT, ForeignKey("runs.run_id"), primary_key=True),
    _body(),
)
RECOMMENDATIONS: Final = SqlTable(
    "recommendations",
    METADATA,
    Column("recommendation_id", _TEXT, primary_key=True),
    Column("project_id", _TEXT, ForeignKey("projects.project_id"), nullable=False),
    Column("parent_run_id", _TEXT, ForeignKey("runs.run_id"), nullable=False),
    Column("state", _TEXT, nullable=False),
    Column("drafted_at", DateTime(timezone=True), nullable=False),
    _body(),
    Index("ix_recommendations_project_id", "project_id", "drafted_at"),
    Index("ix_recommendations_drafted_at", "drafted_at", "recommendation_id"),
    Index("ix_recommendations_state", "project_id", "state", "drafted_at"),
    Index("ix_recommendations_parent_run_id", "parent_run_id"),
)
EXPERIMENTS: Final = SqlTable(
    "experiments",
    METADATA,
    Column("name", _TEXT, primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    _body(),
)
TRIALS: Final = SqlTable(
    "trials",
    METADATA,
    Column("trial_id", _TEXT, primary_key=True),
    Column("experiment", _TEXT, ForeignKey("experiments.name"), nullable=False),
    Column("project_id", _TEXT, ForeignKey("projects.project_id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("state", _TEXT, nullable=False),
    _body(),
    Index("ix_trials_experiment", "experiment", "ordinal"),
    Index("ix_trials_project_id", "project_id"),
)

"""First schema: projects, runs, profiles, recommendations, experiments, trials."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "projects",
        sa.Column("project_id", sa.String, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "experiments",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("project_id", sa.String, sa.ForeignKey("projects.project_id"), nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_runs_project_id", "runs", ["project_id", "ordinal"])
    op.create_table(
        "profiles",
        sa.Column("run_id", sa.String, sa.ForeignKey("runs.run_id"), primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "recommendations",
        sa.Column("recommendation_id", sa.String, primary_key=True),
        sa.Column("project_id", sa.String, sa.ForeignKey("projects.project_id"), nullable=False),
        sa.Column("parent_run_id", sa.String, sa.ForeignKey("runs.run_id"), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index(
        "ix_recommendations_project_id", "recommendations", ["project_id", "drafted_at"]
    )
    op.create_table(
        "trials",
        sa.Column("trial_id", sa.String, primary_key=True),
        sa.Column("experiment", sa.String, sa.ForeignKey("experiments.name"), nullable=False),
        sa.Column("project_id", sa.String, sa.ForeignKey("projects.project_id"), nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_trials_experiment", "trials", ["experiment", "ordinal"])


def downgrade() -> None:
    """Drop everything."""
    for table in ("trials", "recommendations", "profiles", "runs", "experiments", "projects"):
        op.drop_table(table)

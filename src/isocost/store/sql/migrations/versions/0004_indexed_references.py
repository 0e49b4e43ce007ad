"""Indexes for references that had none: without, removing a row reads the whole other table."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the indexes."""
    op.create_index("ix_recommendations_parent_run_id", "recommendations", ["parent_run_id"])
    op.create_index("ix_trials_project_id", "trials", ["project_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_trials_project_id", "trials")
    op.drop_index("ix_recommendations_parent_run_id", "recommendations")

"""The closed loop on a workspace: workspaces, executions and changes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables, and tell imported projects from others."""
    op.create_table(
        "workspaces",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.add_column("projects", sa.Column("workspace", sa.String, nullable=True))
    op.create_index("ix_projects_workspace", "projects", ["workspace"])
    op.create_table(
        "executions",
        sa.Column("execution_id", sa.String, primary_key=True),
        sa.Column("project_id", sa.String, sa.ForeignKey("projects.project_id"), nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_executions_project_id", "executions", ["project_id", "ordinal"])
    op.create_table(
        "changes",
        sa.Column("change_id", sa.String, primary_key=True),
        sa.Column("project_id", sa.String, sa.ForeignKey("projects.project_id"), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_changes_project_id", "changes", ["project_id", "planned_at"])


def downgrade() -> None:
    """Drop them."""
    for table in ("changes", "executions", "workspaces"):
        op.drop_table(table)
    op.drop_index("ix_projects_workspace", "projects")
    op.drop_column("projects", "workspace")

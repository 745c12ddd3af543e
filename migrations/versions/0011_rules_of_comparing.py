"""Changes of how a project's answers are compared, and the evaluations that are to be read again for one.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rule_change",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("evaluations", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("outputs", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_rule_change_project_id_project")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name=op.f("fk_rule_change_workspace_id_workspace")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_rule_change_created_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_change")),
    )
    op.create_index("ix_rule_change_project", "rule_change", ["project_id", "created_at"])
    op.create_table(
        "rereading",
        sa.Column("evaluation_id", sa.String(), nullable=False),
        sa.Column("change_id", sa.String(), nullable=False),
        sa.Column("example_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.Column("read", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["evaluation.id"], name=op.f("fk_rereading_evaluation_id_evaluation")
        ),
        sa.ForeignKeyConstraint(["change_id"], ["rule_change.id"], name=op.f("fk_rereading_change_id_rule_change")),
        sa.PrimaryKeyConstraint("evaluation_id", name=op.f("pk_rereading")),
    )
    op.create_index(op.f("ix_rereading_change_id"), "rereading", ["change_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_rereading_change_id"), "rereading")
    op.drop_table("rereading")
    op.drop_index("ix_rule_change_project", "rule_change")
    op.drop_table("rule_change")

"""The shares of an evaluation in columns, with what was worked out of them, for pages of thresholds.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tuning",
        sa.Column("evaluation_id", sa.String(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("layout", sa.JSON(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("fitted", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluation.id"], name=op.f("fk_tuning_evaluation_id_evaluation")),
        sa.PrimaryKeyConstraint("evaluation_id", "part", name=op.f("pk_tuning")),
    )
    if op.get_bind().dialect.name == "postgresql":  # probabilities do not compress, and pages read slices of them
        op.execute("ALTER TABLE tuning ALTER COLUMN packed SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.drop_table("tuning")

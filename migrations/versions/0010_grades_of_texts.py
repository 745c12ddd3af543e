"""What graders say of free texts.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "grade",
        sa.Column("evaluation_id", sa.String(), nullable=False),
        sa.Column("example_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("answer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("other_answer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluation.id"], name=op.f("fk_grade_evaluation_id_evaluation")),
        sa.ForeignKeyConstraint(["example_id"], ["example.id"], name=op.f("fk_grade_example_id_example")),
        sa.ForeignKeyConstraint(["answer_id"], ["answer.id"], name=op.f("fk_grade_answer_id_answer")),
        sa.ForeignKeyConstraint(["other_answer_id"], ["answer.id"], name=op.f("fk_grade_other_answer_id_answer")),
        sa.PrimaryKeyConstraint("evaluation_id", "example_id", "sample", name=op.f("pk_grade")),
    )


def downgrade() -> None:
    op.drop_table("grade")
    op.execute("UPDATE output SET reading = -1 WHERE reading = -2")  # what has no grade was unreadable before

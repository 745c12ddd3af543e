"""Finds the calls that were made for an example: pages that set answers side by side lead from each to its call.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OF_EXAMPLES = sa.text("example_id IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_call_example",
        "call",
        ["example_id", "prompt_version_id"],
        sqlite_where=OF_EXAMPLES,
        postgresql_where=OF_EXAMPLES,
    )


def downgrade() -> None:
    op.drop_index("ix_call_example", table_name="call")

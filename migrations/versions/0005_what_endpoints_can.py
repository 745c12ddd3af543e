"""What endpoints can do, what may replace them, and how much their providers take.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LIMITS = ("in_flight", "requests_per_minute", "tokens_per_minute")
FACTS = ("capabilities", "probed_at", "failed_at", "failure", "fallbacks", "fallback_counts")


def upgrade() -> None:
    for name in LIMITS:
        op.add_column("provider", sa.Column(name, sa.Integer(), nullable=True))
    for name, kind, default in (
        ("capabilities", sa.JSON(), "{}"),
        ("failure", sa.String(), ""),
        ("fallbacks", sa.JSON(), "[]"),
        ("fallback_counts", sa.Boolean(), sa.false()),
    ):
        op.add_column("endpoint", sa.Column(name, kind, nullable=False, server_default=default))
    for name in ("probed_at", "failed_at"):
        op.add_column("endpoint", sa.Column(name, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("endpoint") as batch:
        for name in FACTS:
            batch.drop_column(name)
    with op.batch_alter_table("provider") as batch:
        for name in LIMITS:
            batch.drop_column(name)

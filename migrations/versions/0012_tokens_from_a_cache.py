"""Tokens that a provider had in its cache, and what they cost, beside each call.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call", sa.Column("tokens_cached", sa.Integer(), nullable=True))
    op.add_column("call", sa.Column("price_cached_in", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("call", "price_cached_in")
    op.drop_column("call", "tokens_cached")

"""Prices with the moment from which they hold, and what was spent by day.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger()
COUNTS = ("calls", "failed", "answers", "tokens_in", "tokens_out", "cost", "unpriced")


def upgrade() -> None:
    op.create_table(
        "price",
        sa.Column("id", BIG.with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("endpoint_id", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, BIG, nullable=True) for name in ("price_in", "price_out", "price_cached_in")),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name="fk_price_endpoint_id_endpoint"),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name="fk_price_created_by_person"),
        sa.PrimaryKeyConstraint("id", name="pk_price"),
    )
    op.create_index("ix_price_endpoint", "price", ["endpoint_id", "valid_from"])
    op.execute(
        "INSERT INTO price (endpoint_id, valid_from, price_in, price_out, source, created_by) "
        "SELECT endpoint.id, endpoint.created_at, price_in, price_out, "
        "CASE WHEN provider.simulated THEN 'local' ELSE 'person' END, endpoint.created_by "
        "FROM endpoint JOIN provider ON provider.id = endpoint.provider_id "
        "WHERE price_in IS NOT NULL OR price_out IS NOT NULL ORDER BY endpoint.id"
    )
    with op.batch_alter_table("endpoint") as endpoint:
        endpoint.drop_column("price_in")
        endpoint.drop_column("price_out")
    _add_spend()


def _add_spend() -> None:
    op.create_table(
        "spend",
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("project_id", "endpoint_id", "purpose")),
        *(sa.Column(name, BIG, nullable=False) for name in COUNTS),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name="fk_spend_endpoint_id_endpoint"),
        sa.PrimaryKeyConstraint("day", "project_id", "endpoint_id", "purpose", name="pk_spend"),
    )
    op.create_index("ix_spend_project", "spend", ["project_id", "day"])
    op.create_index("ix_spend_endpoint", "spend", ["endpoint_id"])
    utc = "created_at AT TIME ZONE 'UTC'" if op.get_bind().dialect.name == "postgresql" else "created_at"
    op.execute(
        "INSERT INTO spend (day, project_id, endpoint_id, purpose, calls, failed, answers, tokens_in, tokens_out, "  # noqa: S608
        "cost, unpriced) "
        f"SELECT date({utc}), coalesce(project_id, ''), coalesce(served_by, endpoint_id), purpose, sum(attempts), "
        "sum(CASE WHEN ok THEN 0 ELSE 1 END), sum(CASE WHEN ok THEN 1 ELSE 0 END), "
        "sum(CASE WHEN ok THEN coalesce(tokens_in, 0) ELSE 0 END), "
        "sum(CASE WHEN ok THEN coalesce(tokens_out, 0) ELSE 0 END), "
        "sum(coalesce(cost, 0)), sum(CASE WHEN ok AND cost IS NULL THEN 1 ELSE 0 END) "
        "FROM call GROUP BY 1, 2, 3, 4"
    )


def downgrade() -> None:
    op.drop_table("spend")
    with op.batch_alter_table("endpoint") as endpoint:
        endpoint.add_column(sa.Column("price_in", BIG, nullable=True))
        endpoint.add_column(sa.Column("price_out", BIG, nullable=True))
    for name in ("price_in", "price_out"):
        op.execute(
            f"UPDATE endpoint SET {name} = (SELECT price.{name} FROM price WHERE price.endpoint_id = endpoint.id "  # noqa: S608
            "AND price.valid_from <= CURRENT_TIMESTAMP ORDER BY price.valid_from DESC, price.id DESC LIMIT 1)"
        )
    op.drop_table("price")

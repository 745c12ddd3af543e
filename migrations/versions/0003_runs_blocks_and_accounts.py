"""Runs and blocks, accounts with caps, calls with their prices and expiring bodies.

Revision ID: 0003
Revises: 0002
"""

import json
import zlib
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger()
TIME = sa.DateTime(timezone=True)
KINDS = ("calls", "tokens", "cost")


def upgrade() -> None:
    _add_accounts()
    _add_runs()
    _change_calls()
    _change_campaigns()
    _change_ledger()
    with op.batch_alter_table("job") as job:
        job.add_column(sa.Column("party", sa.String(), nullable=True))
        job.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
        job.add_column(sa.Column("holder", sa.String(), nullable=False, server_default=""))
        job.create_index("ix_job_party", ["kind", "status", "party", "priority", "next_at"])
    with op.batch_alter_table("output") as output:
        output.add_column(sa.Column("served_by", sa.String(), nullable=True))
        output.add_column(sa.Column("counts", sa.Boolean(), nullable=False, server_default=sa.true()))
        output.drop_index("ix_output_answer")
        output.create_foreign_key("fk_output_served_by_endpoint", "endpoint", ["served_by"], ["id"])
    with op.batch_alter_table("project") as project:
        project.add_column(sa.Column("body_days", sa.Integer(), nullable=False, server_default="30"))


def _add_accounts() -> None:
    names = [f"{name}_{kind}" for name in ("spent", "forfeited", "reserved") for kind in KINDS]
    op.create_table(
        "account",
        sa.Column("id", sa.String(), nullable=False),
        *(sa.Column(name, BIG, nullable=False) for name in names),
        *(sa.Column(f"cap_{kind}", BIG, nullable=True) for kind in KINDS),
        sa.Column("unpriced", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
    )
    op.execute(
        f"INSERT INTO account (id, {', '.join(names)}, cap_calls, unpriced) "  # noqa: S608 - names of columns
        "SELECT 'campaign:' || id, calls_spent, tokens, coalesce(cost, 0), calls_reserved, 0, 0, 0, 0, 0, max_calls, "
        "CASE WHEN cost IS NULL THEN 1 ELSE 0 END FROM campaign"
    )


def _add_runs() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("project_id", "evaluation_id", "account_id")),
        sa.Column("campaign_id", sa.String(), nullable=True),
        sa.Column("round", sa.Integer(), nullable=True),
        sa.Column("upto", sa.Integer(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("temperature", sa.Double(), nullable=False),
        sa.Column("max_tokens", sa.Integer(), nullable=False),
        sa.Column("keep_calls", sa.Integer(), nullable=False),
        sa.Column("count_fallbacks", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("total", "done", "reused", "elsewhere", "blocks", "blocks_done")
        ),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_run_{column}_{table}")
            for column, table in (
                ("account_id", "account"), ("campaign_id", "campaign"), ("created_by", "person"),
                ("evaluation_id", "evaluation"), ("project_id", "project"), ("workspace_id", "workspace"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
    )  # fmt: skip
    op.create_index("ix_run_evaluation", "run", ["evaluation_id", "created_at"])
    op.create_index("ix_run_campaign", "run", ["campaign_id", "status"])
    ordered = {"sqlite_where": sa.text("campaign_id IS NULL"), "postgresql_where": sa.text("campaign_id IS NULL")}
    op.create_index("ix_run_ordered", "run", ["project_id", "created_at", "id"], **ordered)
    op.create_table(
        "block",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("sample", "first", "upto", "done", "elsewhere")),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_block_run_id_run"),
        sa.PrimaryKeyConstraint("id", name="pk_block"),
        sa.UniqueConstraint("run_id", "sample", "first", name="uq_block_run_id_sample_first"),
    )
    op.create_index("ix_block_open", "block", ["run_id", "finished_at"])
    op.create_table(
        "asking",
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("request_hash", name="pk_asking"),
    )
    op.create_index("ix_asking_subject", "asking", ["subject"])


def _change_calls() -> None:
    with op.batch_alter_table("call") as call:
        for name, table in (("project_id", "project"), ("run_id", "run"), ("served_by", "endpoint")):
            call.add_column(sa.Column(name, sa.String(), nullable=True))
            call.create_foreign_key(f"fk_call_{name}_{table}", table, [name], ["id"])
        call.add_column(sa.Column("sample", sa.Integer(), nullable=False, server_default="0"))
        call.add_column(sa.Column("price_in", BIG, nullable=True))
        call.add_column(sa.Column("price_out", BIG, nullable=True))
        call.add_column(sa.Column("body", sa.LargeBinary(), nullable=True))
        call.add_column(sa.Column("expires_at", TIME, nullable=True))
        for index in ("ix_call_ok", "ix_call_purpose", "ix_call_campaign"):
            call.drop_index(index)
    _rewrite(("request", "reply"), ("body",), lambda request, reply: (_packed(request, reply),))
    op.execute(
        "UPDATE call SET project_id = (SELECT project_id FROM campaign WHERE campaign.id = call.campaign_id) "
        "WHERE campaign_id IS NOT NULL"
    )
    with op.batch_alter_table("call") as call:
        call.drop_column("request")
        call.drop_column("reply")
    _rare("ix_call_purpose", ["holdout", "purpose", "created_at", "id"], "purpose <> 'task'")
    _rare("ix_call_failed", ["holdout", "created_at", "id"], "NOT ok", "ok = 0")
    _rare("ix_call_campaign", ["campaign_id", "holdout", "created_at", "id"], "campaign_id IS NOT NULL")
    _rare("ix_call_run", ["run_id", "holdout", "created_at", "id"], "run_id IS NOT NULL")
    _rare("ix_call_expiry", ["expires_at"], "expires_at IS NOT NULL")


def _rare(name: str, columns: list[str], where: str, sqlite: str = "") -> None:
    op.create_index(name, "call", columns, postgresql_where=sa.text(where), sqlite_where=sa.text(sqlite or where))


def _packed(request: bytes | None, reply: str) -> bytes:
    said = json.loads(zlib.decompress(request)) if request else None
    return zlib.compress(json.dumps([reply, said], ensure_ascii=False).encode())


def _rewrite(old: tuple[str, ...], new: tuple[str, ...], change: Callable[..., tuple[Any, ...]]) -> None:
    """Fill columns of every call from other columns of it, some rows at a time."""
    call = sa.table("call", sa.column("id"), *(sa.column(name) for name in (*old, *new)))
    here, last = op.get_bind(), ""
    while True:
        columns = [call.c.id, *(call.c[name] for name in old)]
        rows = here.execute(sa.select(*columns).where(call.c.id > last).order_by(call.c.id).limit(1000)).all()
        if not rows:
            return
        last = rows[-1][0]
        changed = [{"row": row[0], **dict(zip(new, change(*row[1:]), strict=True))} for row in rows]
        values = {name: sa.bindparam(name) for name in new}
        here.execute(sa.update(call).where(call.c.id == sa.bindparam("row")).values(values), changed)


def _change_campaigns() -> None:
    with op.batch_alter_table("campaign") as campaign:
        campaign.add_column(sa.Column("account_id", sa.String(), nullable=True))
    op.execute("UPDATE campaign SET account_id = 'campaign:' || id")
    with op.batch_alter_table("campaign") as campaign:
        campaign.alter_column("account_id", nullable=False)
        campaign.create_foreign_key("fk_campaign_account_id_account", "account", ["account_id"], ["id"])
        for name in ("calls_spent", "calls_reserved", "tokens", "cost"):
            campaign.drop_column(name)


def _change_ledger() -> None:
    """Entries are of holders that work now; nobody works during a migration, and what they held was moved."""
    op.drop_table("ledger_entry")
    names = [f"{name}_{kind}" for name in ("reserved", "forfeited") for kind in KINDS]
    op.create_table(
        "ledger_entry",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "subject", "lease_token")),
        sa.Column("accounts", sa.JSON(), nullable=False),
        *(sa.Column(name, BIG, nullable=False) for name in names),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_entry"),
    )
    op.create_index("ix_ledger_open", "ledger_entry", ["subject", "state"])


def downgrade() -> None:
    with op.batch_alter_table("project") as project:
        project.drop_column("body_days")
    with op.batch_alter_table("output") as output:
        output.drop_constraint("fk_output_served_by_endpoint", type_="foreignkey")
        output.create_index("ix_output_answer", ["answer_id"])
        output.drop_column("counts")
        output.drop_column("served_by")
    with op.batch_alter_table("job") as job:
        job.drop_index("ix_job_party")
        for name in ("holder", "priority", "party"):
            job.drop_column(name)
    _restore_ledger()
    _restore_campaigns()
    _restore_calls()
    op.drop_table("asking")
    op.drop_table("block")
    op.drop_table("run")
    op.drop_table("account")


def _restore_ledger() -> None:
    op.drop_table("ledger_entry")
    op.create_table(
        "ledger_entry",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "campaign_id", "lease_token")),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name="fk_ledger_entry_campaign_id_campaign"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_entry"),
    )
    op.create_index("ix_ledger_open", "ledger_entry", ["campaign_id", "state"])


def _restore_campaigns() -> None:
    with op.batch_alter_table("campaign") as campaign:
        campaign.add_column(sa.Column("calls_spent", sa.Integer(), nullable=False, server_default="0"))
        campaign.add_column(sa.Column("calls_reserved", sa.Integer(), nullable=False, server_default="0"))
        campaign.add_column(sa.Column("tokens", BIG, nullable=False, server_default="0"))
        campaign.add_column(sa.Column("cost", BIG, nullable=True))
    account = "FROM account WHERE account.id = campaign.account_id"
    op.execute(
        f"UPDATE campaign SET calls_spent = (SELECT spent_calls + forfeited_calls {account}), "  # noqa: S608
        f"tokens = (SELECT spent_tokens {account}), "
        f"cost = (SELECT CASE WHEN unpriced > 0 THEN NULL ELSE spent_cost END {account})"
    )
    with op.batch_alter_table("campaign") as campaign:
        campaign.drop_constraint("fk_campaign_account_id_account", type_="foreignkey")
        campaign.drop_column("account_id")


def _restore_calls() -> None:
    with op.batch_alter_table("call") as call:
        call.add_column(sa.Column("request", sa.LargeBinary(), nullable=True))
        call.add_column(sa.Column("reply", sa.String(), nullable=False, server_default=""))
    _rewrite(("body",), ("request", "reply"), _unpacked)
    for index in ("ix_call_purpose", "ix_call_failed", "ix_call_campaign", "ix_call_run", "ix_call_expiry"):
        op.drop_index(index, "call")
    with op.batch_alter_table("call") as call:
        for name, table in (("project_id", "project"), ("run_id", "run"), ("served_by", "endpoint")):
            call.drop_constraint(f"fk_call_{name}_{table}", type_="foreignkey")
            call.drop_column(name)
        for name in ("sample", "price_in", "price_out", "body", "expires_at"):
            call.drop_column(name)
        call.create_index("ix_call_ok", ["holdout", "ok", "created_at", "id"])
        call.create_index("ix_call_purpose", ["holdout", "purpose", "created_at", "id"])
        call.create_index("ix_call_campaign", ["campaign_id", "holdout", "created_at", "id"])


def _unpacked(body: bytes | None) -> tuple[bytes | None, str]:
    if body is None:
        return None, ""
    reply, request = json.loads(body if body[:1] == b"[" else zlib.decompress(body))
    return zlib.compress(json.dumps(request, ensure_ascii=False).encode()) if request else None, reply

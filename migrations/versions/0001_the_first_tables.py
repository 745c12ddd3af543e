"""The first tables.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("finish_reason", sa.String(), nullable=False),
        sa.Column("tokens_in", sa.Integer(), nullable=True),
        sa.Column("tokens_out", sa.Integer(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint("request_hash", "owner", "sample", name=op.f("uq_answer_request_hash_owner_sample")),
    )
    op.create_table(
        "heartbeat",
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("worker", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("poked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_job_kind_subject")),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index("ix_job_due", ["status", "next_at"], unique=False)

    op.create_table(
        "person",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_table(
        "workspace",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspace")),
    )
    op.create_table(
        "project",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("goal", sa.String(), nullable=False),
        sa.Column("smallest_gain", sa.Double(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_project_created_by_person")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name=op.f("fk_project_workspace_id_workspace")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
    )
    op.create_table(
        "provider",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("base_url", sa.String(), nullable=False),
        sa.Column("encrypted_key", sa.String(), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_provider_created_by_person")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name=op.f("fk_provider_workspace_id_workspace")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider")),
        sa.UniqueConstraint("workspace_id", "name", name=op.f("uq_provider_workspace_id_name")),
    )
    op.create_table(
        "endpoint",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("dropped", sa.JSON(), nullable=False),
        sa.Column("renamed", sa.JSON(), nullable=False),
        sa.Column("price_in", sa.BigInteger(), nullable=True),
        sa.Column("price_out", sa.BigInteger(), nullable=True),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_endpoint_created_by_person")),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_endpoint_provider_id_provider")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name=op.f("fk_endpoint_workspace_id_workspace")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoint")),
        sa.UniqueConstraint("provider_id", "name", name=op.f("uq_endpoint_provider_id_name")),
    )
    op.create_table(
        "prompt",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_prompt_created_by_person")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_prompt_project_id_project")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name=op.f("fk_prompt_workspace_id_workspace")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt")),
    )
    with op.batch_alter_table("prompt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_prompt_project_id"), ["project_id"], unique=False)

    op.create_table(
        "test_set",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_test_set_created_by_person")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_test_set_project_id_project")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name=op.f("fk_test_set_workspace_id_workspace")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_set")),
    )
    with op.batch_alter_table("test_set", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_test_set_project_id"), ["project_id"], unique=False)

    op.create_table(
        "upload",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("preview", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_upload_created_by_person")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_upload_project_id_project")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name=op.f("fk_upload_workspace_id_workspace")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
    )
    op.create_table(
        "example",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("test_set_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("input", sa.String(), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.Column("group", sa.String(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("meta", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["test_set_id"], ["test_set.id"], name=op.f("fk_example_test_set_id_test_set")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_example")),
        sa.UniqueConstraint("test_set_id", "key", name=op.f("uq_example_test_set_id_key")),
    )
    op.create_table(
        "prompt_version",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("prompt_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("endpoint_id", sa.String(), nullable=True),
        sa.Column("campaign_id", sa.String(), nullable=True),
        sa.Column("round", sa.Integer(), nullable=True),
        sa.Column("parents", sa.JSON(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_prompt_version_created_by_person")),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name=op.f("fk_prompt_version_endpoint_id_endpoint")),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name=op.f("fk_prompt_version_prompt_id_prompt")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_prompt_version_workspace_id_workspace")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt_version")),
        sa.UniqueConstraint("prompt_id", "content_hash", name=op.f("uq_prompt_version_prompt_id_content_hash")),
        sa.UniqueConstraint("prompt_id", "number", name=op.f("uq_prompt_version_prompt_id_number")),
    )
    with op.batch_alter_table("prompt_version", schema=None) as batch_op:
        batch_op.create_index("ix_prompt_version_campaign", ["campaign_id", "round"], unique=False)

    op.create_table(
        "test_set_version",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("test_set_id", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("split_seed", sa.Integer(), nullable=False),
        sa.Column("splits", sa.JSON(), nullable=False),
        sa.Column("label_counts", sa.JSON(), nullable=False),
        sa.Column("imported", sa.JSON(), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.Column("forbidden", sa.LargeBinary(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_test_set_version_created_by_person")),
        sa.ForeignKeyConstraint(
            ["test_set_id"], ["test_set.id"], name=op.f("fk_test_set_version_test_set_id_test_set")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_test_set_version_workspace_id_workspace")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_set_version")),
        sa.UniqueConstraint(
            "test_set_id",
            "content_hash",
            "split_seed",
            name=op.f("uq_test_set_version_test_set_id_content_hash_split_seed"),
        ),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("start_version_id", sa.String(), nullable=False),
        sa.Column("task_endpoint_id", sa.String(), nullable=False),
        sa.Column("generators", sa.JSON(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("max_calls", sa.Integer(), nullable=False),
        sa.Column("max_rounds", sa.Integer(), nullable=False),
        sa.Column("command_key", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("stopped_because", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("calls_spent", sa.Integer(), nullable=False),
        sa.Column("calls_reserved", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("settled_rounds", sa.Integer(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=True),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("best_version_id", sa.String(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["best_version_id"], ["prompt_version.id"], name=op.f("fk_campaign_best_version_id_prompt_version")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_campaign_created_by_person")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_campaign_project_id_project")),
        sa.ForeignKeyConstraint(
            ["start_version_id"], ["prompt_version.id"], name=op.f("fk_campaign_start_version_id_prompt_version")
        ),
        sa.ForeignKeyConstraint(
            ["task_endpoint_id"], ["endpoint.id"], name=op.f("fk_campaign_task_endpoint_id_endpoint")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["test_set_version.id"], name=op.f("fk_campaign_version_id_test_set_version")
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name=op.f("fk_campaign_workspace_id_workspace")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("project_id", "number", name=op.f("uq_campaign_project_id_number")),
    )
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.create_index("ix_campaign_command", ["command_key", "status"], unique=False)

    op.create_table(
        "evaluation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("prompt_version_id", sa.String(), nullable=False),
        sa.Column("endpoint_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("split", sa.String(), nullable=False),
        sa.Column("settings_hash", sa.String(), nullable=False),
        sa.Column("goal", sa.String(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=False),
        sa.Column("unreadable", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name=op.f("fk_evaluation_endpoint_id_endpoint")),
        sa.ForeignKeyConstraint(
            ["prompt_version_id"], ["prompt_version.id"], name=op.f("fk_evaluation_prompt_version_id_prompt_version")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["test_set_version.id"], name=op.f("fk_evaluation_version_id_test_set_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation")),
        sa.UniqueConstraint(
            "prompt_version_id",
            "endpoint_id",
            "version_id",
            "split",
            "settings_hash",
            name=op.f("uq_evaluation_prompt_version_id_endpoint_id_version_id_split_settings_hash"),
        ),
    )
    with op.batch_alter_table("evaluation", schema=None) as batch_op:
        batch_op.create_index("ix_evaluation_board", ["version_id", "split", "endpoint_id"], unique=False)

    op.create_table(
        "placement",
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("example_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("label", sa.Integer(), nullable=False),
        sa.Column("split", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["example_id"], ["example.id"], name=op.f("fk_placement_example_id_example")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["test_set_version.id"], name=op.f("fk_placement_version_id_test_set_version")
        ),
        sa.PrimaryKeyConstraint("version_id", "example_id", name=op.f("pk_placement")),
    )
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.create_index("ix_placement_order", ["version_id", "split", "position"], unique=True)

    op.create_table(
        "ask",
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("seat", sa.String(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("answer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("exhausted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["answer.id"], name=op.f("fk_ask_answer_id_answer")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_ask_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("campaign_id", "round", "key", name=op.f("pk_ask")),
    )
    op.create_table(
        "battle",
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("left_endpoint_id", sa.String(), nullable=False),
        sa.Column("right_endpoint_id", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("rated", sa.Boolean(), nullable=False),
        sa.Column("walkover", sa.Boolean(), nullable=False),
        sa.Column("decisive", sa.Boolean(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("left_value", sa.Double(), nullable=True),
        sa.Column("right_value", sa.Double(), nullable=True),
        sa.Column("difference", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("evidence", sa.String(), nullable=True),
        sa.Column("only_left", sa.Integer(), nullable=False),
        sa.Column("only_right", sa.Integer(), nullable=False),
        sa.Column("both_right", sa.Integer(), nullable=False),
        sa.Column("both_wrong", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_battle_campaign_id_campaign")),
        sa.ForeignKeyConstraint(
            ["left_endpoint_id"], ["endpoint.id"], name=op.f("fk_battle_left_endpoint_id_endpoint")
        ),
        sa.ForeignKeyConstraint(
            ["right_endpoint_id"], ["endpoint.id"], name=op.f("fk_battle_right_endpoint_id_endpoint")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "round", name=op.f("pk_battle")),
    )
    with op.batch_alter_table("battle", schema=None) as batch_op:
        batch_op.create_index(
            "ix_battle_pairs", ["rated", "left_endpoint_id", "right_endpoint_id", "outcome"], unique=False
        )

    op.create_table(
        "call",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("endpoint_id", sa.String(), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=True),
        sa.Column("round", sa.Integer(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("prompt_version_id", sa.String(), nullable=True),
        sa.Column("example_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("holdout", sa.Boolean(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        sa.Column("tokens_in", sa.Integer(), nullable=True),
        sa.Column("tokens_out", sa.Integer(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("finish_reason", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=True),
        sa.Column("reply", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_call_campaign_id_campaign")),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name=op.f("fk_call_endpoint_id_endpoint")),
        sa.ForeignKeyConstraint(["example_id"], ["example.id"], name=op.f("fk_call_example_id_example")),
        sa.ForeignKeyConstraint(
            ["prompt_version_id"], ["prompt_version.id"], name=op.f("fk_call_prompt_version_id_prompt_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
    )
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.create_index("ix_call_campaign", ["campaign_id", "holdout", "created_at", "id"], unique=False)
        batch_op.create_index("ix_call_endpoint", ["holdout", "endpoint_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_call_log", ["holdout", "created_at", "id"], unique=False)
        batch_op.create_index("ix_call_ok", ["holdout", "ok", "created_at", "id"], unique=False)
        batch_op.create_index("ix_call_purpose", ["holdout", "purpose", "created_at", "id"], unique=False)

    op.create_table(
        "campaign_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("fk_campaign_event_asked_by_person")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_event_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_event")),
    )
    with op.batch_alter_table("campaign_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_campaign_event_campaign_id"), ["campaign_id"], unique=False)

    op.create_table(
        "candidate",
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("seat", sa.String(), nullable=False),
        sa.Column("endpoint_id", sa.String(), nullable=False),
        sa.Column("prompt_version_id", sa.String(), nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("refusal_rule", sa.String(), nullable=True),
        sa.Column("refusal_detail", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=False),
        sa.Column("unreadable", sa.Integer(), nullable=False),
        sa.Column("dropped_at", sa.Integer(), nullable=True),
        sa.Column("entered", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_candidate_campaign_id_campaign")),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name=op.f("fk_candidate_endpoint_id_endpoint")),
        sa.ForeignKeyConstraint(
            ["prompt_version_id"], ["prompt_version.id"], name=op.f("fk_candidate_prompt_version_id_prompt_version")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "round", "seat", name=op.f("pk_candidate")),
    )
    with op.batch_alter_table("candidate", schema=None) as batch_op:
        batch_op.create_index("ix_candidate_endpoint", ["endpoint_id"], unique=False)
        batch_op.create_index("ix_candidate_version", ["prompt_version_id"], unique=False)

    op.create_table(
        "champion",
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("task_endpoint_id", sa.String(), nullable=False),
        sa.Column("prompt_version_id", sa.String(), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("proved", sa.Boolean(), nullable=False),
        sa.Column("split", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_champion_campaign_id_campaign")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_champion_project_id_project")),
        sa.ForeignKeyConstraint(
            ["prompt_version_id"], ["prompt_version.id"], name=op.f("fk_champion_prompt_version_id_prompt_version")
        ),
        sa.ForeignKeyConstraint(
            ["task_endpoint_id"], ["endpoint.id"], name=op.f("fk_champion_task_endpoint_id_endpoint")
        ),
        sa.PrimaryKeyConstraint("project_id", "task_endpoint_id", name=op.f("pk_champion")),
    )
    op.create_table(
        "holdout_opening",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_holdout_opening_campaign_id_campaign")),
        sa.ForeignKeyConstraint(["opened_by"], ["person.id"], name=op.f("fk_holdout_opening_opened_by_person")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["test_set_version.id"], name=op.f("fk_holdout_opening_version_id_test_set_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holdout_opening")),
        sa.UniqueConstraint("campaign_id", name=op.f("uq_holdout_opening_campaign_id")),
        sa.UniqueConstraint("version_id", "number", name=op.f("uq_holdout_opening_version_id_number")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("lease_token", sa.String(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_ledger_entry_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
    )
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_open", ["campaign_id", "state"], unique=False)

    op.create_table(
        "output",
        sa.Column("evaluation_id", sa.String(), nullable=False),
        sa.Column("example_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.Column("reading", sa.Integer(), nullable=False),
        sa.Column("label", sa.Integer(), nullable=False),
        sa.Column("answer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["answer.id"], name=op.f("fk_output_answer_id_answer")),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluation.id"], name=op.f("fk_output_evaluation_id_evaluation")),
        sa.ForeignKeyConstraint(["example_id"], ["example.id"], name=op.f("fk_output_example_id_example")),
        sa.PrimaryKeyConstraint("evaluation_id", "example_id", "sample", name=op.f("pk_output")),
    )
    with op.batch_alter_table("output", schema=None) as batch_op:
        batch_op.create_index("ix_output_answer", ["answer_id"], unique=False)

    op.create_table(
        "pool_entry",
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("prompt_version_id", sa.String(), nullable=False),
        sa.Column("entered_round", sa.Integer(), nullable=False),
        sa.Column("left_round", sa.Integer(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_pool_entry_campaign_id_campaign")),
        sa.ForeignKeyConstraint(
            ["prompt_version_id"], ["prompt_version.id"], name=op.f("fk_pool_entry_prompt_version_id_prompt_version")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "prompt_version_id", name=op.f("pk_pool_entry")),
    )
    op.create_table(
        "round",
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=True),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("champion_version_id", sa.String(), nullable=True),
        sa.Column("champion_changed", sa.Boolean(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("calls_before", sa.Integer(), nullable=False),
        sa.Column("calls_after", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_round_campaign_id_campaign")),
        sa.ForeignKeyConstraint(
            ["champion_version_id"], ["prompt_version.id"], name=op.f("fk_round_champion_version_id_prompt_version")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_round")),
    )
    op.create_table(
        "used_answer",
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("answer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["answer.id"], name=op.f("fk_used_answer_answer_id_answer")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_used_answer_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("campaign_id", "answer_id", name=op.f("pk_used_answer")),
    )
    with op.batch_alter_table("used_answer", schema=None) as batch_op:
        batch_op.create_index("ix_used_answer_round", ["campaign_id", "round"], unique=False)
    op.execute("INSERT INTO workspace (id, name) VALUES ('main', 'Main')")
    op.execute("INSERT INTO person (id, name) VALUES ('owner', 'Owner')")


def downgrade() -> None:
    with op.batch_alter_table("used_answer", schema=None) as batch_op:
        batch_op.drop_index("ix_used_answer_round")

    op.drop_table("used_answer")
    op.drop_table("round")
    op.drop_table("pool_entry")
    with op.batch_alter_table("output", schema=None) as batch_op:
        batch_op.drop_index("ix_output_answer")

    op.drop_table("output")
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_ledger_open")

    op.drop_table("ledger_entry")
    op.drop_table("holdout_opening")
    op.drop_table("champion")
    with op.batch_alter_table("candidate", schema=None) as batch_op:
        batch_op.drop_index("ix_candidate_version")
        batch_op.drop_index("ix_candidate_endpoint")

    op.drop_table("candidate")
    with op.batch_alter_table("campaign_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_campaign_event_campaign_id"))

    op.drop_table("campaign_event")
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.drop_index("ix_call_purpose")
        batch_op.drop_index("ix_call_ok")
        batch_op.drop_index("ix_call_log")
        batch_op.drop_index("ix_call_endpoint")
        batch_op.drop_index("ix_call_campaign")

    op.drop_table("call")
    with op.batch_alter_table("battle", schema=None) as batch_op:
        batch_op.drop_index("ix_battle_pairs")

    op.drop_table("battle")
    op.drop_table("ask")
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.drop_index("ix_placement_order")

    op.drop_table("placement")
    with op.batch_alter_table("evaluation", schema=None) as batch_op:
        batch_op.drop_index("ix_evaluation_board")

    op.drop_table("evaluation")
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.drop_index("ix_campaign_command")

    op.drop_table("campaign")
    op.drop_table("test_set_version")
    with op.batch_alter_table("prompt_version", schema=None) as batch_op:
        batch_op.drop_index("ix_prompt_version_campaign")

    op.drop_table("prompt_version")
    op.drop_table("example")
    op.drop_table("upload")
    with op.batch_alter_table("test_set", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_test_set_project_id"))

    op.drop_table("test_set")
    with op.batch_alter_table("prompt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_prompt_project_id"))

    op.drop_table("prompt")
    op.drop_table("endpoint")
    op.drop_table("provider")
    op.drop_table("project")
    op.drop_table("workspace")
    op.drop_table("person")
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index("ix_job_due")

    op.drop_table("job")
    op.drop_table("heartbeat")
    op.drop_table("answer")

"""What an answer can be, how a test set was split, probabilities and thresholds, and openings of the holdout by people.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

LABELS = '{"kind": "label"}'


def upgrade() -> None:
    with op.batch_alter_table("project") as project:
        project.add_column(sa.Column("answers", sa.JSON(), nullable=False, server_default=LABELS))
    with op.batch_alter_table("prompt_version") as version:
        version.add_column(sa.Column("format", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("test_set_version") as version:
        version.add_column(sa.Column("plan", sa.JSON(), nullable=False, server_default="{}"))
        version.add_column(sa.Column("holdout_hash", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("example") as example:
        example.add_column(sa.Column("at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("placement") as placement:
        placement.add_column(sa.Column("reference", sa.String(), nullable=True))
    with op.batch_alter_table("output") as output:
        output.add_column(sa.Column("score", sa.Double(), nullable=True))
    with op.batch_alter_table("answer") as answer:
        answer.add_column(sa.Column("tokens", sa.LargeBinary(), nullable=True))
        answer.add_column(sa.Column("used_format", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("evaluation") as evaluation:
        evaluation.add_column(sa.Column("summary", sa.JSON(), nullable=True))
    _widen(sa.BigInteger(), sa.Integer())
    _change_openings()
    _add_probabilities()
    _add_thresholds()


def _widen(to: sa.types.TypeEngine[int], was: sa.types.TypeEngine[int]) -> None:
    """A code of several labels or fields needs 62 bits; SQLite's integers have them."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("placement", "label", type_=to, existing_type=was)
        op.alter_column("output", "label", type_=to, existing_type=was)
        op.alter_column("output", "reading", type_=to, existing_type=was)


def _change_openings() -> None:
    with op.batch_alter_table("holdout_opening") as opening:
        opening.alter_column("campaign_id", existing_type=sa.String(), nullable=True)
        opening.add_column(sa.Column("holdout_hash", sa.String(), nullable=False, server_default=""))
        opening.add_column(sa.Column("prompt_version_id", sa.String(), nullable=True))
        opening.add_column(sa.Column("against_version_id", sa.String(), nullable=True))
        opening.add_column(sa.Column("endpoint_id", sa.String(), nullable=True))
        opening.add_column(sa.Column("report", sa.JSON(), nullable=True))
        opening.add_column(sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True))
        opening.create_foreign_key(
            op.f("fk_holdout_opening_prompt_version_id_prompt_version"), "prompt_version", ["prompt_version_id"], ["id"]
        )
        opening.create_foreign_key(
            op.f("fk_holdout_opening_against_version_id_prompt_version"),
            "prompt_version",
            ["against_version_id"],
            ["id"],
        )
        opening.create_foreign_key(op.f("fk_holdout_opening_endpoint_id_endpoint"), "endpoint", ["endpoint_id"], ["id"])
    op.create_index("ix_holdout_opening_holdout", "holdout_opening", ["holdout_hash", "number"])
    with op.batch_alter_table("run") as run:
        run.add_column(sa.Column("opening_id", sa.String(), nullable=True))
        run.create_foreign_key(op.f("fk_run_opening_id_holdout_opening"), "holdout_opening", ["opening_id"], ["id"])
    op.create_index("ix_run_opening", "run", ["opening_id"])


def _add_probabilities() -> None:
    op.create_table(
        "probability",
        sa.Column("evaluation_id", sa.String(), nullable=False),
        sa.Column("example_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.Column("shares", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("uncertain", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["evaluation.id"], name=op.f("fk_probability_evaluation_id_evaluation")
        ),
        sa.ForeignKeyConstraint(["example_id"], ["example.id"], name=op.f("fk_probability_example_id_example")),
        sa.PrimaryKeyConstraint("evaluation_id", "example_id", "sample", name=op.f("pk_probability")),
    )


def _add_thresholds() -> None:
    op.create_table(
        "threshold",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("prompt_version_id", sa.String(), nullable=False),
        sa.Column("endpoint_id", sa.String(), nullable=False),
        sa.Column("evaluation_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("chosen", sa.JSON(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_threshold_project_id_project")),
        sa.ForeignKeyConstraint(
            ["prompt_version_id"], ["prompt_version.id"], name=op.f("fk_threshold_prompt_version_id_prompt_version")
        ),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name=op.f("fk_threshold_endpoint_id_endpoint")),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["evaluation.id"], name=op.f("fk_threshold_evaluation_id_evaluation")
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name=op.f("fk_threshold_workspace_id_workspace")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_threshold_created_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threshold")),
    )
    op.create_index("ix_threshold_version", "threshold", ["prompt_version_id", "endpoint_id", "created_at"])


def downgrade() -> None:
    op.drop_table("threshold")
    op.drop_table("probability")
    _restore_openings()
    _widen(sa.Integer(), sa.BigInteger())
    for table, column in (
        ("evaluation", "summary"),
        ("answer", "used_format"),
        ("answer", "tokens"),
        ("output", "score"),
        ("placement", "reference"),
        ("example", "at"),
        ("test_set_version", "holdout_hash"),
        ("test_set_version", "plan"),
        ("prompt_version", "format"),
        ("project", "answers"),
    ):
        with op.batch_alter_table(table) as altered:
            altered.drop_column(column)


def _restore_openings() -> None:
    """An opening that no campaign made has no place in the older table."""
    op.drop_index("ix_run_opening", "run")
    with op.batch_alter_table("run") as run:
        run.drop_constraint(op.f("fk_run_opening_id_holdout_opening"), type_="foreignkey")
        run.drop_column("opening_id")
    op.drop_index("ix_holdout_opening_holdout", "holdout_opening")
    op.execute("DELETE FROM holdout_opening WHERE campaign_id IS NULL")
    with op.batch_alter_table("holdout_opening") as opening:
        opening.drop_constraint(op.f("fk_holdout_opening_endpoint_id_endpoint"), type_="foreignkey")
        opening.drop_constraint(op.f("fk_holdout_opening_against_version_id_prompt_version"), type_="foreignkey")
        opening.drop_constraint(op.f("fk_holdout_opening_prompt_version_id_prompt_version"), type_="foreignkey")
        for column in (
            "finished_at", "report", "endpoint_id", "against_version_id", "prompt_version_id", "holdout_hash",
        ):  # fmt: skip
            opening.drop_column(column)
        opening.alter_column("campaign_id", existing_type=sa.String(), nullable=False)

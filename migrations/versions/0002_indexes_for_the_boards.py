"""Indexes for the boards: lists are read in their order, scores by prompt version.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_project_newest", "project", ["created_at", "id"])
    op.create_index("ix_campaign_newest", "campaign", ["created_at", "id"])
    op.create_index("ix_upload_waiting", "upload", ["status", "created_at"])
    op.drop_index("ix_evaluation_board", "evaluation")


def downgrade() -> None:
    op.create_index("ix_evaluation_board", "evaluation", ["version_id", "split", "endpoint_id"])
    op.drop_index("ix_upload_waiting", "upload")
    op.drop_index("ix_campaign_newest", "campaign")
    op.drop_index("ix_project_newest", "project")

"""Indexes that the statistics of a space are counted from without reading its rows."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OPEN = sa.text("state <> 'succeeded'")
REDO = sa.text("reason >= 'LLM_FAILED' AND reason < 'LLM_FAILEE'")


def upgrade() -> None:
    op.create_index(
        "ix_memories_counts",
        "memories",
        [
            *("tenant", "space", "token_count", "state"),
            *("version", "indexed_version", "indexed_version_1", "consolidated_version"),
        ],
    )
    op.create_index("ix_turns_counts", "turns", ["tenant", "space", "token_count", "disposition"])
    op.create_index("ix_turns_redo", "turns", ["tenant", "space", "reason"], sqlite_where=REDO, postgresql_where=REDO)
    op.create_index(
        "ix_jobs_open",
        "jobs",
        ["tenant", "space", "state", "kind", "create_time"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_open", "jobs")
    op.drop_index("ix_turns_redo", "turns")
    op.drop_index("ix_turns_counts", "turns")
    op.drop_index("ix_memories_counts", "memories")

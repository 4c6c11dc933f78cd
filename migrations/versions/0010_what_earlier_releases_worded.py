"""An index of the memories that an earlier release worded, until the own words of their turns replace them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OUTDATED = sa.text(
    "compressor = 'rules/1' AND (state IN ('active', 'left_out') OR (state = 'superseded' AND superseded_by <> ''))"
)


def upgrade() -> None:
    op.create_index(
        "ix_memories_outdated",
        "memories",
        [
            *("tenant", "space", "user_id", "agent_id", "session_id", "event_time", "ordinal"),
            *("compressor", "state", "superseded_by"),
        ],
        sqlite_where=OUTDATED,
        postgresql_where=OUTDATED,
    )


def downgrade() -> None:
    op.drop_index("ix_memories_outdated", "memories")
    op.execute("DELETE FROM jobs WHERE kind = 'rewrite'")

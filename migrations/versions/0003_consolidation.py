"""What consolidation has looked at, what superseded and contradicts what, and what memories were made of."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FRESH = sa.text("state = 'active' AND consolidated_version <> version")
SUPERSEDED = sa.text("superseded_by <> ''")


def columns() -> dict[str, tuple[sa.Column, ...]]:
    return {
        "memories": (
            sa.Column("consolidated_version", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("superseded_by", sa.Text(), nullable=False, server_default=""),
            sa.Column("supersede_time", sa.DateTime(timezone=True), nullable=True),
            sa.Column("conflicts_with", sa.JSON(), nullable=False, server_default="[]"),
            sa.Column("pinned", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("use_count", sa.BigInteger(), nullable=False, server_default="0"),
            sa.Column("last_use_time", sa.DateTime(timezone=True), nullable=True),
        ),
        "changes": (sa.Column("reason", sa.Text(), nullable=False, server_default=""),),
        "jobs": (sa.Column("priority", sa.Integer(), nullable=False, server_default="0"),),
    }


def upgrade() -> None:
    for table, added in columns().items():
        for column in added:
            op.add_column(table, column)
    op.create_index(
        "ix_memories_unconsolidated",
        "memories",
        ["tenant", "space", "user_id", "agent_id", "ordinal"],
        sqlite_where=FRESH,
        postgresql_where=FRESH,
    )
    op.create_index(
        "ix_memories_superseded_by",
        "memories",
        ["tenant", "space", "superseded_by"],
        sqlite_where=SUPERSEDED,
        postgresql_where=SUPERSEDED,
    )
    # Earlier releases made no memory of others, so the table begins empty.
    op.create_table(
        "memory_origins",
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("origin_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ordinal"], ["memories.ordinal"], name=op.f("fk_memory_origins_memories"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ordinal", "origin_id", name=op.f("pk_memory_origins")),
    )
    op.create_index("ix_memory_origins_origin", "memory_origins", ["origin_id"])


def downgrade() -> None:
    # Jobs and states that the earlier release does not know would break its lists.
    op.execute("DELETE FROM jobs WHERE kind = 'consolidate'")
    op.execute("UPDATE memories SET state = 'superseded' WHERE state = 'retired'")
    if op.get_bind().dialect.name == "postgresql":
        superseded = "jsonb_set(memory::jsonb, '{state}', '\"superseded\"')::json"
        retired = "memory->>'state' = 'retired'"
    else:
        superseded = "json_set(memory, '$.state', 'superseded')"
        retired = "json_extract(memory, '$.state') = 'retired'"
    op.execute(f"UPDATE changes SET memory = {superseded} WHERE {retired}")  # noqa: S608 - constants
    op.execute("UPDATE changes SET kind = 'superseded' WHERE kind = 'retired'")
    op.drop_table("memory_origins")
    for index in ("ix_memories_superseded_by", "ix_memories_unconsolidated"):
        op.drop_index(index, "memories")
    for table, added in columns().items():
        for column in added:
            op.drop_column(table, column.name)

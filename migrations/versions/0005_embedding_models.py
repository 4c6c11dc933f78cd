"""Which embedding models memories are indexed with, and which version of each memory with which."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

DUE = sa.text("indexed_version_1 <> version")


def upgrade() -> None:
    op.add_column("memories", sa.Column("indexed_version_1", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_memories_unindexed_1",
        "memories",
        ["tenant", "space", "ordinal"],
        sqlite_where=DUE,
        postgresql_where=DUE,
    )
    op.create_table(
        "embedding_models",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("api_base", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("slot", name=op.f("pk_embedding_models")),
    )
    op.create_table(
        "embedding_checks",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.Column("self_recall", sa.Float(), nullable=False),
        sa.Column("overlap", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "space"],
            ["spaces.tenant", "spaces.name"],
            name=op.f("fk_embedding_checks_spaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant", "space", name=op.f("pk_embedding_checks")),
    )


def downgrade() -> None:
    # The earlier release knows one slot: what it lacks there is indexed again by `memsvc reindex`.
    op.drop_table("embedding_checks")
    op.drop_table("embedding_models")
    op.drop_index("ix_memories_unindexed_1", "memories")
    op.drop_column("memories", "indexed_version_1")

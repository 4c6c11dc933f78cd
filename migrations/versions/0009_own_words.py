"""Where each part of a memory's text was said, and what was added to it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def columns() -> tuple[sa.Column, ...]:
    return (
        sa.Column("spans", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("additions", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("role", sa.Text(), nullable=False, server_default=""),
        sa.Column("part_count", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("repetition", sa.Float(), nullable=False, server_default="0"),
    )


def upgrade() -> None:
    for column in columns():
        op.add_column("memories", column)


def downgrade() -> None:
    for column in reversed(columns()):
        op.drop_column("memories", column.name)

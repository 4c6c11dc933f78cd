"""Turns that a deletion closed, and what a memory's views may search of the turns beside it, turn by turn."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turns", sa.Column("closed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("memories", sa.Column("neighbours", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    # The earlier release does not know the disposition; it leaves alone what is left out.
    op.execute("UPDATE turns SET disposition = 'left_out' WHERE disposition = 'deleted'")
    op.drop_column("memories", "neighbours")
    op.drop_column("turns", "closed")

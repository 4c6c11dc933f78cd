"""The clocks that turns and memories are read on, and the time zones of spaces and users."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("spaces", sa.Column("time_zone", sa.Text(), nullable=False, server_default=""))
    op.add_column("turns", sa.Column("utc_offset_minutes", sa.Integer(), nullable=True))
    op.add_column("memories", sa.Column("utc_offset_minutes", sa.Integer(), nullable=True))
    op.create_table(
        "users",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "space"], ["spaces.tenant", "spaces.name"], name=op.f("fk_users_spaces"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant", "space", "user_id", name=op.f("pk_users")),
    )


def downgrade() -> None:
    op.drop_table("users")
    op.drop_column("memories", "utc_offset_minutes")
    op.drop_column("turns", "utc_offset_minutes")
    op.drop_column("spaces", "time_zone")

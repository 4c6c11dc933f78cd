"""What language models cost each space."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_usage",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("call_count", sa.BigInteger(), nullable=False),
        sa.Column("prompt_token_count", sa.BigInteger(), nullable=False),
        sa.Column("completion_token_count", sa.BigInteger(), nullable=False),
        sa.Column("cost_usd", sa.Float(), nullable=False),
        sa.Column("unpriced_call_count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "space"],
            ["spaces.tenant", "spaces.name"],
            name=op.f("fk_model_usage_spaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant", "space", "day", "purpose", name=op.f("pk_model_usage")),
    )


def downgrade() -> None:
    # Jobs of a kind that the earlier release does not know would break its lists.
    op.execute("DELETE FROM jobs WHERE kind = 'recompress'")
    op.drop_table("model_usage")

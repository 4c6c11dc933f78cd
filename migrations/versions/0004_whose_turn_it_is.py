"""When jobs were last taken up, and the indexes that tell whose turn it is."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

QUEUED = sa.text("state = 'queued'")
STARTED = sa.text("start_time IS NOT NULL")


def upgrade() -> None:
    op.add_column("jobs", sa.Column("start_time", sa.DateTime(timezone=True), nullable=True))
    for name, columns, where in (
        ("ix_jobs_line", ["kind", "priority", "tenant", "run_at", "ordinal"], QUEUED),
        ("ix_jobs_spaces", ["kind", "priority", "tenant", "space", "run_at", "ordinal"], QUEUED),
        ("ix_jobs_served", ["kind", "priority", "tenant", "start_time"], STARTED),
    ):
        op.create_index(name, "jobs", columns, sqlite_where=where, postgresql_where=where)
    op.drop_index("ix_jobs_due", "jobs")


def downgrade() -> None:
    op.create_index("ix_jobs_due", "jobs", ["state", "run_at"])
    for index in ("ix_jobs_served", "ix_jobs_spaces", "ix_jobs_line"):
        op.drop_index(index, "jobs")
    op.drop_column("jobs", "start_time")

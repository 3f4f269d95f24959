"""Which collector of a standby group is the active one.

Revision ID: 2026_11_25_collector_lease
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_collector_lease"
down_revision = "2026_11_22_issued_is_immutable"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "collector_lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_collector_lease")),
    )


def downgrade() -> None:
    op.drop_table("collector_lease")

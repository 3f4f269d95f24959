"""Whether a meter's step over a midnight is split by time.

Revision ID: 2026_11_25_meter_boundaries
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_meter_boundaries"
down_revision = "2026_11_25_meter_decisions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("meter", sa.Column("boundary_rule", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("meter", "boundary_rule")

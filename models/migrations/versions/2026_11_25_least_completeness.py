"""A contract's own least completeness; none means the usual share of models.billing.terms.

Revision ID: 2026_11_25_least_completeness
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_least_completeness"
down_revision = "2026_11_25_collector_lease"
branch_labels = None
depends_on = None

EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")


def upgrade() -> None:
    op.add_column("contract", sa.Column("least_completeness_ratio", EXACT, nullable=True))


def downgrade() -> None:
    op.drop_column("contract", "least_completeness_ratio")

"""The most a counter can count in an hour, and what people decide about what it told.

Revision ID: 2026_11_25_meter_decisions
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_meter_decisions"
down_revision = "2026_11_25_roots_and_checkpoints"
branch_labels = None
depends_on = None

EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("meter", sa.Column("maximum_rate_per_hour", EXACT, nullable=True))
    op.create_table(
        "meter_decision",
        sa.Column("meter_decision_id", sa.Integer(), nullable=False),
        sa.Column("meter_id", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("closing_at", INSTANT, nullable=True),
        sa.Column("billing_period", sa.Text(), nullable=True),
        sa.Column("quantity", EXACT, nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "decision IN ('release', 'substitute', 'estimate', 'withdraw')", name=op.f("ck_meter_decision_decision")
        ),
        sa.CheckConstraint(
            "(closing_at IS NULL) <> (billing_period IS NULL)", name=op.f("ck_meter_decision_one_subject")
        ),
        sa.CheckConstraint(
            "(decision IN ('substitute', 'estimate')) = (quantity IS NOT NULL)", name=op.f("ck_meter_decision_quantity")
        ),
        sa.ForeignKeyConstraint(["meter_id"], ["meter.meter_id"], name=op.f("fk_meter_decision_meter_id")),
        sa.PrimaryKeyConstraint("meter_decision_id", name=op.f("pk_meter_decision")),
    )


def downgrade() -> None:
    op.drop_table("meter_decision")
    op.drop_column("meter", "maximum_rate_per_hour")

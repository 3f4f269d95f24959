"""How a company receives its invoices: electronic address, reference, contact, profile; none means as before.

Revision ID: 2026_11_25_party_documents
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_party_documents"
down_revision = "2026_11_25_invoice_life_cycle"
branch_labels = None
depends_on = None

COLUMNS = (
    "electronic_address", "electronic_address_scheme", "buyer_reference", "contact_name", "contact_phone",
    "document_profile",
)  # fmt: skip


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("party", sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("party", name)

"""Companies: who makes, operates, supplies and buys.

Belongs here: the party table. Does not belong here: what parties agreed on (models.billing.contract).
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.orm import Row


class PartyRow(Row):
    """One row per company and role in the chain."""

    __tablename__ = "party"
    __table_args__ = (CheckConstraint("party_role IN ('oem', 'operator', 'supplier', 'customer')", name="party_role"),)

    party_id: Mapped[str] = mapped_column(primary_key=True)
    party_role: Mapped[str]
    name: Mapped[str]
    legal_name: Mapped[str]
    street: Mapped[str]
    city: Mapped[str]
    postal_code: Mapped[str]
    country_code: Mapped[str]
    vat_identifier: Mapped[str | None]
    email: Mapped[str | None]
    iban: Mapped[str | None]
    bic: Mapped[str | None]
    electronic_address: Mapped[str | None]
    electronic_address_scheme: Mapped[str | None]
    buyer_reference: Mapped[str | None]
    contact_name: Mapped[str | None]
    contact_phone: Mapped[str | None]
    document_profile: Mapped[str | None]

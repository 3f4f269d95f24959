"""Gapless numbers: one counter per seller and year, and the seal of the last document that drew from it.

Invoices and credit notes draw from the same one: one chain then shows that neither was left out or slipped in.

Belongs here: the row, and drawing from it inside the caller's transaction. A rolled-back transaction gives its number
back, a trigger refuses any step but one, and concurrent writers wait for one another: SQLite's writer lock
(models.store begins every transaction as a writer), a row lock elsewhere.
Does not belong here: what the number is used for.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.orm import Row

GENESIS = "0" * 64
"""What the first invoice of a seller's year names as its predecessor's seal."""


class NumberSequenceRow(Row):
    """One row per seller and year of issue."""

    __tablename__ = "number_sequence"

    seller_party_id: Mapped[str] = mapped_column(ForeignKey("party.party_id"), primary_key=True)
    issue_year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_number: Mapped[int]
    last_sha256: Mapped[str]


def locked_sequence(session: Session, *, seller_party_id: str, issue_year: int) -> NumberSequenceRow:
    """The seller's counter, held by this transaction until it ends; created at zero on first use."""
    wanted = (
        select(NumberSequenceRow)
        .where(NumberSequenceRow.seller_party_id == seller_party_id, NumberSequenceRow.issue_year == issue_year)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = session.scalars(wanted).one_or_none()
    if found is not None:
        return found
    fresh = NumberSequenceRow(
        seller_party_id=seller_party_id, issue_year=issue_year, last_number=0, last_sha256=GENESIS
    )
    try:
        with session.begin_nested():
            session.add(fresh)
    except IntegrityError:  # another transaction created it between our look and our insert (not on SQLite)
        return session.scalars(wanted).one()
    return fresh


def invoice_number(*, seller_party_id: str, issue_year: int, number: int) -> str:
    """How a number is written, as in WELLER-2026-000042."""
    return f"{seller_party_id.upper()}-{issue_year}-{number:06d}"

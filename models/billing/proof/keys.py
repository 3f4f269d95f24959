"""Which public keys signed anything in the store: rows that nobody can change keep them for good.

Belongs here: that list. Does not belong here: signing (signing.py).
"""

from __future__ import annotations

from sqlalchemy import select, union
from sqlalchemy.orm import Session

from models.billing.invoice import InvoiceRow
from models.billing.proof.checkpoints import CheckpointRow


def used_public_keys(session: Session) -> tuple[str, ...]:
    """The keys of all issued documents and checkpoints, each once, in hexadecimal."""
    keys = union(select(InvoiceRow.signing_public_key), select(CheckpointRow.public_key)).subquery()
    column = keys.c[0]
    return tuple(session.scalars(select(column).where(column.is_not(None)).order_by(column)))

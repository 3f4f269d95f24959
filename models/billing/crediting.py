"""Credit notes: an issued invoice taken back whole, as a document of its own.

Belongs here: making the credit note of an invoice. Does not belong here: what is billed instead (drawing the period
again gives the next revision), refunding, documents.

A credit note repeats the invoice: parties as they were, lines, readings, amounts, VAT, service period. Its amounts are
positive, its type (381) turns their meaning. It draws the next number of the same sequence and seals the document
before it; the invoice's row is not touched, it is credited because a credit note names it.
Nothing commits here: the caller's transaction does.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import inspect, or_, select
from sqlalchemy.orm import Session

from models.billing.invoice import InvoiceRow
from models.billing.invoicing import (
    IssuedInvoice,
    content_sha256,
    credit_note_row,
    issued_invoice,
    number_and_seal,
)
from models.errors import InvoiceNotCreditableError, InvoiceNotFoundError
from models.orm import Row
from models.timeline import local_date, require_utc

CREDITABLE = ("issued", "paid")

AnyRow = TypeVar("AnyRow", bound=Row)


def credit_invoice(
    session: Session, *, invoice_number: str, reason: str, issued_at: datetime, issued_on: date | None = None
) -> IssuedInvoice:
    """The credit note of an issued invoice, in full; of one already credited, the credit note there is.

    `invoice_number` may also be the invoice's id. `reason` is a line for the buyer. `issued_on` is the date on the
    credit note, by default the contract's local date at `issued_at`, and never before the invoice's.

    Raises:
        InvoiceNotFoundError: no invoice carries that number.
        InvoiceNotCreditableError: it is a draft, void or itself a credit note; or reason or date do not fit.
    """
    require_utc(issued_at)
    invoice = _held_invoice(session, invoice_number)
    present = credit_note_row(session, str(invoice.invoice_number))
    if present is not None:
        return issued_invoice(present, is_new=False)
    if invoice.status not in CREDITABLE:
        raise InvoiceNotCreditableError(invoice_number, f"it is {invoice.status}")
    earliest = _date_of(invoice)
    chosen = issued_on or max(local_date(issued_at, invoice.time_zone), earliest)
    if chosen < earliest:
        raise InvoiceNotCreditableError(invoice_number, f"it is dated {earliest}; date the credit note no earlier")

    note = _credit_note_of(invoice, reason=_one_line(reason, invoice_number=invoice_number))
    session.add(note)
    session.flush()  # its lines enter while it is a draft: the triggers let no line into an issued document
    return number_and_seal(session, note, issued_at=issued_at, issued_on=chosen)

"""Credit notes: an issued invoice taken back whole, as a document of its own.

Belongs here: making the credit note of an invoice. Does not belong here: what is billed instead (drawing the period
again gives the next revision), refunding, documents.

A credit note repeats its invoice: parties as they were, service period, lines, readings, amounts, VAT. The amounts stay
positive, the type (381) turns their meaning. It draws the next number of the same sequence and seals the document
before it. The invoice's row is not touched: it is credited because a credit note names it.
Nothing commits here: the caller's transaction does.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from models.billing.in_force import last_correction
from models.billing.invoice import InvoiceRow
from models.billing.invoicing import (
    DRAWN_AT_ISSUE,
    ISSUED_BY,
    IssuedInvoice,
    content_sha256,
    credit_note_row,
    issued_invoice,
    number_and_seal,
)
from models.billing.life_cycle import OWED, held_row
from models.billing.proof.signing import Signer
from models.errors import InvoiceNotCreditableError
from models.orm import copy_row
from models.timeline import local_date, require_utc


def credit_invoice(
    session: Session,
    *,
    invoice_number: str,
    reason: str,
    issued_at: datetime,
    issued_on: date | None = None,
    signer: Signer | None = None,
    issued_by: str = ISSUED_BY,
) -> IssuedInvoice:
    """The credit note of an issued invoice, in full; if there is one already, that one.

    `invoice_number` may also be the invoice's id. `reason` is a line for the buyer. `issued_on` is the date on the
    credit note: by default the contract's local date at `issued_at`, and never before the invoice's own.

    Raises:
        InvoiceNotFoundError: no invoice carries that number.
        InvoiceNotCreditableError: it is a draft, void or itself a credit note; or the reason or the date do not fit.
    """
    require_utc(issued_at)
    invoice = held_row(session, invoice_number)
    if invoice.corrected_invoice_number is not None:
        problem = f"it corrects {invoice.corrected_invoice_number}; correct that again instead"
        raise InvoiceNotCreditableError(invoice_number, problem)
    if invoice.document_type == "credit_note":
        problem = f"it is the credit note of {invoice.preceding_invoice_number}; draw the period again and issue that"
        raise InvoiceNotCreditableError(invoice_number, problem)
    if invoice.invoice_number is None or invoice.issued_on is None:
        raise InvoiceNotCreditableError(invoice_number, "it is a draft, under which nothing is owed; draw it again")
    present = credit_note_row(session, invoice.invoice_number)
    if present is not None:
        return issued_invoice(present, is_new=False)
    if last_correction(session, invoice) is not None:
        raise InvoiceNotCreditableError(invoice_number, "it was corrected; correct it again instead")
    if invoice.status not in OWED:
        raise InvoiceNotCreditableError(invoice_number, f"it is {invoice.status}")
    issued_on = issued_on or max(invoice.issued_on, local_date(issued_at, invoice.time_zone))
    if issued_on < invoice.issued_on:
        problem = f"it is dated {invoice.issued_on}; date the credit note {invoice.issued_on} or later"
        raise InvoiceNotCreditableError(invoice_number, problem)
    note = _credit_note_of(invoice, reason=one_line(reason, number=invoice_number))
    session.add(note)
    session.flush()  # as a draft: no line may enter what is issued
    return number_and_seal(session, note, issued_at=issued_at, issued_on=issued_on, issued_by=issued_by, signer=signer)


def one_line(reason: str, *, number: str) -> str:
    """The reason with single spaces; what cannot be printed cannot be sent either."""
    line = " ".join(reason.split())
    if not line or not line.isprintable():
        raise InvoiceNotCreditableError(number, "a credit note needs a reason in words, without control codes")
    return line


def _credit_note_of(invoice: InvoiceRow, *, reason: str) -> InvoiceRow:
    note_id = f"{invoice.invoice_id}.credit"
    note = copy_row(
        invoice,
        invoice_id=note_id,
        document_type="credit_note",
        status="draft",
        preceding_invoice_number=invoice.invoice_number,
        preceding_issued_on=invoice.issued_on,
        credit_reason=reason,
        lines=[
            copy_row(
                line, invoice_id=note_id, segments=[copy_row(segment, invoice_id=note_id) for segment in line.segments]
            )
            for line in invoice.lines
        ],
        **dict.fromkeys(DRAWN_AT_ISSUE),
    )
    note.content_sha256 = content_sha256(note)
    return note

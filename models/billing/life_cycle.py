"""The life of an invoice as steps: draft -> approved -> issued -> sent -> paid | void, each with who and when.

Belongs here: the history's row, the steps that move only the status, and which step may follow which (triggers hold
every writer to the same). Does not belong here: drawing and numbering (invoicing.py), crediting, correcting.

Approval freezes a draft's content; drawing a changed draft takes the approval away with the draft it was given to. Void
is for what never left the house: its number stays in the sequence and is owed by nobody. What was sent is credited or
corrected instead.
Nothing commits here: the caller's transaction does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.billing.invoice import STATUS_CONDITION, InvoiceRow
from models.errors import InvoiceNotFoundError, InvoiceNotIssuableError, InvoiceStepError
from models.orm import Row
from models.timeline import require_utc

Status = Literal["draft", "approved", "issued", "sent", "paid", "void"]

UNISSUED: tuple[Status, ...] = ("draft", "approved")
"""Without a number: drawn again where anything changed."""
OWED: tuple[Status, ...] = ("issued", "sent", "paid")
"""With a number, and not void: these add up to what was billed."""
MAY_FOLLOW: dict[Status, tuple[Status, ...]] = {
    "approved": ("draft",),
    "issued": ("approved",),
    "sent": ("issued",),
    "paid": ("issued", "sent"),
    "void": ("issued",),
}
"""Step -> the statuses it may be taken from."""


class InvoiceStepRow(Row):
    """One row per step of an invoice or credit note; triggers refuse to change one."""

    __tablename__ = "invoice_step"
    __table_args__ = (CheckConstraint(STATUS_CONDITION, name="status"),)

    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.invoice_id", ondelete="CASCADE"), primary_key=True)
    step_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[str]
    taken_at: Mapped[datetime]
    taken_by: Mapped[str]
    note: Mapped[str | None]


@dataclass(frozen=True, kw_only=True)
class InvoiceStep:
    """A step taken: to which status, when, by whom, and why where it needs a reason."""

    status: str
    taken_at: datetime
    taken_by: str
    note: str | None


@dataclass(frozen=True, kw_only=True)
class StepOutcome:
    """Where a document stands after asking for a step; `is_new` is False when it stood there before."""

    invoice_id: str
    invoice_number: str | None
    status: str
    is_new: bool


def approve_invoice(session: Session, *, invoice_id: str, approved_at: datetime, approved_by: str) -> StepOutcome:
    """A draft's content as it stands, accepted by a person; again, and after issue, it changes nothing.

    Raises:
        InvoiceNotFoundError: there is no such draft.
        InvoiceNotIssuableError: something keeps the draft from being issued.
    """
    row = held_row(session, invoice_id)
    if row.status == "draft" and (reasons := tuple(json.loads(row.hold_reasons))):
        raise InvoiceNotIssuableError(invoice_id, reasons)
    if row.status != "draft":
        return _outcome(row, is_new=False)
    return _take(session, row, status="approved", taken_at=approved_at, taken_by=approved_by)


def send_invoice(session: Session, *, number: str, sent_at: datetime, sent_by: str) -> StepOutcome:
    """An issued document that has left the house; it cannot be void any more.

    Raises:
        InvoiceNotFoundError: no document carries that number or id.
        InvoiceStepError: it is a draft, or void.
    """
    row = held_row(session, number)
    if row.status == "paid":  # whoever paid it has it
        return _outcome(row, is_new=False)
    return _take(session, row, status="sent", taken_at=sent_at, taken_by=sent_by)


def pay_invoice(session: Session, *, number: str, paid_at: datetime, paid_by: str) -> StepOutcome:
    """A document whose amount was received, or, of a credit note, set off or refunded.

    Raises:
        InvoiceNotFoundError: no document carries that number or id.
        InvoiceStepError: it is a draft, or void.
    """
    return _take(session, held_row(session, number), status="paid", taken_at=paid_at, taken_by=paid_by)


def void_invoice(session: Session, *, number: str, reason: str, voided_at: datetime, voided_by: str) -> StepOutcome:
    """An issued invoice that never left the house, withdrawn; its number and seal stay in the sequence.

    Raises:
        InvoiceNotFoundError: no invoice carries that number or id.
        InvoiceStepError: it was sent or paid, is a draft, is a credit note, or was credited or corrected; or no reason.
    """
    row = held_row(session, number)
    if row.document_type == "credit_note" or row.corrected_invoice_number is not None:
        raise InvoiceStepError(number, "void", "it settles another document, which would be in force again")
    settled_by = session.scalar(
        select(InvoiceRow.invoice_number).where(
            or_(
                InvoiceRow.preceding_invoice_number == row.invoice_number,
                InvoiceRow.corrected_invoice_number == row.invoice_number,
            )
        )
    )
    if settled_by is not None:
        raise InvoiceStepError(number, "void", f"{settled_by} settles it already")
    if not reason.strip():
        raise InvoiceStepError(number, "void", "it needs a reason in words")
    note = " ".join(reason.split())
    return _take(session, row, status="void", taken_at=voided_at, taken_by=voided_by, note=note)


def invoice_steps(session: Session, invoice_id: str) -> tuple[InvoiceStep, ...]:
    """The steps of one document, in their order."""
    query = select(InvoiceStepRow).where(InvoiceStepRow.invoice_id == invoice_id).order_by(InvoiceStepRow.step_number)
    return tuple(
        InvoiceStep(status=step.status, taken_at=step.taken_at, taken_by=step.taken_by, note=step.note)
        for step in session.scalars(query)
    )


def record_step(
    session: Session, row: InvoiceRow, *, status: Status, taken_at: datetime, taken_by: str, note: str | None = None
) -> None:
    """Write down a step; the caller moves the row's status in the same transaction."""
    last = session.scalar(
        select(func.max(InvoiceStepRow.step_number)).where(InvoiceStepRow.invoice_id == row.invoice_id)
    )
    session.add(
        InvoiceStepRow(
            invoice_id=row.invoice_id,
            step_number=(last or 0) + 1,
            status=status,
            taken_at=require_utc(taken_at),
            taken_by=taken_by,
            note=note,
        )
    )
    session.flush()


def held_row(session: Session, number: str) -> InvoiceRow:
    """The row of that number or id, held until this transaction ends, so that two at once take turns."""
    row = session.scalars(
        select(InvoiceRow)
        .where(or_(InvoiceRow.invoice_number == number, InvoiceRow.invoice_id == number))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise InvoiceNotFoundError(number)
    return row


def _take(
    session: Session, row: InvoiceRow, *, status: Status, taken_at: datetime, taken_by: str, note: str | None = None
) -> StepOutcome:
    if row.status == status:
        return _outcome(row, is_new=False)
    if row.status not in MAY_FOLLOW[status]:
        raise InvoiceStepError(
            row.invoice_number or row.invoice_id, status, f"it is {row.status}, not {' or '.join(MAY_FOLLOW[status])}"
        )
    record_step(session, row, status=status, taken_at=taken_at, taken_by=taken_by, note=note)
    row.status = status
    session.flush()
    return _outcome(row, is_new=True)


def _outcome(row: InvoiceRow, *, is_new: bool) -> StepOutcome:
    return StepOutcome(invoice_id=row.invoice_id, invoice_number=row.invoice_number, status=row.status, is_new=is_new)

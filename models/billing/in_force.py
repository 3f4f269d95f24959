"""What an issued invoice bills today: its own lines, or the right side of the last correction made to it.

Belongs here: reading that from rows. Does not belong here: making a correction (correcting.py).
"""

from __future__ import annotations

import json
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.billing.correction_lines import side_of
from models.billing.invoice import InvoiceLineRow, InvoiceRow
from models.orm import copy_row


def last_correction(session: Session, row: InvoiceRow) -> InvoiceRow | None:
    """The newest correction of an invoice."""
    if row.invoice_number is None:
        return None
    query = (
        select(InvoiceRow)
        .where(InvoiceRow.corrected_invoice_number == row.invoice_number)
        .order_by(InvoiceRow.revision.desc())
        .limit(1)
    )
    return session.scalars(query).one_or_none()


def lines_in_force(session: Session, row: InvoiceRow) -> list[InvoiceLineRow]:
    """The lines that stand for the invoice's period, with an invoice's signs; copies that no session holds."""
    newest = last_correction(session, row)
    return [_copy(line) for line in row.lines] if newest is None else right_lines(newest)


def right_lines(correction: InvoiceRow) -> list[InvoiceLineRow]:
    """The right side of a correction as an invoice's lines."""
    lines: list[InvoiceLineRow] = []
    for line in correction.lines:
        explanation = json.loads(line.explanation)
        if side_of(explanation) != "right":
            continue
        explanation["inputs"].pop("correction")
        is_turned = correction.document_type == "credit_note"
        lines.append(
            _copy(
                line,
                line_number=len(lines) + 1,
                quantity=_turned(line.quantity) if is_turned else line.quantity,
                line_extension_amount=_turned(line.line_extension_amount) if is_turned else line.line_extension_amount,
                explanation=json.dumps(explanation, sort_keys=True, separators=(",", ":"), ensure_ascii=False),
            )
        )
    return lines


def payable_in_force(session: Session, row: InvoiceRow) -> Decimal:
    """What the invoice and its corrections add up to."""
    query = select(InvoiceRow).where(InvoiceRow.corrected_invoice_number == row.invoice_number)
    corrections = session.scalars(query) if row.invoice_number is not None else ()
    return sum(
        (
            each.payable_amount.copy_negate() if each.document_type == "credit_note" else each.payable_amount
            for each in corrections
        ),
        row.payable_amount,
    )


def _copy(line: InvoiceLineRow, **changes: object) -> InvoiceLineRow:
    return copy_row(line, **changes, segments=[copy_row(segment) for segment in line.segments])


def _turned(number: Decimal) -> Decimal:
    return number.copy_negate() if number else number

"""Corrections by difference: late or corrected readings, billed on the service period they belong to.

The whole period is rated again under the terms it was billed under, and set against what its documents bill so far.
Where they differ, one document takes back what was billed and bills what is right: a credit note (381) if the buyer
gets money back, a corrected invoice (384) otherwise. It refers to the original invoice (BT-25), carries its service
period, and draws the next number of the same sequence. Several may follow one another; each continues where the last
one ended, so that the period adds up to the same cents in whatever order readings arrived.

Belongs here: making that document. Does not belong here: taking an invoice back whole (crediting.py), rating.
Nothing commits here: the caller's transaction does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.billing.correction_lines import Side, difference_totals
from models.billing.crediting import one_line
from models.billing.in_force import lines_in_force
from models.billing.invoice import InvoiceLineRow, InvoiceRow
from models.billing.invoice_view import line_rows
from models.billing.invoicing import (
    DRAWN_AT_ISSUE,
    ISSUED_BY,
    IssuedInvoice,
    content_sha256,
    is_over,
    latest_revision,
    number_and_seal,
)
from models.billing.life_cycle import OWED
from models.billing.proof.signing import Signer
from models.billing.rating import Rating
from models.billing.seal import canonical_json
from models.billing.totals import InvoiceTotals, totals_of
from models.errors import InvoiceNotCorrectableError
from models.money import Money
from models.orm import copy_row
from models.timeline import local_date, require_utc


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What correcting did: the document, or none where the invoice and its corrections are right already."""

    invoice_number: str
    document: IssuedInvoice | None
    difference: Money
    """What the buyer owes more by it, tax included; below zero, gets back."""


def correct_invoice(
    session: Session,
    *,
    rating: Rating,
    reason: str,
    issued_at: datetime,
    issued_on: date | None = None,
    issued_by: str = ISSUED_BY,
    signer: Signer | None = None,
) -> Correction:
    """The difference between a rating of an issued period and what is billed for it, as a document of its own.

    The same rating again finds no difference and changes nothing. `issued_on` is by default the contract's local date
    at `issued_at`, and never before the invoice's own.

    Raises:
        InvoiceNotCorrectableError: nothing is in force for the period, it was rated under other terms, usage is held,
            or the reason or the date do not fit.
    """
    require_utc(issued_at)
    original = latest_revision(session, rating)
    name = f"{rating.contract.contract_id} {rating.physical_asset_id} {rating.billing_period}"
    if original is None or original.invoice_number is None or original.status not in OWED or is_over(session, original):
        raise InvoiceNotCorrectableError(name, "nothing is billed for it; draw and issue it")
    number = original.invoice_number
    if rating.contract.contract_version != original.contract_version:
        agreed = f"version {original.contract_version} of its contract, this is version"
        raise InvoiceNotCorrectableError(number, f"it was billed under {agreed} {rating.contract.contract_version}")
    if rating.hold_reasons:
        raise InvoiceNotCorrectableError(number, "; ".join(rating.hold_reasons))
    billed, right = lines_in_force(session, original), line_rows(rating.lines)
    difference = difference_totals(_totals(original, billed), _totals(original, right))
    if _as_billed(billed) == _as_billed(right):
        return Correction(invoice_number=number, document=None, difference=difference.payable_amount)
    issued_on = issued_on or max(_latest_date(session, original), local_date(issued_at, original.time_zone))
    if issued_on < _latest_date(session, original):
        problem = f"its last document is dated {_latest_date(session, original)}; date the correction then or later"
        raise InvoiceNotCorrectableError(number, problem)
    row = _correction_of(
        session, original, billed=billed, right=right, difference=difference, reason=one_line(reason, number=number)
    )
    if row.document_type == "invoice":
        row.due_date = issued_on + timedelta(days=row.payment_terms_days)
    session.add(row)
    session.flush()  # as a draft: no line may enter what is issued
    issued = number_and_seal(session, row, issued_at=issued_at, issued_on=issued_on, issued_by=issued_by, signer=signer)
    return Correction(invoice_number=number, document=issued, difference=difference.payable_amount)


def _correction_of(
    session: Session,
    original: InvoiceRow,
    *,
    billed: list[InvoiceLineRow],
    right: list[InvoiceLineRow],
    difference: InvoiceTotals,
    reason: str,
) -> InvoiceRow:
    of_period = (
        InvoiceRow.contract_id == original.contract_id,
        InvoiceRow.physical_asset_id == original.physical_asset_id,
        InvoiceRow.billing_period == original.billing_period,
    )
    revision = (session.scalar(select(func.max(InvoiceRow.revision)).where(*of_period)) or 0) + 1
    is_credit = difference.payable_amount.amount < 0
    invoice_id = f"{original.invoice_id}.correction{revision}"
    foot = {
        name: amount.amount.copy_negate() if is_credit and amount.amount else amount.amount
        for name, amount in vars(difference).items()
    }
    lines = [
        *_side(billed, "billed", invoice_id=invoice_id, first=1, is_turned=not is_credit),
        *_side(right, "right", invoice_id=invoice_id, first=len(billed) + 1, is_turned=is_credit),
    ]
    row = copy_row(
        original,
        invoice_id=invoice_id,
        document_type="credit_note" if is_credit else "invoice",
        revision=revision,
        status="draft",
        corrected_invoice_number=original.invoice_number,
        preceding_issued_on=original.issued_on,
        credit_reason=reason,
        lines=lines,
        **foot,
        **dict.fromkeys(DRAWN_AT_ISSUE),
    )
    row.content_sha256 = content_sha256(row)
    return row


def _side(
    lines: Iterable[InvoiceLineRow], side: Side, *, invoice_id: str, first: int, is_turned: bool
) -> list[InvoiceLineRow]:
    rows = []
    for number, line in enumerate(lines, start=first):
        explanation = json.loads(line.explanation)
        explanation["inputs"] = {**explanation["inputs"], "correction": side}
        own = {"invoice_id": invoice_id, "line_number": number}
        turned = {
            "quantity": line.quantity.copy_negate() if is_turned and line.quantity else line.quantity,
            "line_extension_amount": line.line_extension_amount.copy_negate()
            if is_turned and line.line_extension_amount
            else line.line_extension_amount,
        }
        rows.append(
            copy_row(
                line,
                **own,
                **turned,
                description=f"As billed: {line.description}" if side == "billed" else line.description,
                explanation=canonical_json(explanation),
                segments=[copy_row(segment, **own) for segment in line.segments],
            )
        )
    return rows


def _totals(original: InvoiceRow, lines: Iterable[InvoiceLineRow]) -> InvoiceTotals:
    return totals_of(
        (Money(line.line_extension_amount, original.currency_code) for line in lines),
        tax_rate_percent=original.tax_rate_percent,
        currency_code=original.currency_code,
    )


def _as_billed(lines: Iterable[InvoiceLineRow]) -> list[tuple[object, ...]]:
    return [
        (line.term_id, line.quantity, line.unit_code, line.unit_price, line.line_extension_amount) for line in lines
    ]


def _latest_date(session: Session, original: InvoiceRow) -> date:
    """The date of the newest document about the invoice, itself included."""
    query = select(func.max(InvoiceRow.issued_on)).where(InvoiceRow.corrected_invoice_number == original.invoice_number)
    own = original.issued_on or date.min
    return max(own, session.scalar(query) or own)

"""The two sides of a correction: what had been billed, taken back, and what is right now, billed.

Every line of a correction belongs to one side, named in its explanation. Both are there whole: each side can be rated
again from the document alone, and no amount is the rounding of a difference: the difference is the sum of amounts that
were each rounded once. Tax follows the same rule: tax of the right side less tax of the billed one, so that however
often a period is corrected, its documents add up to the cent to one invoice over what is right.

Belongs here: telling the sides apart and their totals. Does not belong here: rows, numbers, the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from models.billing.document_model import DocumentLine, InvoiceDocument
from models.billing.totals import InvoiceTotals, totals_of
from models.money import Money

Side = Literal["billed", "right"]


@dataclass(frozen=True, kw_only=True)
class CorrectionSides:
    """The lines of both sides as an invoice would show them, numbered from 1 each."""

    billed: tuple[DocumentLine, ...]
    right: tuple[DocumentLine, ...]


def side_of(explanation: Mapping[str, object]) -> Side | None:
    """The side of a line by its explanation; None on a line of any other document."""
    inputs = explanation.get("inputs")
    side = inputs.get("correction") if isinstance(inputs, Mapping) else None
    return side if side in ("billed", "right") else None


def is_correction(document: InvoiceDocument) -> bool:
    """Whether the document corrects an invoice by the difference."""
    return any(side_of(line.explanation) is not None for line in document.lines)


def sides_of(document: InvoiceDocument) -> CorrectionSides:
    """Both sides with the signs of an invoice: a correction takes `billed` back, a credit note turns all of it."""
    is_credit = document.document_type == "credit_note"
    sides: dict[Side | None, list[DocumentLine]] = {"billed": [], "right": [], None: []}
    for line in document.lines:
        side = side_of(line.explanation)
        is_turned = (side == "billed") != is_credit
        sides[side].append(
            replace(
                line,
                line_number=len(sides[side]) + 1,
                quantity=line.quantity.copy_negate() if is_turned and line.quantity else line.quantity,
                line_extension_amount=line.line_extension_amount.copy_negate()
                if is_turned and line.line_extension_amount
                else line.line_extension_amount,
            )
        )
    return CorrectionSides(billed=tuple(sides["billed"]), right=tuple(sides["right"]))


def difference_totals(billed: InvoiceTotals, right: InvoiceTotals) -> InvoiceTotals:
    """The foot of a correction that is owed; of a credit, with every sign turned."""
    return InvoiceTotals(
        line_extension_amount=right.line_extension_amount - billed.line_extension_amount,
        tax_exclusive_amount=right.tax_exclusive_amount - billed.tax_exclusive_amount,
        tax_amount=right.tax_amount - billed.tax_amount,
        tax_inclusive_amount=right.tax_inclusive_amount - billed.tax_inclusive_amount,
        payable_amount=right.payable_amount - billed.payable_amount,
    )


def correction_totals(document: InvoiceDocument) -> InvoiceTotals:
    """The foot that the lines of a correction give, as the document shows it."""
    sides = sides_of(document)
    billed, right = (_totals(document, side) for side in (sides.billed, sides.right))
    is_credit = document.document_type == "credit_note"
    return difference_totals(right, billed) if is_credit else difference_totals(billed, right)


def _totals(document: InvoiceDocument, lines: Iterable[DocumentLine]) -> InvoiceTotals:
    return totals_of(
        (Money(line.line_extension_amount, document.currency_code) for line in lines),
        tax_rate_percent=document.tax_rate_percent,
        currency_code=document.currency_code,
    )

"""The totals of an invoice, as EN 16931 defines them (BR-CO-10, 13, 15, 16, 17).

net = sum of the rounded lines; tax = net x rate, rounded half-up once per category (one category per invoice);
gross = net + tax; payable = gross. Nothing else is rounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from models.exact import multiply
from models.money import Money, round_amount, total


@dataclass(frozen=True, kw_only=True)
class InvoiceTotals:
    """The five amounts of an invoice's foot."""

    line_extension_amount: Money
    tax_exclusive_amount: Money
    tax_amount: Money
    tax_inclusive_amount: Money
    payable_amount: Money


def totals_of(lines: Iterable[Money], *, tax_rate_percent: Decimal, currency_code: str) -> InvoiceTotals:
    """The foot under lines of these amounts."""
    net = total(lines, currency_code=currency_code)
    tax = round_amount(net * multiply(tax_rate_percent, Decimal("0.01")))
    gross = net + tax
    return InvoiceTotals(
        line_extension_amount=net,
        tax_exclusive_amount=net,
        tax_amount=tax,
        tax_inclusive_amount=gross,
        payable_amount=gross,
    )

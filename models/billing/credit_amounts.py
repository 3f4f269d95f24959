"""Credit arithmetic: net, tax and gross of a part that is given back.

    net    = share of the net price, rounded half-up at the minor unit
    tax    = net x rate, rounded half-up
    gross  = net + tax, the sum of the rounded parts; the exact gross is never rounded on its own

EN 16931 forms the tax from the rounded net (BR-CO-17), and so do our documents: `tax_basis="rounded_net"`. Some systems
form it from the unrounded one; a contract taken over from them may say so, and it can differ by the smallest unit.

Belongs here: the amounts of a partial credit. Does not belong here: which days are given back (proration.py), the
credit note as a document (crediting.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from models.billing.proration import prorate
from models.billing.rating.share import PeriodShare
from models.exact import multiply
from models.money import Money, round_amount

TaxBasis = Literal["rounded_net", "exact_net"]

_PERCENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class CreditAmounts:
    """A partial credit as positive amounts; `gross` is the sum of the other two."""

    net: Money
    tax: Money

    @property
    def gross(self) -> Money:
        """What the buyer gets back."""
        return self.net + self.tax


def credit_unused(
    net_price: Money, *, unused: PeriodShare, tax_rate_percent: Decimal, tax_basis: TaxBasis = "rounded_net"
) -> CreditAmounts:
    """The unused share of a price that was billed with tax."""
    rate = multiply(tax_rate_percent, _PERCENT)
    net = prorate(net_price, unused)
    tax = round_amount(net * rate) if tax_basis == "rounded_net" else prorate(net_price * rate, unused)
    return CreditAmounts(net=net, tax=tax)

"""A wallet: money a buyer paid in beforehand, which pays what is due after tax.

Belongs here: what of a balance pays an amount. Does not belong here: the balance's own bookings, or a credit that
lowers what is charged (rating.prepaid_credit): a payment never lowers the tax base (EN 16931 BT-113).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from models.errors import RatingError
from models.money import Money


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What the wallet paid and what is still due."""

    prepaid_amount: Money
    payable_amount: Money


def settle(due: Money, *, balance: Money) -> Settlement:
    """The wallet pays as much of `due` as it holds; a credit note's negative amount leaves it alone.

    Raises RatingError for a balance below zero, MoneyError for another currency.
    """
    if balance.amount < 0:
        raise RatingError(f"A wallet holds {balance}; correct its bookings before it pays.")
    left = due - balance
    used = min(max(due.amount, Decimal(0)), balance.amount)
    prepaid = Money(used, left.currency_code)
    return Settlement(prepaid_amount=prepaid, payable_amount=due - prepaid)

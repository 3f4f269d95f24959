"""Proration: what a part of a billing period costs, and what a change in the middle of one costs.

    by day     covered local days / days of the real period: a quarter of 91 days has 91, February 28 or 29
    by time    elapsed seconds / seconds of the real period: a day of 23 hours weighs 23
    change     credit of the old price for what is left of the period + charge of the new price for it

Both ends are half-open: the first day counts, the day after the last does not (counting both is the most common error
among billing systems). An amount is multiplied first and divided once, then rounded half-up at the currency's minor
unit; a change is two lines, each rounded, whose sum is not rounded again.

Belongs here: shares of periods and the amounts that follow from them. Does not belong here: where periods begin
(periods.py), which terms are prorated (the contract), lines and their explanations (rating), tax (credit_amounts.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from models.billing.periods import BillingPeriod, Cycle, billing_periods
from models.billing.rating.share import PeriodShare
from models.errors import RatingError
from models.exact import WIDE, divide
from models.money import Money, minor_units, round_to
from models.timeline import Period

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class PriceChange:
    """A price that changes inside a period already billed: what goes back and what comes instead."""

    credit: Money
    """The unused part of the old price, as a positive amount."""
    charge: Money
    """The new price for the same part."""

    @property
    def net(self) -> Money:
        """What the change costs: charge - credit; below zero it is the seller's turn."""
        return self.charge - self.credit


def share_by_day(period: BillingPeriod, *, from_date: date, until_date: date) -> PeriodShare:
    """The local days of `[from_date, until_date)` that lie in the period, of all its days.

    Raises RatingError for a stretch that does not end after it starts.
    """
    if from_date >= until_date:
        raise RatingError(f"{from_date} is not before {until_date}; prorate a stretch that ends after it starts.")
    days = min(until_date, period.following_date) - max(from_date, period.first_date)
    return PeriodShare(Decimal(max(days.days, 0)), Decimal(period.days))


def share_by_time(period: Period, *, part: Period) -> PeriodShare:
    """The elapsed seconds of `part` that lie in the period, of all its seconds."""
    shared = period.intersect(part)
    return PeriodShare(_seconds(shared.duration) if shared else Decimal(0), _seconds(period.duration))


def prorate(amount: Money, share: PeriodShare) -> Money:
    """The share of the amount (a fee, a minimum, an allowance's value), rounded half-up once at the minor unit."""
    minor_unit = Decimal(1).scaleb(-minor_units(amount.currency_code))
    return Money(share.of(amount.amount, minor_unit=minor_unit), amount.currency_code)


def prorate_parts(amount: Money, shares: Sequence[PeriodShare]) -> tuple[Money, ...]:
    """Consecutive shares of one whole, such that their amounts add up to the amount of them all together.

    Each is the rounded amount up to its end less the rounded amount up to its start: no cent is won or lost however
    often a period is split. Raises RatingError for shares of different wholes.
    """
    parts: list[Money] = []
    covered, charged = Decimal(0), Money(Decimal(0), amount.currency_code)
    for share in shares:
        if share.whole != shares[0].whole:
            raise RatingError(f"A share of {share.whole} and one of {shares[0].whole} are not parts of one period.")
        covered = WIDE.add(covered, share.part)
        up_to_here = prorate(amount, PeriodShare(covered, share.whole))
        parts.append(up_to_here - charged)
        charged = up_to_here
    return tuple(parts)


def change_of_price(*, old: Money, new: Money, left: PeriodShare) -> PriceChange:
    """The old price was billed for the whole period, the new one holds for what is left of it."""
    return PriceChange(credit=prorate(old, left), charge=prorate(new, left))


def cap_credit(credit: Money, *, paid: Money, earlier_credits: Money) -> Money:
    """The credit, but never below zero and never more than what was paid less what was credited before."""
    zero = Money(Decimal(0), credit.currency_code)
    left = paid - earlier_credits
    return max(min(credit, left, key=_amount), zero, key=_amount)


def cycles_between(
    from_date: date, until_date: date, *, cycle: Cycle, zone: str, anchor: date | None = None
) -> Fraction:
    """How many billing periods `[from_date, until_date)` is: whole ones, and parts by the days of the real period.

    Exact, so that round_cycles alone decides the decimals. Raises TimelineError as billing_periods does.
    """
    periods = billing_periods(cycle=cycle, zone=zone, from_date=from_date, until_date=until_date, anchor=anchor)
    shares = (share_by_day(period, from_date=from_date, until_date=until_date) for period in periods)
    return sum((Fraction(int(share.part), int(share.whole)) for share in shares), Fraction(0))


def round_cycles(cycles: Fraction, *, places: int) -> Decimal:
    """The count as a decimal number, rounded half-up once."""
    return round_to(divide(cycles), places=places)


def _seconds(duration: timedelta) -> Decimal:
    return Decimal(duration // _MICROSECOND).scaleb(-6)


def _amount(money: Money) -> Decimal:
    return money.amount

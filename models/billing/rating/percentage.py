"""Percentage: a share of each transaction, with a fixed fee, bounds and a free allowance.

    fee of a transaction = volume x percent / 100 + fixed_fee, not below least_fee, not above most_fee

The metered quantity is a volume in the contract's currency, its parts are the transactions in their order. The free
allowance counts transactions and volume; where both are agreed, the first to be used up ends it. A transaction that
reaches past the free volume pays for the rest of itself, with its fixed fee. Transactions that add up to nothing cost
nothing: what was booked and taken back is not charged.

Lines: the volume at its percentage, the fixed fees, and how many transactions were held at each bound; a transaction at
a bound is in no other line.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from typing import Self

from pydantic import Field, model_validator

from models.billing.rating.charge import EACH, ZERO, Basis, Charge, Pricing
from models.billing.rating.graduated_percentage import HUNDREDTH
from models.billing.rating.line import Reasons
from models.billing.rating.parts import UsagePart
from models.billing.rating.quantity import MeteredParameters
from models.billing.usage import sum_of
from models.exact import WIDE, ExactNumber, multiply, plain_text


class PercentageParameters(MeteredParameters):
    """`percent` of the volume; whatever is not agreed is left out."""

    percent: ExactNumber = Field(ge=0)
    fixed_fee: ExactNumber = Field(default=Decimal(0), ge=0)
    least_fee: ExactNumber | None = Field(default=None, ge=0)
    most_fee: ExactNumber | None = Field(default=None, ge=0)
    free_volume: ExactNumber | None = Field(default=None, ge=0)
    free_transactions: int | None = Field(default=None, ge=0, strict=True)

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Self:
        if self.least_fee is not None and self.most_fee is not None and self.least_fee > self.most_fee:
            raise ValueError("least_fee is not above most_fee")
        if self.unit_conversion is not None or self.included_quantity:
            raise ValueError("a percentage converts and includes no units; use free_volume and free_transactions")
        return self

    @cached_property
    def unit_price(self) -> Decimal:
        """The percentage as a price of one unit of currency."""
        return multiply(self.percent, HUNDREDTH)

    @property
    def needs_parts(self) -> bool:
        """Whether the price of the whole depends on its transactions."""
        return bool(self.fixed_fee) or any(
            bound is not None for bound in (self.least_fee, self.most_fee, self.free_volume, self.free_transactions)
        )


def percentage_charges(parameters: PercentageParameters, basis: Basis) -> list[Charge]:
    """The volume first, then what else there is."""
    volume, fixed, at_least, at_most = ZERO, 0, 0, 0
    for paid in _paid_volumes(parameters, basis):
        fee = WIDE.add(multiply(paid, parameters.unit_price), parameters.fixed_fee)
        if parameters.least_fee is not None and fee < parameters.least_fee:
            at_least += 1
        elif parameters.most_fee is not None and fee > parameters.most_fee:
            at_most += 1
        else:
            volume = WIDE.add(volume, paid)
            fixed += 1
    charges = [Charge(volume, parameters.unit_price)]
    if parameters.fixed_fee and fixed:
        charges.append(Charge(Decimal(fixed), parameters.fixed_fee, "fixed_fee", unit_code=EACH))
    if parameters.least_fee is not None and at_least:
        charges.append(Charge(Decimal(at_least), parameters.least_fee, "least_fee", unit_code=EACH))
    if parameters.most_fee is not None and at_most:
        charges.append(Charge(Decimal(at_most), parameters.most_fee, "most_fee", unit_code=EACH))
    return charges


def explain_percentage(parameters: PercentageParameters, basis: Basis, charge: Charge) -> Reasons:
    """Which transactions the line counts."""
    transactions = max(len(basis.parts), 1)
    paid = sum(1 for _ in _paid_volumes(parameters, basis))
    percent, count = plain_text(parameters.percent), plain_text(charge.quantity)
    step = f"{plain_text(basis.quantity)} in {transactions} transaction(s), of which {paid} are charged"
    if charge.kind == "fixed_fee":
        return Reasons(
            formula="transactions x fixed_fee",
            steps=(step, f"{count} transaction(s) pay the fixed fee"),
            label=", fixed fee per transaction",
        )
    if charge.kind == "least_fee":
        return Reasons(
            formula="transactions x least_fee",
            steps=(step, f"{percent} % and the fixed fee of {count} transaction(s) are below the least fee"),
            label=", transactions at the least fee",
        )
    if charge.kind == "most_fee":
        return Reasons(
            formula="transactions x most_fee",
            steps=(step, f"{percent} % and the fixed fee of {count} transaction(s) are above the highest fee"),
            label=", transactions at the highest fee",
        )
    return Reasons(
        formula="charged volume x percent / 100",
        steps=(step, f"{count} is charged at {percent} %"),
        label=f", {percent} % of the volume",
    )


def _paid_volumes(parameters: PercentageParameters, basis: Basis) -> Iterator[Decimal]:
    """What of each transaction is charged, in order; a transaction that is free as a whole is left out."""
    transactions = basis.parts or (UsagePart(basis.quantity),)
    if not sum_of(part.quantity for part in transactions):
        return
    free_count, free_volume = parameters.free_transactions, parameters.free_volume
    is_open = free_count is not None or free_volume is not None
    for transaction in transactions:
        is_open = is_open and free_count != 0 and (free_volume is None or free_volume > 0)
        if not is_open:
            yield transaction.quantity
            continue
        free_count = None if free_count is None else free_count - 1
        free = transaction.quantity if free_volume is None else min(transaction.quantity, free_volume)
        free_volume = None if free_volume is None else WIDE.subtract(free_volume, free)
        paid = WIDE.subtract(transaction.quantity, free)
        if paid:
            yield paid


PERCENTAGE = Pricing(parameters=PercentageParameters, charges=percentage_charges, explain=explain_percentage)

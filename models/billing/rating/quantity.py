"""From the meter's unit to the price's unit: the priced quantity of a metered term.

Belongs here: exact conversions between UN/ECE Rec 20 units that contracts price in, what every metered rule may agree
on beside its price, and the hold a missing or held reading puts on a line. Does not belong here: a site's own units
(ingest.mapping converts those on the way in).

The rule, named in every explanation: *convert exactly, then round half-up at four decimals, once, before any price or
tier is applied*. Running hours: 1,234,567 s / 3,600 = 342.935277... h -> 342.9353 HUR. Where the contract agrees on it,
the priced unit follows (`unit_conversion`), then what is included (`included_quantity`): in this order.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cached_property
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from models.billing.rating.included_allowance import remaining_quantity, told_allowance
from models.billing.rating.line import RuleInput, RuleParameters
from models.billing.rating.parts import UsagePart
from models.billing.rating.unit_conversion import UnitConversion
from models.billing.terms import Term
from models.billing.usage import UsageRecord
from models.errors import RatingError
from models.exact import ExactNumber, plain_text
from models.money import QUANTITY_PLACES, round_quantity

_DIVISORS = {
    ("SEC", "HUR"): 3600,
    ("SEC", "MIN"): 60,
    ("MIN", "HUR"): 60,
    ("WHR", "KWH"): 1000,
    ("KWH", "MWH"): 1000,
    ("LTR", "MTQ"): 1000,
    ("KGM", "TNE"): 1000,
    ("MMT", "MTR"): 1000,
    ("MTR", "KMT"): 1000,
    ("C62", "H87"): 1,
    ("H87", "C62"): 1,
}
"""(unit of the readings, unit of the price) -> how many of the first make one of the second."""

_DIVISION = Context(prec=120, rounding=ROUND_HALF_UP)  # 120 digits: no double rounding can reach the fourth decimal
_SMALLEST = round_quantity(Decimal(0))


class MeteredParameters(RuleParameters):
    """What any metered term may agree on beside its price."""

    unit_conversion: UnitConversion | None = None
    included_quantity: ExactNumber = Field(default=Decimal(0), ge=0)
    """Units of the price that cost nothing in each billing period."""

    @cached_property
    def is_plain(self) -> bool:
        """Whether the converted quantity is priced as it is."""
        return self.unit_conversion is None and not self.included_quantity

    @property
    def needs_parts(self) -> bool:
        """Whether the price of the whole depends on its parts."""
        return False


class PartedParameters(MeteredParameters):
    """A term that prices the parts of a quantity one by one: each is converted and rounded, none is included."""

    @model_validator(mode="after")
    def _parts_are_priced_as_metered(self) -> Self:
        if self.unit_conversion is not None or self.included_quantity:
            raise ValueError("a term priced by part has no unit_conversion and no included_quantity")
        return self

    @property
    def needs_parts(self) -> bool:
        """Whether the price of the whole depends on its parts."""
        return True


class PricedQuantity(NamedTuple):
    """How many units a price applies to, how that came about, and why it may not be charged yet."""

    quantity: Decimal
    unit_code: str
    hold_reason: str | None
    term: Term
    usage: UsageRecord | None
    parameters: MeteredParameters | None

    @property
    def steps(self) -> tuple[str, ...]:
        """From the readings to the priced quantity, in sentences."""
        usage = self.usage
        if usage is None:
            return (str(self.hold_reason),)
        steps = [
            (
                f"{self.term.metric}: {len(usage.segments)} segment(s) add up to {plain_text(usage.quantity)} "
                f"{usage.unit_code} ({usage.quantity_flag})"
            )
        ]
        quantity = round_quantity(convert(usage.quantity, from_unit=usage.unit_code, to_unit=self.unit_code))
        if usage.unit_code != self.unit_code or quantity != usage.quantity:
            steps.append(
                f"{plain_text(usage.quantity)} {usage.unit_code} = {plain_text(quantity)} {self.unit_code}, "
                f"rounded half-up at {QUANTITY_PLACES} decimals"
            )
        if self.parameters is not None and self.parameters.unit_conversion is not None:
            conversion = self.parameters.unit_conversion
            steps.append(conversion.told(quantity))
            quantity = conversion.converted(quantity)
        if self.parameters is not None and self.parameters.included_quantity:
            steps.append(told_allowance(quantity, self.parameters.included_quantity))
        return tuple(steps)


def priced_quantity(given: RuleInput) -> PricedQuantity:
    """The metered quantity in the term's unit, rounded by the rule above."""
    agreed = given.checked if isinstance(given.checked, MeteredParameters) else None
    return priced_usage(given.term, given.usage, agreed=agreed)


def priced_usage(term: Term, usage: UsageRecord | None, *, agreed: MeteredParameters | None) -> PricedQuantity:
    """The same for a term whose parameters were read."""
    unit_code = term.quantity_unit_code
    if term.metric is None or unit_code is None:
        raise RatingError(f"Term {term.term_id} ({term.rule}) prices usage; give it a metric and a quantity_unit_code.")
    if usage is None:
        reason = f"{term.term_id}: no reading of {term.metric} reached the warehouse for this period"
        return PricedQuantity(Decimal(0), unit_code, reason, term, usage, agreed)
    quantity = quantity_at_price(usage, unit_code=unit_code, agreed=agreed)
    hold_reason = None
    if usage.quantity_flag == "held":
        hold_reason = (
            f"{term.term_id}: the counter {term.metric} fell without a declared replacement, contradicts itself or "
            "rose faster than it can; see `lineshaft meter list`, declare the meter change or correct the readings"
        )
    return PricedQuantity(quantity, unit_code, hold_reason, term, usage, agreed)


def quantity_at_price(usage: UsageRecord, *, unit_code: str, agreed: MeteredParameters | None) -> Decimal:
    """The usage in the price's unit: converted, rounded half-up at four decimals, bundled, less what is included."""
    quantity = usage.quantity
    if usage.unit_code != unit_code:
        quantity = _DIVISION.divide(quantity, divisor_of(from_unit=usage.unit_code, to_unit=unit_code))
    quantity = _DIVISION.quantize(quantity, _SMALLEST)
    if agreed is not None and not agreed.is_plain:
        if agreed.unit_conversion is not None:
            quantity = agreed.unit_conversion.converted(quantity)
        if agreed.included_quantity:
            quantity = remaining_quantity(quantity, agreed.included_quantity)
    return quantity


def priced_parts(term: Term, usage: UsageRecord | None, parts: tuple[UsagePart, ...]) -> tuple[UsagePart, ...]:
    """Each part of the usage in the term's unit, rounded by the same rule; nothing is included by part."""
    unit_code = term.quantity_unit_code
    if usage is None or unit_code is None:
        return ()
    return tuple(
        part._replace(
            quantity=round_quantity(convert(part.quantity, from_unit=usage.unit_code, to_unit=unit_code)),
            full_quantity=None
            if part.full_quantity is None
            else round_quantity(convert(part.full_quantity, from_unit=usage.unit_code, to_unit=unit_code)),
        )
        for part in parts
    )


def convert(quantity: Decimal, *, from_unit: str, to_unit: str) -> Decimal:
    """The same quantity in another unit."""
    if from_unit == to_unit:
        return quantity
    return _DIVISION.divide(quantity, Decimal(divisor_of(from_unit=from_unit, to_unit=to_unit)))


def divisor_of(*, from_unit: str, to_unit: str) -> int:
    """How many of the readings' units make one of the price's; raises RatingError where none do."""
    if from_unit == to_unit:
        return 1
    try:
        return _DIVISORS[from_unit, to_unit]
    except KeyError:
        raise RatingError(
            f"Readings in {from_unit} cannot be priced per {to_unit}; price per {from_unit} or map the metric to a "
            f"unit that converts."
        ) from None

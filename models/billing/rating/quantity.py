"""From the meter's unit to the price's unit: the priced quantity of a metered term.

Belongs here: exact conversions between UN/ECE Rec 20 units that contracts price in, and the hold a missing or held
reading puts on a line. Does not belong here: a site's own units (ingest.mapping converts those on the way in).

The rule, named in every explanation: *convert exactly, then round half-up at four decimals, once, before any price or
tier is applied*. Running hours: 1,234,567 s / 3,600 = 342.935277... h -> 342.9353 HUR.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from models.billing.rating.line import RuleInput
from models.errors import RatingError
from models.exact import plain_text
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


@dataclass(frozen=True, kw_only=True)
class PricedQuantity:
    """How many units a price applies to, how that came about, and why it may not be charged yet."""

    quantity: Decimal
    unit_code: str
    steps: tuple[str, ...]
    hold_reason: str | None


def priced_quantity(given: RuleInput) -> PricedQuantity:
    """The metered quantity in the term's unit, rounded by the rule above."""
    term, usage = given.term, given.usage
    if term.metric is None or term.quantity_unit_code is None:
        raise RatingError(f"Term {term.term_id} ({term.rule}) prices usage; give it a metric and a quantity_unit_code.")
    if usage is None:
        reason = f"{term.term_id}: no reading of {term.metric} reached the warehouse for this period"
        return PricedQuantity(
            quantity=Decimal(0), unit_code=term.quantity_unit_code, steps=(reason,), hold_reason=reason
        )
    converted = convert(usage.quantity, from_unit=usage.unit_code, to_unit=term.quantity_unit_code)
    quantity = round_quantity(converted)
    steps = [
        (
            f"{term.metric}: {len(usage.segments)} segment(s) add up to {plain_text(usage.quantity)} "
            f"{usage.unit_code} ({usage.quantity_flag})"
        )
    ]
    if usage.unit_code != term.quantity_unit_code or quantity != usage.quantity:
        steps.append(
            f"{plain_text(usage.quantity)} {usage.unit_code} = {plain_text(quantity)} {term.quantity_unit_code}, "
            f"rounded half-up at {QUANTITY_PLACES} decimals"
        )
    hold_reason = None
    if usage.quantity_flag == "held":
        hold_reason = (
            f"{term.term_id}: the counter {term.metric} fell without a declared replacement; "
            "declare the meter change or correct the readings"
        )
    return PricedQuantity(
        quantity=quantity, unit_code=term.quantity_unit_code, steps=tuple(steps), hold_reason=hold_reason
    )


def convert(quantity: Decimal, *, from_unit: str, to_unit: str) -> Decimal:
    """The same quantity in another unit."""
    if from_unit == to_unit:
        return quantity
    try:
        divisor = _DIVISORS[from_unit, to_unit]
    except KeyError:
        raise RatingError(
            f"Readings in {from_unit} cannot be priced per {to_unit}; price per {from_unit} or map the metric to a "
            f"unit that converts."
        ) from None
    return _DIVISION.divide(quantity, Decimal(divisor))

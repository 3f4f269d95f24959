"""Availability guarantee: a credit per whole point below the guaranteed availability, capped.

    availability = 1 - supplier_down / (scheduled - planned_down - operator_down)
    points       = whole points of (guaranteed - availability), floored
    credit       = min(points x percent_per_point, cap_percent) of the base term's amount

Scheduled time is what the calendar says, in elapsed seconds (23- and 25-hour days as they are). What the operator
caused and what was planned leave the denominator: the supplier answers for neither. The points come from one exact
division, never from a rounded ratio, so that exactly two points short is two points. No time left to be available in is
no breach.

The line: quantity -1 and the credit as price; quantity 0 where the guarantee was kept, so that the proof is shown too.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from models.billing.rating.flat_fee import FlatFeeParameters
from models.billing.rating.line import RatedLine, RuleInput, RuleParameters, read_parameters
from models.billing.usage import Availability
from models.errors import RatingError
from models.exact import WIDE, ExactNumber, multiply, plain_text
from models.money import Money, round_amount, round_quantity


class AvailabilityGuaranteeParameters(RuleParameters):
    """`guaranteed_ratio` 0..1; `percent_per_point` and `cap_percent` of the flat fee `base_term`."""

    guaranteed_ratio: ExactNumber = Field(gt=0, le=1)
    percent_per_point: ExactNumber = Field(gt=0, le=100)
    cap_percent: ExactNumber = Field(gt=0, le=100)
    base_term: str


def rate_availability_guarantee(given: RuleInput) -> tuple[RatedLine, ...]:
    """One line: the credit, or zero."""
    parameters = given.parameters(AvailabilityGuaranteeParameters)
    base = base_amount(given, parameters)
    measured = given.availability
    if measured is None:
        reason = f"{given.term.term_id}: no machine states reached the warehouse for this period"
        return (_line(given, credit=base * 0, inputs={}, steps=(reason,), hold_reason=reason),)
    points, explained = whole_points_short(measured, guaranteed_ratio=parameters.guaranteed_ratio)
    percent = min(multiply(points, parameters.percent_per_point), parameters.cap_percent)
    credit = round_amount(base * multiply(percent, Decimal("0.01")))
    steps = (
        *explained,
        (
            f"{plain_text(points)} point(s) x {plain_text(parameters.percent_per_point)} %, at most "
            f"{plain_text(parameters.cap_percent)} %, is {plain_text(percent)} % of {base}"
        ),
    )
    inputs: dict[str, object] = {
        "availability": availability_data(measured),
        "base_amount": plain_text(base.amount),
    }
    return (_line(given, credit=credit, inputs=inputs, steps=steps),)


def whole_points_short(measured: Availability, *, guaranteed_ratio: Decimal) -> tuple[Decimal, tuple[str, ...]]:
    """Whole points below the guarantee, never negative, and the steps that show it."""
    answerable_s = WIDE.subtract(measured.scheduled_s, WIDE.add(measured.planned_down_s, measured.operator_down_s))
    if answerable_s <= 0:
        return Decimal(0), ("no scheduled time was left that the supplier answers for, so the guarantee is kept",)
    # 100 x (guaranteed - 1 + down / answerable), brought onto one denominator to stay exact
    lacking = WIDE.add(
        multiply(WIDE.subtract(guaranteed_ratio, Decimal(1)), answerable_s),
        measured.supplier_down_s,
    )
    points = max(Decimal(0), WIDE.divide_int(multiply(lacking, Decimal(100)), answerable_s))
    availability = round_quantity(1 - measured.supplier_down_s / answerable_s)
    return points, (
        (
            f"answerable time: {plain_text(measured.scheduled_s)} - {plain_text(measured.planned_down_s)} planned - "
            f"{plain_text(measured.operator_down_s)} operator = {plain_text(answerable_s)} s"
        ),
        (
            f"availability: 1 - {plain_text(measured.supplier_down_s)} / {plain_text(answerable_s)} = "
            f"{plain_text(availability)} (shown at 4 decimals), guaranteed {plain_text(guaranteed_ratio)}"
        ),
        f"whole points short: {plain_text(points)}",
    )


def base_amount(given: RuleInput, parameters: AvailabilityGuaranteeParameters) -> Money:
    """The flat fee that the credit is a percentage of."""
    for term in given.contract.terms:
        if term.term_id == parameters.base_term and term.rule == "flat_fee":
            return Money(read_parameters(term, FlatFeeParameters).amount, given.contract.currency_code)
    raise RatingError(
        f"Term {given.term.term_id} takes its credit from {parameters.base_term!r}, which is no flat_fee term of "
        f"contract {given.contract.contract_id}; name one that is."
    )


def availability_data(measured: Availability) -> dict[str, str]:
    """The measured seconds as text, complete enough to rate again."""
    return {
        "scheduled_s": plain_text(measured.scheduled_s),
        "supplier_down_s": plain_text(measured.supplier_down_s),
        "operator_down_s": plain_text(measured.operator_down_s),
        "planned_down_s": plain_text(measured.planned_down_s),
    }


def _line(
    given: RuleInput,
    *,
    credit: Money,
    inputs: dict[str, object],
    steps: tuple[str, ...],
    hold_reason: str | None = None,
) -> RatedLine:
    return given.line(
        quantity=Decimal(-1) if credit.amount else Decimal(0),
        unit_code="C62",
        unit_price=credit.amount,
        formula="-1 x min(whole points short x percent_per_point, cap_percent) of the base amount",
        inputs=inputs,
        steps=steps,
        hold_reason=hold_reason,
    )

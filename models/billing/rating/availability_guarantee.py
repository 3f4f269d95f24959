"""Availability guarantee: a credit for what is lacking below the guarantee, and a bonus above it if one is agreed.

    availability = 1 - supplier_down / (scheduled - planned_down - operator_down)
    points       = whole points of (guaranteed - availability), floored
    credit       = min(points x percent_per_point, cap_percent) of the base term's amount

Scheduled time is what the calendar says, in elapsed seconds (23- and 25-hour days as they are). What the operator
caused and what was planned leave the denominator: the supplier answers for neither. The points come from one exact
division, never from a rounded ratio, so that exactly two points short is two points. No time left to be available in is
no breach.

A contract may agree otherwise on each: `answers_for` names the causes that count as down (planned maintenance that runs
on the supplier's account, say); `points: linear` credits every part of a point; `bonus` pays for points above the
guarantee, whole or linear alike, up to its own cap.

The line: quantity -1 and the credit as price, quantity 1 and the bonus as price; quantity 0 where neither is due, so
that the proof is shown too.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from models.billing.rating.base_amount import base_amount_of
from models.billing.rating.line import RatedLine, RuleInput, RuleParameters
from models.billing.usage import Availability
from models.exact import WIDE, ExactNumber, divide, plain_text
from models.money import Money, round_amount, round_quantity

Cause = Literal["supplier", "operator", "planned"]
"""Who or what a machine was down for: the time categories of dbt's state mapping, by who answers for them."""

PointCounting = Literal["whole", "linear"]


class AvailabilityBonus(BaseModel):
    """What each point above the guarantee is worth, in percent of the base amount, and at most."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    percent_per_point: ExactNumber = Field(gt=0, le=100)
    cap_percent: ExactNumber = Field(gt=0, le=100)


class AvailabilityGuaranteeParameters(RuleParameters):
    """`guaranteed_ratio` 0..1; `percent_per_point` and `cap_percent` of the fixed fee `base_term`."""

    guaranteed_ratio: ExactNumber = Field(gt=0, le=1)
    percent_per_point: ExactNumber = Field(gt=0, le=100)
    cap_percent: ExactNumber = Field(gt=0, le=100)
    base_term: str
    points: PointCounting = "whole"
    answers_for: tuple[Cause, ...] = ("supplier",)
    bonus: AvailabilityBonus | None = None

    @field_validator("answers_for")
    @classmethod
    def _supplier_answers_for_itself(cls, causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
        if "supplier" not in causes or len(set(causes)) < len(causes):
            raise ValueError("name each cause once, supplier among them")
        return causes


class Shortfall(NamedTuple):
    """Points below the guarantee (above it: negative), before they are counted whole or linear, and the steps."""

    points: Fraction
    steps: tuple[str, ...]
    is_answerable: bool = True
    """Whether any scheduled time was left that the supplier answers for."""


def rate_availability_guarantee(given: RuleInput) -> tuple[RatedLine, ...]:
    """One line: the credit, the bonus, or zero."""
    parameters = given.parameters(AvailabilityGuaranteeParameters)
    base = base_amount_of(given, parameters.base_term)
    measured = given.availability
    if measured is None:
        reason = f"{given.term.term_id}: no machine states reached the warehouse for this period"
        return (_line(given, parameters, credit=base * 0, inputs={}, steps=(reason,), hold_reason=reason),)
    shortfall = points_short(measured, parameters)
    is_above = shortfall.points < 0
    points = count_points(-shortfall.points if is_above else shortfall.points, parameters.points)
    inputs: dict[str, object] = {
        "availability": availability_data(measured),
        "base_amount": plain_text(base.amount),
    }
    if is_above and parameters.bonus is not None:
        bonus, told = _share_of(base, points, parameters.bonus.percent_per_point, parameters.bonus.cap_percent)
        steps = (*shortfall.steps, f"{parameters.points} points above: {_shown(points)}", told)
        return (_line(given, parameters, credit=-bonus, inputs=inputs, steps=steps),)
    owed = Fraction(0) if is_above else points
    credit, told = _share_of(base, owed, parameters.percent_per_point, parameters.cap_percent)
    counted = (f"{parameters.points} points short: {_shown(owed)}",) if shortfall.is_answerable else ()
    steps = (*shortfall.steps, *counted, told)
    return (_line(given, parameters, credit=credit, inputs=inputs, steps=steps),)


def points_short(measured: Availability, parameters: AvailabilityGuaranteeParameters) -> Shortfall:
    """How many points the availability lacks, exact, and the steps that show it."""
    down_s = {
        "supplier": measured.supplier_down_s,
        "planned": measured.planned_down_s,
        "operator": measured.operator_down_s,
    }
    answered = [down_s[cause] for cause in parameters.answers_for]
    excluded = {cause: seconds for cause, seconds in down_s.items() if cause not in parameters.answers_for}
    answerable_s, lost_s = measured.scheduled_s, Decimal(0)
    for seconds in excluded.values():
        answerable_s = WIDE.subtract(answerable_s, seconds)
    for seconds in answered:
        lost_s = WIDE.add(lost_s, seconds)
    if answerable_s <= 0:
        kept = "no scheduled time was left that the supplier answers for, so the guarantee is kept"
        return Shortfall(points=Fraction(0), steps=(kept,), is_answerable=False)
    lost_ratio = Fraction(lost_s) / Fraction(answerable_s)
    points = 100 * (Fraction(parameters.guaranteed_ratio) - 1 + lost_ratio)
    less = "".join(f" - {plain_text(seconds)} {cause}" for cause, seconds in excluded.items())
    lost = " + ".join(plain_text(seconds) for seconds in answered)
    lost = lost if len(answered) == 1 else f"({lost})"
    availability = round_quantity(divide(1 - lost_ratio))
    return Shortfall(
        points=points,
        steps=(
            f"answerable time: {plain_text(measured.scheduled_s)}{less} = {plain_text(answerable_s)} s",
            (
                f"availability: 1 - {lost} / {plain_text(answerable_s)} = {plain_text(availability)} "
                f"(shown at 4 decimals), guaranteed {plain_text(parameters.guaranteed_ratio)}"
            ),
        ),
    )


def count_points(points: Fraction, counting: PointCounting) -> Fraction:
    """Whole points, floored, or all of them."""
    return Fraction(points.numerator // points.denominator) if counting == "whole" else points


def availability_data(measured: Availability) -> dict[str, str]:
    """The measured seconds as text, complete enough to rate again."""
    return {
        "scheduled_s": plain_text(measured.scheduled_s),
        "supplier_down_s": plain_text(measured.supplier_down_s),
        "operator_down_s": plain_text(measured.operator_down_s),
        "planned_down_s": plain_text(measured.planned_down_s),
    }


def _share_of(base: Money, points: Fraction, percent_per_point: Decimal, cap_percent: Decimal) -> tuple[Money, str]:
    percent = min(points * Fraction(percent_per_point), Fraction(cap_percent))
    amount = round_amount(Money(divide(Fraction(base.amount) * percent / 100), base.currency_code))
    told = (
        f"{_shown(points)} point(s) x {plain_text(percent_per_point)} %, at most {plain_text(cap_percent)} %, is "
        f"{_shown(percent)} % of {base}"
    )
    return amount, told


def _shown(number: Fraction) -> str:
    """A whole or finite number as it is, any other at four decimals, which decide nothing."""
    quotient = divide(number)
    return plain_text(quotient if Fraction(quotient) == number else round_quantity(quotient))


def _line(
    given: RuleInput,
    parameters: AvailabilityGuaranteeParameters,
    *,
    credit: Money,
    inputs: dict[str, object],
    steps: tuple[str, ...],
    hold_reason: str | None = None,
) -> RatedLine:
    return given.line(
        quantity=Decimal(0) if not credit.amount else Decimal(-1) if credit.amount > 0 else Decimal(1),
        unit_code="C62",
        unit_price=credit.amount.copy_abs(),
        formula=_formula(parameters),
        inputs=inputs,
        steps=steps,
        hold_reason=hold_reason,
    )


def _formula(parameters: AvailabilityGuaranteeParameters) -> str:
    malus = f"-1 x min({parameters.points} points short x percent_per_point, cap_percent) of the base amount"
    if parameters.bonus is None:
        return malus
    return f"{malus}; above the guarantee 1 x min({parameters.points} points above x bonus percent, bonus cap) of it"

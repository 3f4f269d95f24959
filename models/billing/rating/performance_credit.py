"""Performance credit: what a machine consumed beyond what was guaranteed, given back at an agreed value.

    allowed = guaranteed_rate x reference quantity x (1 + tolerance_percent / 100)
    credit  = (measured - allowed) x unit_value, never below zero; at most cap.percent of the fixed fee cap.base_term

The form of a fleet-hour agreement's fuel credit, C = (D - GR) % x Y x H x F: D and GR are measured and tolerated
deterioration in percent, Y the guaranteed consumption per hour, H the hours, F the price of fuel. Here Y x H is
guaranteed_rate x the reference's quantity: kilowatt-hours per part and parts, litres per hour and hours.

Two lines: the credit, with the excess as a negative quantity at the value of one unit (a capped one is quantity -1 at
the cap), and the reference. Where either counter is missing or held, so is the credit.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from models.billing.rating.base_amount import base_amount_of
from models.billing.rating.line import RatedLine, RuleInput, RuleParameters
from models.billing.rating.quantity import priced_quantity
from models.billing.rating.reference import Reference, measure_reference
from models.exact import WIDE, ExactNumber, multiply, plain_text
from models.money import Money, round_amount, round_quantity

_PERCENT = Decimal("0.01")


class CreditCap(BaseModel):
    """At most this share of a fixed fee."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_term: str
    percent: ExactNumber = Field(gt=0, le=100)


class PerformanceCreditParameters(RuleParameters):
    """`guaranteed_rate` of the term's metric per unit of the reference; `unit_value` in the contract's currency."""

    reference: Reference
    guaranteed_rate: ExactNumber = Field(gt=0)
    tolerance_percent: ExactNumber = Field(default=Decimal(0), ge=0)
    unit_value: ExactNumber = Field(ge=0)
    cap: CreditCap | None = None


def rate_performance_credit(given: RuleInput) -> tuple[RatedLine, ...]:
    """Two lines: the credit, or zero, and the reference."""
    parameters = given.parameters(PerformanceCreditParameters)
    measured = priced_quantity(given)
    reference = measure_reference(given, parameters.reference)
    hold_reason = measured.hold_reason or reference.priced.hold_reason
    allowed = allowed_quantity(reference.priced.quantity, parameters)
    excess = Decimal(0) if hold_reason else max(WIDE.subtract(measured.quantity, allowed), Decimal(0))
    quantity, unit_code, unit_price = -excess, measured.unit_code, parameters.unit_value
    steps = (
        *measured.steps,
        *reference.priced.steps,
        (
            f"allowed: {plain_text(parameters.guaranteed_rate)} x {plain_text(reference.priced.quantity)} "
            f"{reference.priced.unit_code} + {plain_text(parameters.tolerance_percent)} % = {plain_text(allowed)} "
            f"{unit_code}, rounded half-up at 4 decimals"
        ),
        f"measured {plain_text(measured.quantity)}, so {plain_text(excess)} {unit_code} beyond",
    )
    if parameters.cap is not None:
        cap = credit_cap(given, parameters.cap)
        steps = (*steps, f"at most {plain_text(parameters.cap.percent)} % of {parameters.cap.base_term}: {cap}")
        if round_amount(Money(unit_price, cap.currency_code) * excess).amount > cap.amount:
            quantity, unit_code, unit_price = Decimal(-1), "C62", cap.amount
    credit = given.line(
        quantity=quantity or Decimal(0),
        unit_code=unit_code,
        unit_price=unit_price,
        formula="-1 x (measured - guaranteed_rate x reference x (1 + tolerance)) x unit_value, at most the cap",
        inputs={"allowed_quantity": plain_text(allowed), "excess_quantity": plain_text(excess)},
        steps=steps,
        hold_reason=hold_reason,
    )
    return (credit, reference.line)


def allowed_quantity(reference: Decimal, parameters: PerformanceCreditParameters) -> Decimal:
    """What may be consumed for that much of the reference, rounded as a quantity is."""
    tolerated = WIDE.add(Decimal(1), multiply(parameters.tolerance_percent, _PERCENT))
    return round_quantity(multiply(multiply(parameters.guaranteed_rate, reference), tolerated))


def credit_cap(given: RuleInput, cap: CreditCap) -> Money:
    """The most that is given back, rounded as an amount is."""
    return round_amount(base_amount_of(given, cap.base_term) * multiply(cap.percent, _PERCENT))

"""Severity factor: a price that follows how hard a machine is used, by objective criteria.

    severity = quantity / reference quantity            running hours per start, load per part
    rate     = unit_price x the factor of the band that the severity falls into, rounded half-up once at `rate_decimals`
    amount   = quantity x rate

Hours of short cycles wear an engine more than long ones, so hour agreements set the rate anew by the ratio of hours to
cycles. A band's upper bound belongs to it; the last band is open. Without any reference there is no ratio: the severity
is beyond every bound, the last band's. The ratio is compared exactly, never rounded first.

Two lines: the usage at the rate, and the reference.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.billing.rating.line import RatedLine, RuleInput, RuleParameters
from models.billing.rating.quantity import priced_quantity
from models.billing.rating.reference import Reference, measure_reference
from models.exact import ExactNumber, divide, multiply, plain_text
from models.money import round_quantity, round_to


class SeverityBand(BaseModel):
    """Severities up to and including `up_to` (none: without end) multiply the price by `factor`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    up_to: ExactNumber | None
    factor: ExactNumber = Field(gt=0)


class SeverityFactorParameters(RuleParameters):
    """`unit_price` at factor 1, in the contract's currency; bands with rising bounds, the last one open."""

    unit_price: ExactNumber = Field(ge=0)
    reference: Reference
    bands: tuple[SeverityBand, ...] = Field(min_length=1)
    rate_decimals: int = Field(default=4, ge=0, le=12)

    @model_validator(mode="after")
    def _bounds_rise_to_an_open_end(self) -> Self:
        bounds = [band.up_to for band in self.bands]
        closed = [bound for bound in bounds if bound is not None]
        if bounds[-1] is not None or len(closed) != len(bounds) - 1 or sorted(set(closed)) != closed:
            raise ValueError("each band's up_to is greater than the one before; the last, and only the last, is null")
        return self


class Severity(NamedTuple):
    """The band that holds, counted from 1, and how the ratio reads."""

    number: int
    band: SeverityBand
    told: str


def severity_of(quantity: Decimal, reference: Decimal, bands: tuple[SeverityBand, ...]) -> Severity:
    """The band of quantity / reference."""
    if not reference:
        return Severity(len(bands), bands[-1], "no reference was counted, so the severity is beyond every bound")
    ratio = Fraction(quantity) / Fraction(reference)
    shown = round_quantity(divide(ratio))
    told = f"severity: {plain_text(quantity)} / {plain_text(reference)} = {plain_text(shown)} (shown at 4 decimals)"
    number, band = next(  # the last band is open
        (number, band)
        for number, band in enumerate(bands, start=1)
        if band.up_to is None or ratio <= Fraction(band.up_to)
    )
    return Severity(number, band, told)


def rate_severity_factor(given: RuleInput) -> tuple[RatedLine, ...]:
    """Two lines: the usage at the rate of its severity, and the reference."""
    parameters = given.parameters(SeverityFactorParameters)
    priced = priced_quantity(given)
    reference = measure_reference(given, parameters.reference)
    severity = severity_of(priced.quantity, reference.priced.quantity, parameters.bands)
    rate = round_to(multiply(parameters.unit_price, severity.band.factor), places=parameters.rate_decimals)
    up_to = "without end" if severity.band.up_to is None else f"up to {plain_text(severity.band.up_to)}"
    charge = given.line(
        quantity=priced.quantity,
        unit_code=priced.unit_code,
        unit_price=rate,
        formula="quantity x unit_price x the factor of the band of quantity / reference; the rate is rounded once",
        inputs={"severity_band": severity.number, "factor": plain_text(severity.band.factor)},
        steps=(
            *priced.steps,
            *reference.priced.steps,
            severity.told,
            (
                f"band {severity.number} ({up_to}): {plain_text(parameters.unit_price)} x "
                f"{plain_text(severity.band.factor)} = {plain_text(rate)}, rounded half-up at "
                f"{parameters.rate_decimals} decimals"
            ),
        ),
        hold_reason=priced.hold_reason or reference.priced.hold_reason,
    )
    return (charge, reference.line)

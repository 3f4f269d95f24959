"""Hour bands: a fee for an agreed band of running hours, settled by the band that was run.

    fee          the agreed band's amount
    back-charge  the amount of the band reached - the agreed band's, where more was run
    refund       the agreed band's amount - that of the next lower band, where less was run: one band, however little

So compressor contracts bill: agreed yearly hours, a back-charge above them and a refund on the next lower band.
`refund: reached` refunds down to the band that was run. The period is the contract's own: agree yearly hours where it
bills by the year. A band's upper bound belongs to it; the last band may be open.

Two lines: the fee, and the settlement (quantity 1, -1 or, with nothing to settle, 0), which carries the readings. Hours
in doubt settle nothing and hold the invoice. Hours beyond a closed last band hold it too: no price was agreed for them.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.billing.rating.line import RatedLine, RuleInput, RuleParameters
from models.billing.rating.quantity import PricedQuantity, priced_quantity
from models.exact import WIDE, ExactNumber, plain_text


class HourBand(BaseModel):
    """Hours up to and including `up_to` (none: without end) cost `amount` in the period."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    up_to: ExactNumber | None
    amount: ExactNumber = Field(ge=0)


class HourBandsParameters(RuleParameters):
    """Bands with rising bounds and amounts; `agreed_band` is the number, from 1, of the one that the fee is for."""

    bands: tuple[HourBand, ...] = Field(min_length=1)
    agreed_band: int = Field(ge=1)
    refund: Literal["next_lower", "reached"] = "next_lower"

    @model_validator(mode="after")
    def _bands_rise_and_one_is_agreed(self) -> Self:
        if any(band.up_to is None for band in self.bands[:-1]):
            raise ValueError("only the last band has up_to: null")
        bounds = [Decimal(0), *(band.up_to for band in self.bands if band.up_to is not None)]
        if any(upper <= lower for lower, upper in pairwise(bounds)):
            raise ValueError("each band's up_to is greater than the one before, the first greater than zero")
        if any(upper.amount < lower.amount for lower, upper in pairwise(self.bands)):
            raise ValueError("a higher band never costs less than the one below it")
        if self.agreed_band > len(self.bands):
            raise ValueError(f"agreed_band is {self.agreed_band}, of {len(self.bands)} bands")
        return self


class Settlement(NamedTuple):
    """What is charged back (above zero) or refunded (below), the band it goes to, and how."""

    amount: Decimal
    band_number: int
    told: str


def settle(hours: Decimal, parameters: HourBandsParameters) -> Settlement | None:
    """The settlement of the hours run; None where they are beyond the last band."""
    agreed = parameters.agreed_band
    reached = next(
        (number for number, band in enumerate(parameters.bands, start=1) if band.up_to is None or hours <= band.up_to),
        None,
    )
    if reached is None:
        return None
    settled = reached
    if reached < agreed and parameters.refund == "next_lower":
        settled = agreed - 1
    due = WIDE.subtract(parameters.bands[settled - 1].amount, parameters.bands[agreed - 1].amount)
    kind = "nothing to settle" if settled == agreed else "back-charge" if settled > agreed else "refund"
    told = f"{plain_text(hours)} reach band {reached}, band {agreed} was agreed: {kind}"
    return Settlement(due, settled, f"{told} to band {settled}" if settled != agreed else told)


def rate_hour_bands(given: RuleInput) -> tuple[RatedLine, ...]:
    """Two lines: the fee and the settlement."""
    parameters = given.parameters(HourBandsParameters)
    priced = priced_quantity(given)
    agreed = parameters.bands[parameters.agreed_band - 1]
    fee = RuleInput(contract=given.contract, term=given.term, usage=None, availability=None).line(
        quantity=Decimal(1),
        unit_code="C62",
        unit_price=agreed.amount,
        formula="1 x the amount of the agreed band",
        steps=(f"band {parameters.agreed_band} ({_bounds(parameters, parameters.agreed_band)}) was agreed",),
    )
    return (fee, _settlement_line(given, parameters, priced))


def _settlement_line(given: RuleInput, parameters: HourBandsParameters, priced: PricedQuantity) -> RatedLine:
    hold_reason = priced.hold_reason
    settlement = None if hold_reason else settle(priced.quantity, parameters)
    if settlement is None and hold_reason is None:
        hold_reason = (
            f"{given.term.term_id}: {plain_text(priced.quantity)} {priced.unit_code} are beyond the last band; agree a "
            "band for them"
        )
    steps = priced.steps
    amount = Decimal(0)
    if settlement is not None:
        amount = settlement.amount
        bounds = _bounds(parameters, settlement.band_number)
        steps = (*steps, settlement.told, f"band {settlement.band_number} ({bounds}) - agreed = {plain_text(amount)}")
    return given.line(
        quantity=Decimal(0) if not amount else Decimal(1) if amount > 0 else Decimal(-1),
        unit_code="C62",
        unit_price=amount.copy_abs(),
        formula="amount of the band settled - amount of the agreed band; a refund goes one band down unless agreed",
        inputs={"priced_quantity": plain_text(priced.quantity), "is_settlement": True},
        steps=steps,
        hold_reason=hold_reason,
    )


def _bounds(parameters: HourBandsParameters, number: int) -> str:
    lower = parameters.bands[number - 2].up_to if number > 1 else Decimal(0)
    upper = parameters.bands[number - 1].up_to
    from_lower = plain_text(lower or Decimal(0))
    return f"over {from_lower}" if upper is None else f"{from_lower} to {plain_text(upper)}"

"""Indexation: a price that follows published indices, by the escalation clause of the contract.

    rate = base_price x (fixed_weight + sum of weight x value / base_value)      P0 x (a + b x L/L0 + c x M/M0)

The rate is rounded half-up once, at `rate_decimals`, before any quantity is multiplied. The published values stand in
the term as a dated table with their source; the value in force is the last one whose `from_date` is not after the first
local day of the service period. Where an index has none by then, the line is held: a price is not guessed.

Two rules share the clause: `indexation` prices metered units, `indexed_flat_fee` a fixed amount per period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.billing.rating.charge import minor_unit_of
from models.billing.rating.line import RatedLine, RuleInput, RuleParameters
from models.billing.rating.quantity import priced_quantity
from models.errors import RatingError
from models.exact import ExactNumber, divide, plain_text
from models.money import round_to
from models.timeline import local_date

RATE_DECIMALS = 4
_FORMULA = "base_price x (fixed_weight + sum of weight x value / base_value), rounded half-up once"


class IndexComponent(BaseModel):
    """How much of the price follows an index, and where that index stood when the price was agreed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: str
    weight: ExactNumber = Field(gt=0)
    base_value: ExactNumber = Field(gt=0)


class IndexValue(BaseModel):
    """A published value: from which local date it holds, and who published it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: str
    from_date: date
    value: ExactNumber = Field(gt=0)
    source: str = Field(min_length=1)


class IndexationParameters(RuleParameters):
    """`base_price` in the contract's currency; weights as agreed (they need not add up to one)."""

    base_price: ExactNumber = Field(ge=0)
    fixed_weight: ExactNumber = Field(ge=0)
    components: tuple[IndexComponent, ...] = Field(min_length=1)
    values: tuple[IndexValue, ...] = Field(min_length=1)
    rate_decimals: int = Field(default=RATE_DECIMALS, ge=0, le=12)

    @model_validator(mode="after")
    def _each_index_once_and_each_date_once(self) -> Self:
        indices = [component.index for component in self.components]
        if len(set(indices)) < len(indices):
            raise ValueError("an index appears in two components; add their weights")
        dated = [(value.index, value.from_date) for value in self.values]
        if len(set(dated)) < len(dated):
            raise ValueError("an index has two values from one date; keep the one that was published last")
        unknown = {index for index, _ in dated} - set(indices)
        if unknown:
            raise ValueError(f"{min(unknown)} has values and is in no component")
        return self


class IndexedFlatFeeParameters(IndexationParameters):
    """`base_price` per billing period; where it is covered in part, `is_prorated` charges that share of the rate."""

    is_prorated: bool = False


@dataclass(frozen=True, kw_only=True)
class IndexedRate:
    """The rate of one day, the values it follows from, and how."""

    rate: Decimal
    values: tuple[IndexValue, ...]
    steps: tuple[str, ...]
    hold_reason: str | None = None


def indexed_rate(parameters: IndexationParameters, *, on: date) -> IndexedRate:
    """The rate in force on a local date.

    Raises RatingError where an index has no value by then.
    """
    values = tuple(_value_in_force(parameters.values, component.index, on=on) for component in parameters.components)
    factor = Fraction(parameters.fixed_weight)
    for component, value in zip(parameters.components, values, strict=True):
        factor += Fraction(component.weight) * Fraction(value.value) / Fraction(component.base_value)
    rate = round_to(divide(Fraction(parameters.base_price) * factor), places=parameters.rate_decimals)
    followed = " + ".join(
        f"{plain_text(component.weight)} x {plain_text(value.value)} / {plain_text(component.base_value)}"
        for component, value in zip(parameters.components, values, strict=True)
    )
    named = tuple(
        f"{value.index}: {plain_text(value.value)} from {value.from_date} ({value.source})" for value in values
    )
    computed = (
        f"{plain_text(parameters.base_price)} x ({plain_text(parameters.fixed_weight)} + {followed}) = "
        f"{plain_text(rate)}, rounded half-up at {parameters.rate_decimals} decimals"
    )
    return IndexedRate(rate=rate, values=values, steps=(*named, computed))


def rate_indexation(given: RuleInput) -> tuple[RatedLine, ...]:
    """One line: the metered quantity at the indexed rate."""
    priced = priced_quantity(given)
    rate = _rate_of(given, IndexationParameters)
    return (
        given.line(
            quantity=priced.quantity,
            unit_code=priced.unit_code,
            unit_price=rate.rate,
            formula=f"quantity x rate; rate = {_FORMULA}",
            inputs=_inputs(rate),
            steps=(*priced.steps, *rate.steps),
            hold_reason=priced.hold_reason or rate.hold_reason,
        ),
    )


def rate_indexed_flat_fee(given: RuleInput) -> tuple[RatedLine, ...]:
    """One line: the indexed amount, once."""
    rate = indexed_fee(given)
    return (
        given.line(
            quantity=Decimal(1),
            unit_code="MON",
            unit_price=rate.rate,
            formula=f"1 month x rate; rate = {_FORMULA}",
            inputs=_inputs(rate),
            steps=rate.steps,
            hold_reason=rate.hold_reason,
        ),
    )


def indexed_fee(given: RuleInput) -> IndexedRate:
    """The rate of a fixed fee, or the covered share of it, rounded half-up once at the minor unit."""
    rate = _rate_of(given, IndexedFlatFeeParameters)
    if given.share.is_whole or not given.parameters(IndexedFlatFeeParameters).is_prorated:
        return rate
    charged = given.share.of(rate.rate, minor_unit=minor_unit_of(given.contract.currency_code))
    told = f"the contract covers {given.share.told()}: of {plain_text(rate.rate)} that is {plain_text(charged)}"
    return replace(rate, rate=charged, steps=(*rate.steps, told))


def _rate_of(given: RuleInput, model: type[IndexationParameters]) -> IndexedRate:
    if given.service_period is None:
        raise RatingError(f"Term {given.term.term_id} goes by date; rate it with its service period.")
    on = local_date(given.service_period.start, given.contract.time_zone)
    try:
        return indexed_rate(given.parameters(model), on=on)
    except _NotPublishedError as missing:
        reason = f"{given.term.term_id}: {missing}"
        return IndexedRate(rate=Decimal(0), values=(), steps=(reason,), hold_reason=reason)


class _NotPublishedError(RatingError):
    """An index without a value: no fault of the term, it is held until the value is published."""


def _value_in_force(values: Sequence[IndexValue], index: str, *, on: date) -> IndexValue:
    known = [value for value in values if value.index == index and value.from_date <= on]
    if not known:
        raise _NotPublishedError(f"no value of the index {index} is in force on {on}; add the published one")
    return max(known, key=lambda value: value.from_date)


def _inputs(rate: IndexedRate) -> dict[str, object]:
    return {
        "rate": plain_text(rate.rate),
        "index_values": [
            {
                "index": value.index,
                "from_date": value.from_date.isoformat(),
                "value": plain_text(value.value),
                "source": value.source,
            }
            for value in rate.values
        ],
    }

"""Time of day: hours of the local day have prices of their own, and one price stands for the rest.

    amount = sum over windows of price(units whose hour starts inside the window)

A window is half-open in local hours of the contract's zone ([22, 6) wraps past midnight); the first that matches
counts. `is_per_hour` prices each hour on its own, so that commitments and tiers hold per hour; otherwise a window's
units are added up first.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.billing.rating.charge import Basis, Charge, Pricing
from models.billing.rating.line import Reasons
from models.billing.rating.parts import UsagePart
from models.billing.rating.prices import PRICES, NestedPrice, merged
from models.billing.rating.quantity import PartedParameters
from models.billing.usage import sum_of
from models.errors import RatingError
from models.exact import plain_text
from models.timeline import zone_named


class Window(BaseModel):
    """Local hours from `from_hour` up to, not including, `to_hour`, at `price`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_hour: int = Field(ge=0, le=23, strict=True)
    to_hour: int = Field(ge=1, le=24, strict=True)
    price: NestedPrice

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if self.from_hour == self.to_hour:
            raise ValueError("a window's to_hour differs from its from_hour; the whole day is 0 to 24")
        return self

    def contains(self, hour: int) -> bool:
        """Whether a local hour lies inside; past midnight if to_hour is the smaller."""
        if self.from_hour < self.to_hour:
            return self.from_hour <= hour < self.to_hour
        return hour >= self.from_hour or hour < self.to_hour

    @property
    def name(self) -> str:
        """As "09:00-12:00"."""
        return f"{self.from_hour:02}:00-{self.to_hour:02}:00"


class TimeOfDayParameters(PartedParameters):
    """Windows in order of precedence, and the price of every other hour."""

    windows: tuple[Window, ...] = Field(min_length=1)
    otherwise: NestedPrice
    is_per_hour: bool = False


_PLACES = 1000  # a nested charge's tier is kept below, its window above


def time_of_day_charges(parameters: TimeOfDayParameters, basis: Basis) -> Sequence[Charge]:
    """Each window's charges in order, then those of the other hours."""
    inside = _by_window(parameters, basis)
    charges: list[Charge] = []
    for number, price in enumerate(_prices(parameters), start=1):
        parts = inside.get(number, [])
        if not parts:
            continue
        quantities = (
            [part.quantity for part in parts] if parameters.is_per_hour else [sum_of(part.quantity for part in parts)]
        )
        of_window = merged(charge for quantity in quantities for charge in price.charges(quantity, basis))
        charges.extend(charge._replace(place=number * _PLACES + charge.place) for charge in of_window)
    return charges or [
        charge._replace(place=len(_prices(parameters)) * _PLACES + charge.place)
        for charge in parameters.otherwise.charges(Decimal(0), basis)
    ]


def explain_time_of_day(parameters: TimeOfDayParameters, basis: Basis, charge: Charge) -> Reasons:
    """Which window, how much of the quantity is in it, and the nested price's own words."""
    number, place = divmod(charge.place, _PLACES)
    price = _prices(parameters)[number - 1]
    name = parameters.windows[number - 1].name if number <= len(parameters.windows) else "all other hours"
    units = sum_of(part.quantity for part in _by_window(parameters, basis).get(number, []))
    nested = PRICES[price.rule].explain(
        price.checked, basis._replace(quantity=units, parts=()), charge._replace(place=place)
    )
    each = " for each hour" if parameters.is_per_hour else ""
    return Reasons(
        formula=f"{nested.formula}{each}, in the window's local hours",
        steps=(
            f"{name} ({basis.time_zone}) holds {plain_text(units)} of {plain_text(basis.quantity)}",
            *(() if parameters.is_per_hour else nested.steps),
        ),
        inputs={**nested.inputs, "window": name},
        label=f", {name}{nested.label}",
    )


def _prices(parameters: TimeOfDayParameters) -> list[NestedPrice]:
    return [*(window.price for window in parameters.windows), parameters.otherwise]


def _by_window(parameters: TimeOfDayParameters, basis: Basis) -> dict[int, list[UsagePart]]:
    zone = zone_named(basis.time_zone)
    inside: dict[int, list[UsagePart]] = {}
    for part in basis.parts:
        if part.starts_at is None:
            raise RatingError("A price by time of day needs usage by hour; give each part its starts_at.")
        hour = part.starts_at.astimezone(zone).hour
        number = next(
            (number for number, window in enumerate(parameters.windows, start=1) if window.contains(hour)),
            len(parameters.windows) + 1,
        )
        inside.setdefault(number, []).append(part)
    return inside


TIME_OF_DAY = Pricing(parameters=TimeOfDayParameters, charges=time_of_day_charges, explain=explain_time_of_day)

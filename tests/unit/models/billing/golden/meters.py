"""Golden cases of meters: counters, estimates, levels, and units that recur and are weighted by time.

Belongs here: from a case's shape to the real code and back to the case's form. Does not belong here: arithmetic, time
and proration (periods.py), prices of one quantity (prices.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from models.billing.counter_steps import DeclaredReplacement, flag_of, steps_between
from models.billing.estimation import mean_of_last, split_at
from models.billing.levels import LevelChange, average_level
from models.billing.periods import BillingPeriod, period_named
from models.billing.rating import rate
from models.billing.rating.graduated import Tier
from models.billing.recurring_units import (
    TierUnits,
    UnitChange,
    choose_volume_tier,
    graduate_units,
    price_units,
    prorated_sum,
)
from models.billing.rerating import bill_differences, rate_periods
from models.billing.usage import Reading
from models.errors import RatingError
from models.exact import divide
from models.money import RoundingMode, round_to
from models.timeline import Period
from tests.builders.contracts import ASSET, a_contract, a_per_unit
from tests.builders.readings import MARCH, a_reading, usage_from
from tests.unit.models.billing.golden.case import Adapter, Case
from tests.unit.models.billing.golden.periods import (
    UTC_ZONE,
    days_from,
    decimals_named,
    instant,
    number,
    priced_by,
    with_shape,
)

_LABEL = re.compile(r"t(\d+)")


# Counters


def at_label(label: str) -> datetime:
    """A reading's instant: as written, or as many minutes into a month as a label such as t2 says."""
    match = _LABEL.fullmatch(label)
    return MARCH.start + timedelta(minutes=int(match[1])) if match else instant(label)


def readings_of(case: Case) -> list[Reading]:
    return [a_reading(str(value), at=at_label(label)) for label, value in case["usage"]["readings"]]


def is_counter(case: Case) -> bool:
    return set(case["usage"]) == {"readings"} and set(case["parameters"]) <= {"modulus", "resets", "unit"}


def counter(case: Case) -> Decimal | str:
    """The net amount of what was counted, or a hold: for a drop nobody explains, or two values at one instant."""
    parameters = case["parameters"]
    replacements = [DeclaredReplacement(at=at_label(label)) for label in parameters.get("resets", ())]
    modulus = number(parameters["modulus"]) if "modulus" in parameters else None
    try:
        steps = steps_between(readings_of(case), modulus=modulus, replacements=replacements)
    except RatingError:
        return "hold"
    usage = usage_from(*steps, flag=flag_of(steps, replacements=replacements))
    rating = rate(
        a_contract(a_per_unit(str(parameters.get("unit", "1")), metric="good_count", unit="C62")),
        physical_asset_id=ASSET,
        service_period=MARCH,
        usage={"good_count": usage},
        availability=None,
    )
    return "hold" if rating.hold_reasons else rating.net_amount.amount


def split_at_boundary(case: Case) -> dict[str, Decimal]:
    """Both parts by the name of their month; the step that crosses the boundary is parted, others are whole."""
    boundary = instant(case["usage"]["boundary"])
    before = after = Decimal(0)
    for step in steps_between(readings_of(case)):
        if step.opening.at < boundary < step.closing.at:
            split = split_at(boundary, opening=step.opening, closing=step.closing, quantity=step.quantity)
            before, after = before + split.before, after + split.after
        elif step.closing.at <= boundary:
            before += step.quantity
        else:
            after += step.quantity
    last_before = boundary - timedelta(microseconds=1)
    return {f"{last_before:%B}".lower(): before, f"{boundary:%B}".lower(): after}


def estimated_month(case: Case) -> dict[str, Decimal]:
    """The estimate is billed; what was read later bills the difference."""
    match = re.search(r"mean of last (\d+)", case["parameters"]["estimator"])
    assert match, f"{case['parameters']['estimator']!r} is no estimator known here"
    price = priced_by(a_per_unit(str(case["parameters"]["rate"]), metric="good_count", unit="C62"))
    estimate = mean_of_last([number(hours) for hours in case["usage"]["months"]], count=int(match[1]))
    billed = {"month": price(estimate.quantity)}
    read = {"month": number(case["usage"]["later_actual"])}
    (late,) = bill_differences(rate_periods(read, price=price, scope="billing_period"), billed=billed)
    return {"estimated_invoice": late.billed.amount, "correction": late.amount.amount}


# Levels


def rounded_as_named(value: Fraction, case: Case) -> Decimal:
    """By the decimals and the direction that the case's rounding names."""
    is_up = re.search(r"\bUP\b|\bceil", case["rounding"])
    mode: RoundingMode = "ceiling" if is_up else "half_up"
    return round_to(divide(value), places=decimals_named(case), mode=mode)


def is_level(case: Case) -> bool:
    return set(case["usage"]) == {"deltas"} and {"from", "to_exclusive"} <= set(case["parameters"])


def level(case: Case) -> Decimal:
    parameters = case["parameters"]
    period = Period(instant(parameters["from"]), instant(parameters["to_exclusive"]))
    changes = [
        LevelChange(at=period.start + timedelta(seconds=int(number(delta["minute"]) * 60)), by=number(delta["value"]))
        for delta in case["usage"]["deltas"]
    ]
    initial = number(parameters.get("initial", 0))
    return rounded_as_named(average_level(changes, period=period, initial=initial), case)


# Recurring units


def tiers_of(case: Case) -> tuple[Tier, ...]:
    return tuple(
        Tier(
            up_to=None if tier["up_to"] is None else number(tier["up_to"]),
            unit_price=number(tier["unit"]),
            flat_amount=number(tier["flat"]),
        )
        for tier in case["parameters"]["tiers"]
    )


def amount_of(entered: Sequence[TierUnits], case: Case) -> Decimal:
    """Rounded to cents once, unless the case keeps every digit."""
    if case["rounding"].startswith("exact"):
        return divide(sum((units.amount for units in entered), Fraction(0)))
    return price_units(entered, currency_code="EUR").amount


def graduated(changes: Sequence[UnitChange], case: Case) -> Decimal:
    """The peer charges the first tier's flat amount at zero usage."""
    return amount_of(graduate_units(changes, tiers=tiers_of(case), flat_when_zero=True), case)


def given_shares(case: Case) -> Decimal:
    units, prorated = case["usage"]["event_units"], case["usage"]["event_prorated_units"]
    changes = [
        UnitChange(quantity=number(quantity), prorated_quantity=Fraction(number(share)))
        for quantity, share in zip(units, prorated, strict=True)
    ]
    return graduated(changes, case)


def is_units_by_day(case: Case) -> bool:
    return set(case["parameters"]) == {"tiers", "period"} and "events" in case["usage"]


def units_by_day(case: Case) -> Decimal | list[Decimal]:
    """The amount after all events, or where lines are expected, after each."""
    period = period_named(case["parameters"]["period"], cycle="month", zone=UTC_ZONE)
    changes = [
        UnitChange.on(period.first_date.replace(day=int(event["day"])), quantity=number(event["units"]), period=period)
        for event in case["usage"]["events"]
    ]
    carried = [UnitChange.carried_in(number(case["usage"]["carried_in"]))] if "carried_in" in case["usage"] else []
    if "expected_lines" in case:
        return [graduated([*carried, *changes[:count]], case) for count in range(1, len(changes) + 1)]
    return graduated([*carried, *changes], case)


def volume_by_full_units(case: Case) -> Decimal:
    chosen = choose_volume_tier(
        tiers_of(case),
        full_quantity=number(case["usage"]["full_units"]),
        prorated_quantity=Fraction(number(case["usage"]["prorated_units"])),
    )
    return amount_of([chosen], case)


def is_recurring_sum(case: Case) -> bool:
    return set(case["parameters"]) == {"period"} and "events" in case["usage"]


def recurring_sum(case: Case) -> Decimal:
    """The case's period names its last day, which belongs to it."""
    first, last = (date.fromisoformat(day) for day in case["parameters"]["period"].split(".."))
    period: BillingPeriod = days_from(instant(first.isoformat()), instant((last + timedelta(days=1)).isoformat()))
    carried = UnitChange.carried_in(number(case["usage"].get("carried_in", 0)))
    changes = [
        UnitChange.on(date.fromisoformat(event["at"]), quantity=number(event["value"]), period=period)
        for event in case["usage"]["events"]
    ]
    return rounded_as_named(prorated_sum([carried, *changes]), case)


ADAPTERS: tuple[Adapter, ...] = (
    Adapter(name="counter readings", accepts=is_counter, answer=counter),
    Adapter(
        name="boundary without a reading",
        accepts=with_shape("unit", usage=["readings", "boundary"]),
        answer=split_at_boundary,
    ),
    Adapter(
        name="estimated month",
        accepts=with_shape("rate", "estimator", usage=["months", "later_actual"]),
        answer=estimated_month,
    ),
    Adapter(name="time-weighted level", accepts=is_level, answer=level),
    Adapter(
        name="recurring units with given shares",
        accepts=with_shape("tiers", usage=["event_units", "event_prorated_units"]),
        answer=given_shares,
    ),
    Adapter(name="recurring units by day", accepts=is_units_by_day, answer=units_by_day),
    Adapter(
        name="volume tier by full units",
        accepts=with_shape("tiers", usage=["full_units", "prorated_units"]),
        answer=volume_by_full_units,
    ),
    Adapter(name="sum of recurring units", accepts=is_recurring_sum, answer=recurring_sum),
)

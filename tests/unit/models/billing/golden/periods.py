"""Golden cases of time: periods, days, proration, credits, rounding, late usage, availability, indexation, amendments.

Belongs here: from a case's shape to the real code and back to the case's form. Does not belong here: arithmetic beyond
a change of unit (cents to euro), counters and levels (meters.py), prices of one quantity (prices.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import accumulate, islice, pairwise
from typing import Any

from models.billing.counter_steps import steps_between
from models.billing.credit_amounts import credit_unused
from models.billing.estimation import split_at
from models.billing.periods import (
    BillingPeriod,
    Cycle,
    billing_periods,
    hours_of_local_day,
    local_days_between,
    period_containing,
)
from models.billing.proration import (
    cap_credit,
    change_of_price,
    cycles_between,
    prorate,
    round_cycles,
    share_by_day,
)
from models.billing.rating import rate
from models.billing.rating.share import PeriodShare
from models.billing.rerating import CumulativePrice, bill_differences, rate_records
from models.billing.terms import Term
from models.billing.usage import Availability, UsageRecord
from models.exact import exact
from models.money import Money, RoundingMode, round_amount, round_to, total
from models.timeline import Period, month_period
from tests.builders.contracts import ASSET, a_contract, a_flat_fee, a_per_unit, an_availability_guarantee
from tests.builders.readings import MARCH, a_reading, availability_in_hours, usage_of
from tests.unit.models.billing.golden.case import Adapter, Case

UTC_ZONE = "UTC"
_CENT = Decimal("0.01")
_CYCLES: Mapping[int, Cycle] = {1: "month", 3: "quarter", 6: "half_year", 12: "year"}
_MODES: Mapping[str, RoundingMode] = {"ceil": "ceiling", "floor": "floor", "round": "half_up"}
_OF_DAYS = re.compile(r"(\d+)\s*(?:of|/)\s*(\d+)")
_DECIMALS = re.compile(r"(\d+)\s*dp")


def number(value: object) -> Decimal:
    """A case's number, as written; JSON's own numbers included."""
    return exact(str(value))


def euro(value: object) -> Money:
    return Money(number(value), "EUR")


def euro_of_cents(cents: object) -> Money:
    return Money(number(cents) * _CENT, "EUR")


def cents_of(money: Money) -> Decimal:
    return money.amount / _CENT


def instant(text: str) -> datetime:
    """A case's date or time; what names no zone is in UTC."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def share_named(text: str) -> PeriodShare:
    """As "11 of 31 days" or "29/30" says it."""
    match = _OF_DAYS.search(text)
    assert match, f"{text!r} names no share"
    return PeriodShare(Decimal(match[1]), Decimal(match[2]))


def decimals_named(case: Case) -> int:
    """How many decimals the case's own rounding names."""
    match = _DECIMALS.search(case["rounding"])
    assert match, f"{case['rounding']!r} names no decimals"
    return int(match[1])


def has(case: Case, parameters: set[str], usage: set[str]) -> bool:
    """Whether the case has exactly these parameters and this usage."""
    return set(case["parameters"]) == parameters and set(case["usage"]) == usage


def with_shape(*parameters: str, usage: Sequence[str]) -> Callable[[Case], bool]:
    return lambda case: has(case, set(parameters), set(usage))


def rated(
    *terms: Term, usage: UsageRecord | None = None, availability: Availability | None = None, period: Period = MARCH
) -> tuple[Money, ...]:
    """The lines' amounts of one month under the terms, by the real rules."""
    lines = rate(
        a_contract(*terms, **({} if period == MARCH else {"time_zone": UTC_ZONE})),
        physical_asset_id=ASSET,
        service_period=period,
        usage={usage.metric: usage} if usage else {},
        availability=availability,
    ).lines
    return tuple(line.amount for line in lines)


# Calendar


def local_days(case: Case) -> int:
    between = case["usage"]
    return local_days_between(
        instant(between["from_utc"]), instant(between["to_utc"]), zone=case["parameters"]["timezone"]
    )


def local_hours(case: Case) -> list[Decimal]:
    zone = case["parameters"]["timezone"]
    return [hours_of_local_day(date.fromisoformat(day), zone=zone) for day in case["usage"]["days"]]


def windows(case: Case) -> list[str]:
    anchor = date.fromisoformat(case["parameters"]["anchor"])
    periods = billing_periods(cycle="month", zone=UTC_ZONE, from_date=anchor, until_date=date.max, anchor=anchor)
    return [period.first_date.isoformat() for period in islice(periods, int(case["usage"]["count"]))]


def anniversary_period(case: Case) -> str:
    start, interval = case["parameters"]["start_and_interval"].split("/")
    match = re.fullmatch(r"P(\d+)([MY])", interval)
    assert match, f"{interval!r} is no interval of months or years"
    months = int(match[1]) * (12 if match[2] == "Y" else 1)
    on = date.fromisoformat(case["usage"]["on"])
    period = period_containing(on, cycle=_CYCLES[months], zone=UTC_ZONE, anchor=date.fromisoformat(start))
    return f"{period.first_date}.."


def monthly_cycles(case: Case) -> Decimal:
    stretch = case["usage"]
    cycles = cycles_between(
        date.fromisoformat(stretch["from"]),
        date.fromisoformat(stretch["to_exclusive"]),
        cycle="month",
        zone=UTC_ZONE,
        anchor=date(2000, 1, int(case["parameters"]["bill_cycle_day"])),
    )
    return round_cycles(cycles, places=decimals_named(case))


# Proration and credits


def days_from(start: datetime, end: datetime) -> BillingPeriod:
    """A stretch of whole UTC days as a billing period."""
    return BillingPeriod(
        name=start.date().isoformat(), period=Period(start, end), first_date=start.date(), following_date=end.date()
    )


def change_by_day(case: Case) -> list[Decimal]:
    """The lines of a change: what is not there to credit or to charge is no line."""
    parameters = case["parameters"]
    start, end = (instant(text) for text in parameters["period"].split(" .. "))
    changed = instant(case["usage"]["change"]).date()
    left = share_by_day(days_from(start, end), from_date=changed, until_date=end.date())
    change = change_of_price(old=euro(parameters["old"]), new=euro(parameters["new"]), left=left)
    return [amount for amount in (-change.credit.amount, change.charge.amount) if amount]


def change_by_share(case: Case) -> list[Decimal]:
    parameters = case["parameters"]
    left = share_named(case["usage"]["left"])
    change = change_of_price(old=euro(parameters["old"]), new=euro(parameters["new"]), left=left)
    return [-change.credit.amount, change.charge.amount, change.net.amount]


def net_of_change(case: Case) -> Decimal:
    parameters = case["parameters"]
    change = change_of_price(
        old=euro_of_cents(parameters["old_cents"]),
        new=euro_of_cents(parameters["new_cents"]),
        left=share_named(case["usage"]["remaining"]),
    )
    return cents_of(change.net)


def fixed_charges(case: Case) -> list[Decimal]:
    active = share_named(case["usage"]["active"].partition("=")[2] or case["usage"]["active"])
    return [cents_of(prorate(euro_of_cents(cents), active)) for cents in case["parameters"]["amounts_cents"]]


def part_of_a_price(case: Case) -> Decimal:
    """From a day (inclusive) to another (exclusive), over as many days as the case's period has."""
    parameters, stretch = case["parameters"], case["usage"]
    end = stretch["to_exclusive"] if "to_exclusive" in stretch else stretch["terminated"]
    days = local_days_between(instant(stretch["from"]), instant(end), zone=UTC_ZONE)
    share = PeriodShare(Decimal(days), number(parameters["period_days"]))
    return cents_of(prorate(euro_of_cents(parameters["price_cents"]), share))


def unused_days(case: Case) -> Decimal:
    (price,) = case["parameters"].values()
    return cents_of(prorate(euro_of_cents(price), share_named(case["usage"]["unused"])))


def capped_credit(case: Case) -> Decimal:
    parameters = case["parameters"]
    credit = cap_credit(
        euro(case["usage"]["credit"]),
        paid=euro(parameters["paid"]),
        earlier_credits=euro(parameters["earlier_credits"]),
    )
    return credit.amount


def credit_note(case: Case) -> dict[str, Decimal]:
    credit = credit_unused(
        euro_of_cents(case["parameters"]["price_cents"]),
        unused=share_named(case["usage"]["unused_share"]),
        tax_rate_percent=number(case["parameters"]["vat_pct"]),
        tax_basis="exact_net" if "unrounded net" in case["rounding"] else "rounded_net",
    )
    return {"net": cents_of(credit.net), "vat": cents_of(credit.tax), "total": cents_of(credit.gross)}


# Rounding


def in_currency(case: Case, amount: object) -> Money:
    return Money(number(amount), case["parameters"]["currency"].upper())


def rounded_amount(case: Case) -> Decimal:
    return round_amount(in_currency(case, case["usage"]["amount"])).amount


def sum_of_rounded_lines(case: Case) -> Decimal:
    lines = case["usage"]["lines"]
    if isinstance(lines, str):  # as "100 x 0.011"
        count, amount = lines.split(" x ")
        lines = [amount] * int(count)
    rounded = (round_amount(in_currency(case, amount)) for amount in lines)
    return total(rounded, currency_code=case["parameters"]["currency"].upper()).amount


def rounded_quantity(case: Case) -> Decimal:
    parameters = case["parameters"]
    return round_to(
        number(case["usage"]["units"]), places=int(parameters["precision"]), mode=_MODES[parameters["function"]]
    )


# Late usage


def priced_by(*terms: Term) -> CumulativePrice:
    """What the terms charge for a quantity of good_count, by the real rules."""

    def price(quantity: Decimal) -> Money:
        return total(rated(*terms, usage=usage_of("0", str(quantity))), currency_code="EUR")

    return price


def snapshot_of(cumulative: Sequence[object]) -> dict[str, UsageRecord]:
    """Units that are cumulative over the periods, as a counter read at the ends of months that follow each other."""
    readings = [Decimal(0), *map(number, cumulative)]
    months = billing_periods(cycle="month", zone="Europe/Berlin", from_date=date(2026, 1, 1), until_date=date.max)
    return {
        month.name: usage_of(str(before), str(after), period=month.period)
        for month, (before, after) in zip(months, pairwise(readings), strict=False)
    }


def billed_by_runs(runs: Sequence[Sequence[object]], *, terms: Sequence[Term]) -> list[list[Decimal]]:
    """What each run bills per period, after the runs before it; the terms run over all of them."""
    billed: dict[str, Money] = {}
    bills = []
    for cumulative in runs:
        rated_again = rate_records(a_contract(*terms), snapshot_of(cumulative), scope="whole")
        differences = bill_differences(rated_again, billed=billed)
        billed = {one.billing_period: one.billed + one.amount for one in differences}
        bills.append([one.amount.amount for one in differences])
    return bills


def late_usage(case: Case) -> list[list[Decimal]]:
    return billed_by_runs(case["usage"]["runs"], terms=terms_of(case["parameters"]))


def cumulative_snapshots(case: Case) -> list[Decimal]:
    """One period, rated again for each snapshot."""
    runs = [[quantity] for quantity in case["usage"]["cumulative"]]
    return [amount for (amount,) in billed_by_runs(runs, terms=terms_of(case["parameters"]))]


def blocks_by_period(case: Case) -> list[Decimal]:
    """Each period for itself: all its units, less what was billed for it."""
    names = sorted(name for name in case["usage"] if name.startswith("period"))
    used = [sum((number(units) for units in case["usage"][name]), Decimal(0)) for name in names]
    records = snapshot_of(list(accumulate(used)))
    billed = {name: euro(amount) for name, amount in zip(records, case["usage"]["already_billed"], strict=True)}
    rated_again = rate_records(a_contract(*terms_of(case["parameters"])), records, scope="billing_period")
    return [one.amount.amount for one in bill_differences(rated_again, billed=billed)]


def is_snapshots(case: Case) -> bool:
    return set(case["usage"]) == {"cumulative"} and all(
        not isinstance(quantity, list) for quantity in case["usage"]["cumulative"]
    )


def terms_of(parameters: Mapping[str, Any]) -> tuple[Term, ...]:
    """The terms that a case's price parameters describe: a price, then what adjusts it, in the order it applies."""
    priced = price_term(parameters)
    adjustments = [
        Term(
            term_id=rule,
            position=position,
            rule=rule,
            description=rule,
            parameters={"applies_to": [priced.term_id], name: str(parameters[given])},
        )
        for position, (given, rule, name) in enumerate(ADJUSTMENTS, start=2)
        if given in parameters
    ]
    return (priced, *adjustments)


ADJUSTMENTS = (("discount_pct", "percentage_discount", "percent"), ("maximum", "maximum", "amount"))
"""What a case calls it, our rule, and what that rule calls it; a discount comes before a maximum."""


def price_term(parameters: Mapping[str, Any]) -> Term:
    """The term that prices good_count."""
    if "graduated" in parameters:  # as "5@1, 10@2, inf@3"
        bands = (band.split("@") for band in parameters["graduated"].split(", "))
        tiers = [{"up_to": None if up_to == "inf" else up_to, "unit_price": price} for up_to, price in bands]
        return a_price("graduated", {"tiers": tiers})
    for rule, given in (("volume", "volume"), ("graduated", "tiers")):
        if given in parameters:
            tiers = [
                {"up_to": tier["up_to"], "unit_price": tier["unit"], "flat_amount": tier["flat"]}
                for tier in parameters[given]
            ]
            return a_price(rule, {"tiers": tiers})
    if "package" in parameters:  # as "10 for 15"
        size, price = parameters["package"].split(" for ")
        return a_price("package", {"package_size": size, "package_price": price})
    if "block" in parameters:
        return a_price("package", {"package_size": str(parameters["block"]), "package_price": str(parameters["price"])})
    if "multiplier" in parameters:
        return a_price("dynamic", {"multiplier": str(parameters["multiplier"])})
    included = {"included_quantity": str(parameters["free"])} if "free" in parameters else {}
    return a_price("per_unit", {"unit_price": str(parameters["unit"]), **included})


def a_price(rule: str, parameters: dict[str, Any]) -> Term:
    return Term(
        term_id="price",
        position=1,
        rule=rule,
        description="Price",
        metric="good_count",
        quantity_unit_code="C62",
        parameters=parameters,
    )


# Clauses


def availability_credit(case: Case) -> Decimal:
    agreed, measured = case["parameters"], case["usage"]
    guarantee = an_availability_guarantee(
        guaranteed_ratio=str(agreed["guarantee"]),
        percent_per_point=str(agreed["credit_per_point_pct_of_base"]),
        cap_percent=str(agreed["cap_pct"]),
        points="linear" if "linear" in case["rounding"] else "whole",
    )
    down = {cause: str(measured["downtime_h"].get(cause, 0)) for cause in ("supplier", "operator", "planned")}
    availability = availability_in_hours(scheduled=str(measured["scheduled_h"]), **down)
    _, credit = rated(a_flat_fee(str(agreed["base"])), guarantee, availability=availability)
    return -credit.amount


def is_indexation(case: Case) -> bool:
    return {"p0", "a", "round_rate_dp"} <= set(case["parameters"]) and all(
        f"{index}0" in case["parameters"] for index in case["usage"]
    )


def indexed_price(case: Case) -> Decimal:
    """P0 x (a + b x L/L0 + c x M/M0): the weights after `a` belong to the indices in the order they are given."""
    parameters = case["parameters"]
    weights = sorted(name for name in parameters if len(name) == 1 and name.islower() and name != "a")
    indices = list(case["usage"])
    clause = {
        "base_price": str(parameters["p0"]),
        "fixed_weight": str(parameters["a"]),
        "components": [
            {"index": index, "weight": str(parameters[weight]), "base_value": str(parameters[f"{index}0"])}
            for index, weight in zip(indices, weights, strict=True)
        ],
        "values": [
            {"index": index, "from_date": "2026-03-01", "value": str(value), "source": case["source"]}
            for index, value in case["usage"].items()
        ],
        "rate_decimals": int(parameters["round_rate_dp"]),
    }
    term = Term(term_id="indexed", position=1, rule="indexed_flat_fee", description="Indexed", parameters=clause)
    (line,) = rate(a_contract(term), physical_asset_id=ASSET, service_period=MARCH, usage={}, availability=None).lines
    return line.unit_price


def is_amendment(case: Case) -> bool:
    return set(case["parameters"]) == {"rates"} and set(case["usage"]) == {"cumulative"} and not is_snapshots(case)


def amended(case: Case) -> Decimal:
    """Each rate's own stretch of the counter, priced and rounded as a line; where nobody read, the step is parted."""
    readings = [a_reading(str(value), at=instant(at)) for at, value in case["usage"]["cumulative"]]
    rates = [(instant(from_date), str(unit_price)) for from_date, unit_price in case["parameters"]["rates"]]
    ends = [*(start for start, _ in rates[1:]), readings[-1].at]
    month = month_period(f"{readings[0].at:%Y-%m}", UTC_ZONE)
    lines: list[Money] = []
    for (start, unit_price), end in zip(rates, ends, strict=True):
        counted = Decimal(0)
        for step in steps_between(readings):
            inside = Period(step.opening.at, step.closing.at).intersect(Period(start, end))
            if inside is None:
                continue
            part = step.quantity
            if inside.end < step.closing.at:
                part = split_at(inside.end, opening=step.opening, closing=step.closing, quantity=part).before
            if inside.start > step.opening.at:
                begun = split_at(inside.start, opening=step.opening, closing=step.closing, quantity=step.quantity)
                part -= begun.before
            counted += part
        usage = usage_of("0", str(counted), period=month)
        lines += rated(a_per_unit(unit_price, metric="good_count", unit="C62"), usage=usage, period=month)
    return total(lines, currency_code="EUR").amount


ADAPTERS: tuple[Adapter, ...] = (
    Adapter(
        name="local days between two instants",
        accepts=with_shape("timezone", usage=["from_utc", "to_utc"]),
        answer=local_days,
    ),
    Adapter(name="hours of local days", accepts=with_shape("timezone", usage=["days"]), answer=local_hours),
    Adapter(name="monthly windows", accepts=with_shape("anchor", usage=["count"]), answer=windows),
    Adapter(
        name="anniversary periods", accepts=with_shape("start_and_interval", usage=["on"]), answer=anniversary_period
    ),
    Adapter(
        name="number of monthly cycles",
        accepts=with_shape("bill_cycle_day", usage=["from", "to_exclusive"]),
        answer=monthly_cycles,
    ),
    Adapter(
        name="change mid-period, by day",
        accepts=with_shape("old", "new", "period", usage=["change"]),
        answer=change_by_day,
    ),
    Adapter(name="change with a share left", accepts=with_shape("old", "new", usage=["left"]), answer=change_by_share),
    Adapter(
        name="net of a price change",
        accepts=with_shape("old_cents", "new_cents", usage=["remaining"]),
        answer=net_of_change,
    ),
    Adapter(name="fixed charges", accepts=with_shape("amounts_cents", usage=["active"]), answer=fixed_charges),
    Adapter(
        name="part of a price",
        accepts=lambda case: (
            set(case["parameters"]) == {"price_cents", "period_days"}
            and set(case["usage"]) in ({"from", "to_exclusive"}, {"from", "terminated"})
        ),
        answer=part_of_a_price,
    ),
    Adapter(
        name="credit of unused days",
        accepts=lambda case: (
            set(case["usage"]) == {"unused"} and set(case["parameters"]) in ({"price_cents"}, {"price_incl_vat_cents"})
        ),
        answer=unused_days,
    ),
    Adapter(
        name="capped credit", accepts=with_shape("paid", "earlier_credits", usage=["credit"]), answer=capped_credit
    ),
    Adapter(
        name="credit note", accepts=with_shape("price_cents", "vat_pct", usage=["unused_share"]), answer=credit_note
    ),
    Adapter(name="currency rounding", accepts=with_shape("currency", usage=["amount"]), answer=rounded_amount),
    Adapter(name="sum of rounded lines", accepts=with_shape("currency", usage=["lines"]), answer=sum_of_rounded_lines),
    Adapter(
        name="quantity rounding", accepts=with_shape("function", "precision", usage=["units"]), answer=rounded_quantity
    ),
    Adapter(name="late usage over periods", accepts=lambda case: set(case["usage"]) == {"runs"}, answer=late_usage),
    Adapter(name="cumulative snapshots", accepts=is_snapshots, answer=cumulative_snapshots),
    Adapter(
        name="late usage, each period for itself",
        accepts=lambda case: "already_billed" in case["usage"] and "period1" in case["usage"],
        answer=blocks_by_period,
    ),
    Adapter(
        name="availability credit",
        accepts=with_shape(
            "guarantee", "credit_per_point_pct_of_base", "cap_pct", "base", usage=["scheduled_h", "downtime_h"]
        ),
        answer=availability_credit,
    ),
    Adapter(name="price indexation", accepts=is_indexation, answer=indexed_price),
    Adapter(name="amendment mid-period", accepts=is_amendment, answer=amended),
)

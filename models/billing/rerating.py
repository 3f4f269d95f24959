"""Late and corrected usage: rate every period again, bill the difference on the period it belongs to.

A cap, an allowance, tiers, a discount or a minimum may run over more than one billing period: their scope. Inside it
quantities are cumulative, so a unit that arrives late in the first period moves the cap, the allowance and the tiers of
all later ones. What a period costs is therefore

    round(price of everything up to its end) - round(price of everything up to its start)

and what a run bills for it is that, less what was billed for it before. The cumulative amount is rounded and the
difference never is; a period's differences add up to its corrected amount, in whatever order readings arrive and
however often is billed. Zuora's late-usage rule and OpenMeter's period-preserving engine do the same.

Belongs here: snapshots of usage by period, and the differences between what is right and what was billed.
Does not belong here: prices (`price` is any function from a cumulative quantity to money, as a contract's terms give
it), choosing readings (dbt), or the documents that carry a difference (invoicing.py, crediting.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from models.billing.usage import QuantityFlag, UsageRecord, sum_of
from models.errors import RatingError
from models.exact import WIDE, exact
from models.money import Money
from models.timeline import Period

CumulativePrice = Callable[[Decimal], Money]
"""The rounded price of everything used in the scope so far."""

Scope = Literal["billing_period", "whole"]
"""Over what tiers, caps, allowances and minimums run: each billing period for itself, or all given periods together."""

_WORST_FIRST: tuple[QuantityFlag, ...] = ("held", "estimated", "actual")


@dataclass(frozen=True, kw_only=True)
class PeriodDifference:
    """One billing period: what it costs by what is known now, and what was billed for it so far."""

    billing_period: str
    rated: Money
    billed: Money

    @property
    def amount(self) -> Money:
        """What is still to be billed; below zero it is a credit."""
        return self.rated - self.billed


def rate_periods(
    quantities: Mapping[str, Decimal],
    *,
    price: CumulativePrice,
    scope: Scope,
    final_price: CumulativePrice | None = None,
) -> dict[str, Money]:
    """What each billing period costs. `quantities` are used in each, by name, in order of time.

    `final_price` is the price with what falls due when the whole scope ends, as a minimum commitment does: its true-up
    belongs to the last period, and shrinks when usage arrives late. None while the scope still runs.

    Raises RatingError for a negative quantity, MoneyError for one that is not exact.
    """
    amounts: dict[str, Money] = {}
    used = Decimal(0)
    rated_before: Money | None = None
    for place, (name, quantity) in enumerate(quantities.items(), start=1):
        if exact(quantity) < 0:
            raise RatingError(f"Usage of {name} is {quantity}; what was used cannot be negative.")
        if scope == "billing_period":
            amounts[name] = price(quantity)
            continue
        used = WIDE.add(used, quantity)
        is_last = place == len(quantities)
        rated_now = final_price(used) if final_price and is_last else price(used)
        amounts[name] = rated_now - rated_before if rated_before else rated_now
        rated_before = rated_now
    return amounts


def bill_differences(
    quantities: Mapping[str, Decimal],
    *,
    price: CumulativePrice,
    scope: Scope,
    billed: Mapping[str, Money],
    final_price: CumulativePrice | None = None,
) -> tuple[PeriodDifference, ...]:
    """Every period rated again, beside what was billed for it; a period never billed stands at zero.

    `quantities` is a snapshot: all that is known of each period now, not what is new. Raises RatingError where a period
    was billed that the snapshot does not name: its usage cannot have vanished.
    """
    forgotten = [name for name in billed if name not in quantities]
    if forgotten:
        raise RatingError(f"{forgotten[0]} was billed and is not among the usage given; rate all billed periods again.")
    rated = rate_periods(quantities, price=price, scope=scope, final_price=final_price)
    return tuple(
        PeriodDifference(
            billing_period=name, rated=amount, billed=billed.get(name, Money(Decimal(0), amount.currency_code))
        )
        for name, amount in rated.items()
    )


def usage_to_date(records: Iterable[UsageRecord]) -> UsageRecord:
    """Consecutive records of one meter as one, for terms whose scope is longer than a billing period.

    Its segments are theirs, numbered on; its flag is the worst of theirs. Raises RatingError where they are not of one
    contract, asset, metric and unit, or do not follow each other in time.
    """
    first, *others = records
    merged = first
    for record in others:
        if (record.contract_id, record.physical_asset_id, record.metric, record.unit_code) != (
            first.contract_id,
            first.physical_asset_id,
            first.metric,
            first.unit_code,
        ) or record.service_period.start != merged.service_period.end:
            raise RatingError(f"The records of {first.metric} do not follow each other; give one meter's, in order.")
        numbered = (
            replace(segment, segment_number=number)
            for number, segment in enumerate(record.segments, start=len(merged.segments) + 1)
        )
        merged = replace(
            merged,
            service_period=Period(merged.service_period.start, record.service_period.end),
            quantity=sum_of([merged.quantity, record.quantity]),
            quantity_flag=min(merged.quantity_flag, record.quantity_flag, key=_WORST_FIRST.index),
            segments=(*merged.segments, *numbered),
        )
    return merged

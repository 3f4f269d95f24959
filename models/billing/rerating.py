"""Late and corrected usage: rate every period again, bill the difference on the period it belongs to.

A cap, an allowance, tiers, a discount or a minimum may run over more than one billing period: their scope. Inside it
quantities are cumulative, so a unit that arrives late in the first period moves the cap, the allowance and the tiers of
all later ones. What a period costs is therefore

    round(price of everything up to its end) - round(price of everything up to its start)

and what a run bills for it is that, less what was billed for it before. The cumulative amount is rounded and the
difference never is; a period's differences add up to its corrected amount, in whatever order readings arrive and
however often is billed. Zuora's late-usage rule and OpenMeter's period-preserving engine do the same.

Belongs here: snapshots of usage by period, and the differences between what is right and what was billed.
Does not belong here: prices (rating), choosing readings (dbt), or the documents that carry a difference (invoicing.py,
crediting.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import accumulate
from typing import Literal

from models.billing.rating.rating_pass import ReadyContract, rated_amounts
from models.billing.rating.rules import ready
from models.billing.terms import Contract
from models.billing.usage import QuantityFlag, UsageRecord, sum_of
from models.errors import RatingError
from models.exact import WIDE, exact
from models.money import Money, total
from models.timeline import Period

CumulativePrice = Callable[[Decimal], Money]
"""The rounded price of everything used in the scope so far."""

Scope = Literal["billing_period", "whole"]
"""Over what tiers, caps, allowances and minimums run: each billing period for itself, or all given periods together."""

_DUE_AT_THE_END = "minimum_commitment"
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


def bill_differences(rated: Mapping[str, Money], *, billed: Mapping[str, Money]) -> tuple[PeriodDifference, ...]:
    """Every period as it was rated again, beside what was billed for it; one never billed stands at zero.

    Raises RatingError where a period was billed and not rated again: its usage cannot have vanished.
    """
    forgotten = [name for name in billed if name not in rated]
    if forgotten:
        raise RatingError(f"{forgotten[0]} was billed and is not among the periods rated; rate all billed ones again.")
    return tuple(
        PeriodDifference(
            billing_period=name, rated=amount, billed=billed.get(name, Money(Decimal(0), amount.currency_code))
        )
        for name, amount in rated.items()
    )


def rate_records(
    contract: Contract, records: Mapping[str, UsageRecord], *, scope: Scope, is_scope_over: bool = False
) -> dict[str, Money]:
    """What each billing period of one meter costs under the contract's terms; `records` by period, in order of time.

    The records are a snapshot: all that is known of each period now, not what is new. Over a whole scope a minimum
    commitment falls due when `is_scope_over`: its true-up belongs to the last period, and shrinks when usage arrives
    late. Raises RatingError where the records are not one meter's or do not follow each other.
    """
    final = ready(contract)
    if scope == "billing_period":
        return {name: _amount_of(final, record) for name, record in records.items()}
    running = ready(replace(contract, terms=tuple(term for term in contract.terms if term.rule != _DUE_AT_THE_END)))
    to_date = list(accumulate(records.values(), lambda before, record: usage_to_date([before, record])))
    totals = [_amount_of(running, record) for record in to_date]
    if is_scope_over and to_date:
        totals[-1] = _amount_of(final, to_date[-1])
    return _parts(tuple(records), totals)


def rate_periods(quantities: Mapping[str, Decimal], *, price: CumulativePrice, scope: Scope) -> dict[str, Money]:
    """The same for a bare price: what each billing period costs, `quantities` by period, in order of time.

    Raises RatingError for a negative quantity, MoneyError for one that is not exact.
    """
    for name, quantity in quantities.items():
        if exact(quantity) < 0:
            raise RatingError(f"Usage of {name} is {quantity}; what was used cannot be negative.")
    if scope == "billing_period":
        return {name: price(quantity) for name, quantity in quantities.items()}
    return _parts(tuple(quantities), [price(quantity) for quantity in accumulate(quantities.values(), WIDE.add)])


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


def _amount_of(prepared: ReadyContract, record: UsageRecord) -> Money:
    currency_code = prepared.contract.currency_code
    amounts = rated_amounts(
        prepared, usage={record.metric: record}, availability=None, service_period=record.service_period
    )
    return total((Money(amount, currency_code) for amount in amounts), currency_code=currency_code)


def _parts(names: Sequence[str], totals: Sequence[Money]) -> dict[str, Money]:
    """What each period adds to the total before it."""
    return {
        name: now if place == 0 else now - totals[place - 1]
        for place, (name, now) in enumerate(zip(names, totals, strict=True))
    }

"""The rating run: from usage to rated lines for every contract, asset and month, by the one `rate` that bills.

Belongs here: which months are due, and rating each from what the warehouse has metered.
Does not belong here: a price (models.billing.rating), drafts (invoices.py), the tables it is written to
(orchestration.warehouse.rated).

A month that is still running is rated from the usage so far: its lines are what would be billed if nothing more were
used. Drafting takes the same function over the same usage, so the last rating of a month is its draft, to the cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from models.timeline import month_days, month_period
from orchestration.billing.readiness import Waiting, find_reasons_to_wait
from orchestration.billing.usage import PeriodUsage, read_usage

if TYPE_CHECKING:
    import duckdb

    from models.billing.rating import Rating
    from models.billing.terms import Contract
    from models.money import Money

_METERED_PERIODS = """
select min(billing_period), max(billing_period)
from (
    select billing_period from billing.fct_metered_usage_per_month
    union all
    select billing_period from billing.fct_availability_per_month
)
"""
_NEWEST_RECEIPT = "select max(received_at) from raw.message"


@dataclass(frozen=True, kw_only=True)
class RatedPeriod:
    """One contract, asset and month as rated now, and what it still waits for before it may be billed.

    `collected_until` and `completeness_ratio` are None where nothing has been collected.
    """

    rating: Rating
    waiting: tuple[Waiting, ...]
    collected_until: datetime | None
    completeness_ratio: Decimal | None

    @property
    def is_held(self) -> bool:
        """Whether a line waits for somebody's decision."""
        return bool(self.rating.hold_reasons)


@dataclass(frozen=True, kw_only=True)
class UnratedPeriod:
    """One contract, asset and month whose terms cannot be applied to what was measured, and why."""

    contract_id: str
    physical_asset_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RatingRun:
    """All ratings as of one instant: the newest receipt, for a run has no clock of its own."""

    rated_as_of_at: datetime | None
    periods: tuple[RatedPeriod, ...]
    unrated: tuple[UnratedPeriod, ...] = ()

    @property
    def totals(self) -> Mapping[str, Money]:
        """Net amounts by currency; amounts of different currencies are never added."""
        from models.money import total

        amounts = sorted((one.rating.net_amount for one in self.periods), key=lambda money: money.currency_code)
        return {
            currency: total(group, currency_code=currency)
            for currency, group in groupby(amounts, key=lambda money: money.currency_code)
        }


def rate_period(
    contracts: Iterable[Contract], measured: PeriodUsage, *, billing_period: str
) -> Iterator[RatedPeriod | UnratedPeriod]:
    """Every covered asset of every contract in one month ('YYYY-MM'), in the contracts' order.

    A contract that cannot be rated over the whole month keeps no other from being rated.
    """
    days = month_days(billing_period)
    for contract in contracts:
        for asset_id in dict.fromkeys(asset.physical_asset_id for asset in contract.assets):
            if contract.covers(asset_id, *days):
                yield rate_asset(contract, measured, physical_asset_id=asset_id, billing_period=billing_period)


def rate_asset(
    contract: Contract, measured: PeriodUsage, *, physical_asset_id: str, billing_period: str
) -> RatedPeriod | UnratedPeriod:
    """One covered asset of a contract in one month ('YYYY-MM')."""
    from models.billing.rating import rate
    from models.errors import RatingError

    key = (contract.contract_id, physical_asset_id)
    try:
        rating = rate(
            contract,
            physical_asset_id=physical_asset_id,
            service_period=month_period(billing_period, contract.time_zone),
            usage=measured.usage.get(key, {}),
            availability=measured.availability.get(key),
        )
    except RatingError as error:
        return UnratedPeriod(contract_id=contract.contract_id, physical_asset_id=physical_asset_id, reason=str(error))
    return RatedPeriod(
        rating=rating,
        waiting=find_reasons_to_wait(
            measured, contract=contract, physical_asset_id=physical_asset_id, billing_period=billing_period
        ),
        collected_until=measured.collected_until.get(physical_asset_id),
        completeness_ratio=measured.completeness.get(key),
    )


def run_rating(connection: duckdb.DuckDBPyConnection, *, contracts: Iterable[Contract]) -> RatingRun:
    """Rate every month that metering knows of and that has begun; a month of a clock that runs ahead is not rated."""
    contracts = tuple(contracts)
    newest = _value(connection, _NEWEST_RECEIPT)
    as_of = newest.replace(tzinfo=UTC) if isinstance(newest, datetime) else None
    rated = [
        one
        for billing_period in _metered_periods(connection)
        if as_of is not None
        for one in rate_period(
            (each for each in contracts if month_period(billing_period, each.time_zone).start <= as_of),
            read_usage(connection, billing_period=billing_period),
            billing_period=billing_period,
        )
    ]
    return RatingRun(
        rated_as_of_at=as_of,
        periods=tuple(one for one in rated if isinstance(one, RatedPeriod)),
        unrated=tuple(one for one in rated if isinstance(one, UnratedPeriod)),
    )


def _metered_periods(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    first, last = connection.execute(_METERED_PERIODS).fetchone() or (None, None)
    while first is not None and first <= last:
        yield first
        first = f"{month_days(first)[1]:%Y-%m}"


def _value(connection: duckdb.DuckDBPyConnection, query: str) -> object:
    row = connection.execute(query).fetchone()
    return row[0] if row else None

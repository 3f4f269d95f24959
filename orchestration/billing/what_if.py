"""A new price against history: what the same usage would have cost.

Belongs here: rating measured usage twice, under the agreed terms and under others. Does not belong here: drafts
(invoices.py), prices (models.billing.rating). Nothing is stored, and the store is opened for reading only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.billing.usage import PeriodUsage, read_usage
from orchestration.errors import NotReadyError
from orchestration.settings import Deployment
from orchestration.warehouse.schema import open_warehouse

if TYPE_CHECKING:
    from models.billing.rate_card import RateCard
    from models.billing.terms import Contract
    from models.money import Money


@dataclass(frozen=True, kw_only=True)
class ComparedPrice:
    """One contract and asset under both prices; net amounts, and what keeps either from being billed as it stands."""

    contract_id: str
    physical_asset_id: str
    old: Money
    new: Money
    difference: Money
    """new - old."""
    hold_reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PriceComparison:
    """A rate card against one month of history; totals by currency."""

    rate_card: str
    billing_period: str
    compared: tuple[ComparedPrice, ...]
    totals: tuple[ComparedTotal, ...]


@dataclass(frozen=True, kw_only=True)
class ComparedTotal:
    """All compared assets of one currency."""

    old: Money
    new: Money
    difference: Money


def compare_prices(deployment: Deployment, billing_period: str, *, rate_card: Path) -> PriceComparison:
    """Rate a month ('YYYY-MM') under the agreed terms and under the file's; nothing is stored.

    Raises:
        DocumentError: the file is neither a rate card nor a contract.
        NotReadyError: nothing was metered yet, or the card is meant for no contract that covers an asset in that month.
        RatingError: the card's terms cannot be rated, or it names a contract that is unknown or in another currency.
    """
    import duckdb

    from models.billing.contract import stored_contracts
    from models.billing.rate_card import load_rate_card, require_known
    from models.store import open_store, sessions

    card = load_rate_card(rate_card)
    if not deployment.warehouse_path.exists():
        raise NotReadyError("There is no warehouse yet; run `lineshaft build` first.")
    engine = open_store(deployment.database_url)
    try:
        with sessions(engine, is_read_only=True).begin() as session:
            contracts = stored_contracts(session)
    finally:
        engine.dispose()
    require_known(card, contracts)
    with open_warehouse(deployment.warehouse_path) as connection:
        try:
            measured = read_usage(connection, billing_period=billing_period)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise NotReadyError("The warehouse holds no metered usage yet; run `lineshaft build` first.") from error
    return compare(card, contracts=contracts, measured=measured, billing_period=billing_period)


def compare(
    card: RateCard, *, contracts: Iterable[Contract], measured: PeriodUsage, billing_period: str
) -> PriceComparison:
    """The comparison itself, from values; in the order of contracts and assets."""
    from models.billing.rating import rate
    from models.timeline import month_days, month_period

    days = month_days(billing_period)
    compared = []
    for contract in contracts:
        if not card.is_meant_for(contract):
            continue
        considered = card.applied_to(contract)
        for asset_id in dict.fromkeys(asset.physical_asset_id for asset in contract.assets):
            if not contract.covers(asset_id, *days):
                continue
            key = (contract.contract_id, asset_id)
            old, new = (
                rate(
                    each,
                    physical_asset_id=asset_id,
                    service_period=month_period(billing_period, contract.time_zone),
                    usage=measured.usage.get(key, {}),
                    availability=measured.availability.get(key),
                )
                for each in (contract, considered)
            )
            compared.append(
                ComparedPrice(
                    contract_id=contract.contract_id,
                    physical_asset_id=asset_id,
                    old=old.net_amount,
                    new=new.net_amount,
                    difference=new.net_amount - old.net_amount,
                    hold_reasons=tuple(dict.fromkeys((*old.hold_reasons, *new.hold_reasons))),
                )
            )
    if not compared:
        raise NotReadyError(
            f"{card.name} is meant for no contract that covers an asset for all of {billing_period}; name another "
            "month or other contracts."
        )
    return PriceComparison(
        rate_card=card.name, billing_period=billing_period, compared=tuple(compared), totals=_totals(compared)
    )


def _totals(compared: list[ComparedPrice]) -> tuple[ComparedTotal, ...]:
    from models.money import total

    result = []
    for currency, group in groupby(
        sorted(compared, key=lambda one: one.old.currency_code), key=lambda one: one.old.currency_code
    ):
        same = list(group)
        old = total((one.old for one in same), currency_code=currency)
        new = total((one.new for one in same), currency_code=currency)
        result.append(ComparedTotal(old=old, new=new, difference=new - old))
    return tuple(result)

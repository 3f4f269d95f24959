"""Revenue as the marts tell it, read for a person: by contract and currency, and the work list of exceptions.

Belongs here: bringing the marts up to what has been issued since they were built, and reading them.
Does not belong here: any amount (dbt), printing (orchestration.commands.revenue).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from orchestration.errors import BuildError, NotReadyError
from orchestration.settings import Deployment
from orchestration.warehouse.schema import open_warehouse

if TYPE_CHECKING:
    import duckdb

_REVENUE = """
select billing_period, contract_id, currency_code, sum(billed_amount) as billed_amount,
       sum(credited_amount) as credited_amount, sum(unbilled_amount) as unbilled_amount,
       sum(recognized_amount) as recognized_amount, sum(correction_amount) as correction_amount
from revenue.fct_revenue_per_term
where $billing_period is null or billing_period = $billing_period
group by all
order by all
"""
_EXCEPTIONS = """
select billing_period, contract_id, physical_asset_id, term_id, exception_kind, reason, since_at, amount_at_stake,
       currency_code, what_to_do
from revenue.fct_revenue_exceptions
where $billing_period is null or billing_period = $billing_period
order by since_at, billing_period, contract_id, physical_asset_id, exception_kind, term_id
"""


@dataclass(frozen=True, kw_only=True)
class ContractRevenue:
    """A contract's month in one currency, net of tax; `correction_amount` is what today's rating adds to invoices."""

    billing_period: str
    contract_id: str
    currency_code: str
    billed_amount: Decimal
    credited_amount: Decimal
    unbilled_amount: Decimal
    recognized_amount: Decimal
    correction_amount: Decimal


@dataclass(frozen=True, kw_only=True)
class RevenueException:
    """Why money waits or may still move; `term_id` is None where it is about the whole month."""

    billing_period: str
    contract_id: str
    physical_asset_id: str
    term_id: str | None
    exception_kind: str
    reason: str
    since_at: datetime
    amount_at_stake: Decimal | None
    currency_code: str
    what_to_do: str


def read_revenue(deployment: Deployment, *, billing_period: str | None = None) -> tuple[ContractRevenue, ...]:
    """Billed, credited, unbilled and recognized by contract and currency, for one month ('YYYY-MM') or all.

    Raises:
        NotReadyError: nothing has been built yet.
    """
    return tuple(ContractRevenue(**row) for row in _read(deployment, _REVENUE, billing_period=billing_period))


def read_exceptions(deployment: Deployment, *, billing_period: str | None = None) -> tuple[RevenueException, ...]:
    """The work list, oldest first.

    Raises:
        NotReadyError: nothing has been built yet.
    """
    return tuple(RevenueException(**row) for row in _read(deployment, _EXCEPTIONS, billing_period=billing_period))


def refresh_revenue(deployment: Deployment) -> bool:
    """Rate again and rebuild the marts of revenue if documents were drawn or issued since; whether that was needed.

    Raises:
        NotReadyError: nothing has been built yet.
        BuildError: a mart could not be built, or a test of one does not hold.
    """
    from orchestration.billing.rated_rows import is_landed_current, land_rating
    from orchestration.transform.invocation import DbtSession

    _require_warehouse(deployment)
    if is_landed_current(deployment):
        return False
    land_rating(deployment)
    result = DbtSession(home=deployment.home).build(select="source:rating+")
    broken = [node for node in result.nodes if node.status not in {"success", "pass", "warn"}]
    if result.exception is not None or broken:
        reasons = "; ".join(f"{node.unique_id}: {node.message}" for node in broken) or str(result.exception)
        raise BuildError(f"The marts of revenue are not up to date ({reasons}); run `lineshaft build`.")
    return True


def _read(deployment: Deployment, query: str, *, billing_period: str | None) -> list[dict[str, Any]]:
    import duckdb

    _require_warehouse(deployment)
    with open_warehouse(deployment.warehouse_path) as connection:
        try:
            return _rows(connection, query, billing_period=billing_period)
        except duckdb.CatalogException as error:
            raise NotReadyError("The warehouse holds no revenue yet; run `lineshaft build` first.") from error


def _rows(connection: duckdb.DuckDBPyConnection, query: str, *, billing_period: str | None) -> list[dict[str, Any]]:
    result = connection.execute(query, {"billing_period": billing_period})
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _require_warehouse(deployment: Deployment) -> None:
    if not deployment.warehouse_path.exists():
        raise NotReadyError("There is no warehouse yet; run `lineshaft build` first.")

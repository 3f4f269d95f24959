"""A rating run and the invoices of the store as rows for schema `rating`, and landing both together.

Belongs here: which field goes to which column, and one landing of all of them, so that rated and invoiced are as of the
same moment. Does not belong here: rating (rating_run.py), the tables (orchestration.warehouse.rated), revenue (dbt).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestration.billing.rating_run import RatedPeriod, RatingRun, run_rating
from orchestration.errors import NotReadyError
from orchestration.settings import Deployment
from orchestration.warehouse.rated import RATED_TABLES, Row, replace_rated_tables
from orchestration.warehouse.schema import open_warehouse

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, kw_only=True)
class LandedRating:
    """What was rated, and how many rows each table took."""

    run: RatingRun
    row_counts: Mapping[str, int]


def land_rating(deployment: Deployment) -> LandedRating:
    """Rate every month of every contract and write it beside the invoices of the store, replacing what was there.

    Raises:
        RatingError: a contract's terms cannot be applied to what was measured.
    """
    from models.billing.contract import stored_contracts
    from models.store import open_store, sessions
    from orchestration.billing.cost_rates import load_cost_rates

    engine = open_store(deployment.database_url)
    try:
        with (
            sessions(engine, is_read_only=True).begin() as session,
            open_warehouse(deployment.warehouse_path) as warehouse,
        ):
            run = run_rating(warehouse, contracts=stored_contracts(session))
            tables: dict[str, Sequence[Row]] = {
                "rated_period": [_period_row(one, as_of=run.rated_as_of_at) for one in run.periods],
                "rated_line": [row for one in run.periods for row in _line_rows(one)],
                **_invoice_tables(session),
                "cost_rate": [rate.model_dump() for rate in load_cost_rates(deployment.directory)],
            }
            row_counts = replace_rated_tables(warehouse, tables=tables)
    finally:
        engine.dispose()
    return LandedRating(run=run, row_counts=row_counts)


def is_landed_current(deployment: Deployment) -> bool:
    """Whether the landed documents are those of the store; a draft or an invoice since then makes them old.

    Raises:
        NotReadyError: metering has not been built yet.
    """
    from models.store import open_store, sessions

    engine = open_store(deployment.database_url)
    try:
        with sessions(engine, is_read_only=True).begin() as session:
            stored = {
                (row["invoice_id"], row["status"]): row["payable_amount"] for row in _invoice_tables(session)["invoice"]
            }
    finally:
        engine.dispose()
    query = "select invoice_id, status, payable_amount from rating.invoice"
    metered = "select count(*) from duckdb_tables() where table_name = 'fct_metered_usage_per_month'"
    rated = "select count(*) from duckdb_tables() where table_name = 'fct_revenue_per_term'"
    with open_warehouse(deployment.warehouse_path) as warehouse:
        if warehouse.execute(metered).fetchone() == (0,):
            raise NotReadyError("The warehouse holds no metered usage yet; run `lineshaft build` first.")
        landed = {(invoice_id, status): amount for invoice_id, status, amount in warehouse.execute(query).fetchall()}
        return landed == stored and warehouse.execute(rated).fetchone() != (0,)


def _period_row(one: RatedPeriod, *, as_of: datetime | None) -> Row:
    from models.money import minor_units
    from models.timeline import month_days

    rating, contract = one.rating, one.rating.contract
    first, following = month_days(rating.billing_period)
    return {
        **_key(one),
        "contract_version": contract.contract_version,
        "currency_code": contract.currency_code,
        "minor_unit_digits": minor_units(contract.currency_code),
        "time_zone": contract.time_zone,
        "period_start_at": _naive(rating.service_period.start),
        "period_end_at": _naive(rating.service_period.end),
        "first_date": first,
        "following_date": following,
        "rated_as_of_at": _naive(as_of),
        "collected_until_at": _naive(one.collected_until),
        "completeness_ratio": one.completeness_ratio,
        "required_completeness_ratio": contract.required_completeness_ratio,
        "rated_amount": rating.net_amount.amount,
        "waiting_kind": one.waiting[0].kind if one.waiting else None,
        "waiting_reason": "; ".join(waiting.sentence for waiting in one.waiting) or None,
        "hold_reason": "; ".join(rating.hold_reasons) or None,
    }


def _line_rows(one: RatedPeriod) -> Iterator[Row]:
    metrics = {term.term_id: term.metric for term in one.rating.contract.terms}
    for number, line in enumerate(one.rating.lines, start=1):
        yield {
            **_key(one),
            "line_number": number,
            "term_id": line.term_id,
            "rule": line.rule,
            "description": line.description,
            "metric": metrics.get(line.term_id),
            "quantity": line.quantity,
            "unit_code": line.unit_code,
            "unit_price": line.unit_price,
            "line_amount": line.amount.amount,
            "currency_code": line.amount.currency_code,
            "quantity_flag": line.usage.quantity_flag if line.usage else None,
            "hold_reason": line.hold_reason,
        }


def _invoice_tables(session: Session) -> dict[str, Sequence[Row]]:
    """Headers and lines as columns: the segments behind them stay in the store, which is their record."""
    from sqlalchemy import select

    from models.billing.invoice import InvoiceLineRow, InvoiceRow

    found: dict[str, Sequence[Row]] = {}
    for name, table in (("invoice", InvoiceRow.__table__), ("invoice_line", InvoiceLineRow.__table__)):
        columns = [table.c[column] for column in RATED_TABLES[name]]
        found[name] = [dict(row._mapping) for row in session.execute(select(*columns).order_by(*table.primary_key))]
    return found


def _key(one: RatedPeriod) -> Row:
    return {
        "contract_id": one.rating.contract.contract_id,
        "physical_asset_id": one.rating.physical_asset_id,
        "billing_period": one.rating.billing_period,
    }


def _naive(instant: datetime | None) -> datetime | None:
    return instant.astimezone(UTC).replace(tzinfo=None) if instant else None

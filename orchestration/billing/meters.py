"""Meters for people: the work list of what is not plainly read, and decisions about it.

Belongs here: reading marts and store for that list, writing a decision in one transaction.
Does not belong here: what a decision may be (models.billing.meter_decision), its effect (dbt).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from models.errors import BillingError
from orchestration.settings import Deployment

if TYPE_CHECKING:
    from models.billing.meter_decision import Decision, MeterDecisionRow

_OPEN = """
select distinct physical_asset_id, metric, unit_code, billing_period, hold_reason, opening_at, closing_at,
    opening_reading, closing_reading, quantity, meter_decision_id
from billing.fct_metered_segments
where billing_period = $billing_period and (segment_kind = 'held' or meter_decision_id is not null)
order by all
"""
_MONTHS_BEFORE = """
select quantity, quantity_flag
from billing.fct_metered_usage_per_month
where physical_asset_id = $physical_asset_id and metric = $metric and billing_period < $billing_period
qualify row_number() over (partition by billing_period order by contract_id) = 1
order by billing_period
"""


@dataclass(frozen=True, kw_only=True)
class OpenStep:
    """A difference of two readings that waits for a decision, or rests on one; times are UTC."""

    physical_asset_id: str
    metric: str
    unit_code: str
    billing_period: str
    hold_reason: str | None
    opening_at: datetime
    closing_at: datetime
    opening_reading: Decimal
    closing_reading: Decimal
    quantity: Decimal
    meter_decision_id: int | None


def list_open_steps(deployment: Deployment, *, billing_period: str) -> tuple[OpenStep, ...]:
    """What of the month is held, released, substituted or estimated, as last built."""
    from orchestration.warehouse.schema import open_warehouse

    with open_warehouse(deployment.warehouse_path) as connection:
        found = connection.execute(_OPEN, {"billing_period": billing_period})
        names = [column[0] for column in found.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    for row in rows:
        row["opening_at"], row["closing_at"] = (row[end].replace(tzinfo=UTC) for end in ("opening_at", "closing_at"))
    return tuple(OpenStep(**row) for row in rows)


def estimate_by_mean(deployment: Deployment, *, physical_asset_id: str, metric: str, billing_period: str) -> Decimal:
    """The mean of the last six months before it, in the unit of the readings.

    Raises:
        BillingError: A month of the six is held or estimated itself, or there are fewer.
    """
    from models.billing.meter_decision import ESTIMATE_PERIODS, mean_of_last_periods
    from orchestration.warehouse.schema import open_warehouse

    with open_warehouse(deployment.warehouse_path) as connection:
        months = connection.execute(
            _MONTHS_BEFORE,
            {"physical_asset_id": physical_asset_id, "metric": metric, "billing_period": billing_period},
        ).fetchall()
    last = months[-ESTIMATE_PERIODS:]
    if any(flag in {"held", "estimated"} for _, flag in last):
        raise BillingError(
            f"The mean of {physical_asset_id} {metric} would rest on a held or estimated month; give --quantity."
        )
    return mean_of_last_periods([quantity for quantity, _ in last])


def decide(
    deployment: Deployment,
    *,
    physical_asset_id: str,
    metric: str,
    decision: Decision,
    rule: str,
    reason: str,
    decided_by: str,
    closing_at: datetime | None = None,
    billing_period: str | None = None,
    quantity: Decimal | None = None,
) -> MeterDecisionRow:
    """Write the decision down; the next build applies it."""
    from models.billing.meter_decision import record_meter_decision
    from models.store import open_store, sessions

    engine = open_store(deployment.database_url)
    try:
        with sessions(engine).begin() as session:
            return record_meter_decision(
                session,
                physical_asset_id=physical_asset_id,
                metric=metric,
                decision=decision,
                rule=rule,
                reason=reason,
                decided_by=decided_by,
                decided_at=datetime.now(UTC),
                closing_at=closing_at,
                billing_period=billing_period,
                quantity=quantity,
            )
    finally:
        engine.dispose()

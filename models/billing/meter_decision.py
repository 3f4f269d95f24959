"""What people decided about meters: a held step released or substituted, an unread month estimated (VEE).

Belongs here: the table, recording a decision, the decision in force, the estimate by rule.
Does not belong here: applying them to readings (dbt: int_metering__counter_steps, int_metering__contract_steps). No
decision touches a reading: the raw value stays as landed, and the newest decision on the same subject is in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.billing.meter import MeterRow
from models.errors import BillingError
from models.exact import WIDE, exact
from models.money import round_quantity
from models.orm import Row
from models.timeline import require_utc

Decision = Literal["release", "substitute", "estimate", "withdraw"]
ESTIMATE_PERIODS = 6
"""Hours not reported are billed by the mean of the last six months (reference case eaas-estimate)."""
_DIVISION = Context(prec=120, rounding=ROUND_HALF_UP)  # as wide as in models.billing.rating.quantity, for its reason


class MeterDecisionRow(Row):
    """One decision about a held step (`closing_at`, UTC, its second reading) or a month (`billing_period`, 2026-03).

    `quantity` is in the meter's unit_code: of the step for `substitute`, of the whole month for `estimate`. `release`
    lets the step count as it was read; `withdraw` takes the decision before it back.
    """

    __tablename__ = "meter_decision"
    __table_args__ = (
        CheckConstraint("decision IN ('release', 'substitute', 'estimate', 'withdraw')", name="decision"),
        CheckConstraint("(closing_at IS NULL) <> (billing_period IS NULL)", name="one_subject"),
        CheckConstraint("(decision IN ('substitute', 'estimate')) = (quantity IS NOT NULL)", name="quantity"),
    )

    meter_decision_id: Mapped[int] = mapped_column(primary_key=True)
    meter_id: Mapped[str] = mapped_column(ForeignKey("meter.meter_id"))
    decision: Mapped[str]
    closing_at: Mapped[datetime | None]
    billing_period: Mapped[str | None]
    quantity: Mapped[Decimal | None]
    rule: Mapped[str]
    reason: Mapped[str]
    decided_by: Mapped[str]
    decided_at: Mapped[datetime]


def record_meter_decision(
    session: Session,
    *,
    physical_asset_id: str,
    metric: str,
    decision: Decision,
    rule: str,
    reason: str,
    decided_by: str,
    decided_at: datetime,
    closing_at: datetime | None = None,
    billing_period: str | None = None,
    quantity: Decimal | None = None,
) -> MeterDecisionRow:
    """Write a decision down; the same decision in force already is returned as it stands.

    Raises:
        BillingError: The asset has no such meter, the subject or quantity does not fit the decision, or nobody signs.
    """
    meter = session.scalar(
        select(MeterRow).where(MeterRow.physical_asset_id == physical_asset_id, MeterRow.metric == metric)
    )
    if meter is None:
        raise BillingError(f"{physical_asset_id} has no meter {metric}; declare it in the enterprise files first.")
    if not decided_by.strip() or not reason.strip():
        raise BillingError("A meter decision needs the person who decides and a reason.")
    if (closing_at is None) == (billing_period is None):
        raise BillingError("A meter decision is about one held step or one month; give either, not both.")
    if decision != "withdraw" and (decision == "estimate") != (billing_period is not None):
        raise BillingError("A month is estimated; a held step is released or substituted.")
    if (decision in {"substitute", "estimate"}) != (quantity is not None):
        raise BillingError("A substitute and an estimate need a quantity; a release and a withdrawal have none.")
    if quantity is not None and exact(quantity) < 0:
        raise BillingError(f"The quantity is {quantity}; a counter cannot run backwards.")
    if closing_at is not None:
        closing_at = require_utc(closing_at)
    newest = decision_in_force(session, meter_id=meter.meter_id, closing_at=closing_at, billing_period=billing_period)
    if decision == "withdraw" and newest is None:
        raise BillingError("There is no decision in force to withdraw.")
    if newest is not None and (newest.decision, newest.quantity, newest.rule) == (decision, quantity, rule):
        return newest
    row = MeterDecisionRow(
        meter_id=meter.meter_id,
        decision=decision,
        closing_at=closing_at,
        billing_period=billing_period,
        quantity=quantity,
        rule=rule,
        reason=reason,
        decided_by=decided_by,
        decided_at=require_utc(decided_at),
    )
    session.add(row)
    session.flush()
    return row


def decision_in_force(
    session: Session, *, meter_id: str, closing_at: datetime | None, billing_period: str | None
) -> MeterDecisionRow | None:
    """The newest decision about that step or month; None when there is none or it was withdrawn."""
    newest = session.scalar(
        select(MeterDecisionRow)
        .where(
            MeterDecisionRow.meter_id == meter_id,
            MeterDecisionRow.closing_at.is_(None) if closing_at is None else MeterDecisionRow.closing_at == closing_at,
            MeterDecisionRow.billing_period.is_(None)
            if billing_period is None
            else MeterDecisionRow.billing_period == billing_period,
        )
        .order_by(MeterDecisionRow.meter_decision_id.desc())
        .limit(1)
    )
    return None if newest is None or newest.decision == "withdraw" else newest


def mean_of_last_periods(quantities: Sequence[Decimal], *, count: int = ESTIMATE_PERIODS) -> Decimal:
    """The mean of the last `count` quantities, oldest first, rounded half-up at four decimals, once.

    Raises:
        BillingError: There are fewer.
    """
    last = tuple(exact(quantity) for quantity in quantities)[-count:]
    if len(last) < count:
        raise BillingError(f"An estimate needs {count} measured months before it; there are {len(last)}.")
    total = Decimal(0)
    for quantity in last:
        total = WIDE.add(total, quantity)
    return round_quantity(_DIVISION.divide(total, Decimal(count)))

"""A person's decision about a meter is checked, signed and kept; the newest is in force."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from models.billing.meter_decision import (
    MeterDecisionRow,
    decision_in_force,
    mean_of_last_periods,
    record_meter_decision,
)
from models.errors import BillingError
from models.store import sessions
from tests.builders.enterprise import ASSETS, a_store

AT = datetime(2026, 3, 12, 8, 15, tzinfo=UTC)


def a_decision(**changed: Any) -> dict[str, Any]:
    return {
        "physical_asset_id": ASSETS[0],
        "metric": "running_time",
        "decision": "substitute",
        "rule": "agreed quantity",
        "reason": "controller restarted",
        "decided_by": "Ada",
        "decided_at": AT,
        "closing_at": AT,
        "quantity": Decimal("12.5"),
    } | changed


def test_the_newest_decision_is_in_force_and_the_older_stays_on_record(tmp_path: Path) -> None:
    with a_store(tmp_path) as engine, sessions(engine).begin() as session:
        first = record_meter_decision(session, **a_decision())
        second = record_meter_decision(session, **a_decision(quantity=Decimal(13)))
        found = decision_in_force(session, meter_id=first.meter_id, closing_at=AT, billing_period=None)
        assert found is second
        assert session.scalar(select(func.count()).select_from(MeterDecisionRow)) == 2


def test_the_same_decision_twice_is_one(tmp_path: Path) -> None:
    with a_store(tmp_path) as engine, sessions(engine).begin() as session:
        first = record_meter_decision(session, **a_decision())
        assert record_meter_decision(session, **a_decision(reason="said again")) is first


def test_a_withdrawn_decision_is_in_force_no_more(tmp_path: Path) -> None:
    with a_store(tmp_path) as engine, sessions(engine).begin() as session:
        row = record_meter_decision(session, **a_decision())
        record_meter_decision(session, **a_decision(decision="withdraw", quantity=None))
        assert decision_in_force(session, meter_id=row.meter_id, closing_at=AT, billing_period=None) is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"metric": "steam"}, "has no meter steam"),
        ({"decided_by": " "}, "needs the person who decides"),
        ({"billing_period": "2026-03"}, "either, not both"),
        ({"decision": "estimate"}, "A month is estimated"),
        ({"quantity": None}, "need a quantity"),
        ({"decision": "release"}, "need a quantity"),
        ({"quantity": Decimal(-1)}, "cannot run backwards"),
        ({"decision": "withdraw", "quantity": None}, "no decision in force"),
    ],
)
def test_a_decision_that_does_not_fit_is_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with a_store(tmp_path) as engine, sessions(engine).begin() as session, pytest.raises(BillingError, match=message):
        record_meter_decision(session, **a_decision(**changed))


def test_hours_not_reported_are_the_mean_of_the_last_six_months() -> None:
    """eaas-estimate: 100 110 90 105 95 100; an older month does not count."""
    months = [Decimal(text) for text in ("900", "100", "110", "90", "105", "95", "100")]
    assert mean_of_last_periods(months) == 100
    with pytest.raises(BillingError, match="there are 5"):
        mean_of_last_periods(months[:5])


@given(st.lists(st.decimals(0, 10**9, places=4), min_size=6, max_size=6))
def test_a_mean_lies_between_the_least_and_the_most(quantities: list[Decimal]) -> None:
    assert min(quantities) <= mean_of_last_periods(quantities) <= max(quantities)

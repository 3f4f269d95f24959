"""orchestration.billing.readiness: why an asset's month is not drawn yet."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from models.billing.terms import Contract
from orchestration.billing.readiness import find_reasons_to_wait
from orchestration.billing.usage import PeriodUsage
from tests.builders.contracts import ASSET, a_contract

APRIL = datetime(2026, 4, 1, tzinfo=UTC)


def reason(contract: Contract, *, covered: str | None, until: datetime = APRIL) -> str:
    measured = PeriodUsage(
        usage={},
        availability={},
        completeness={} if covered is None else {(contract.contract_id, ASSET): Decimal(covered)},
        collected_until={ASSET: until},
    )
    found = find_reasons_to_wait(measured, contract=contract, physical_asset_id=ASSET, billing_period="2026-03")
    return "".join(one.sentence for one in found)


@pytest.mark.parametrize(
    ("own", "covered"), [(None, "0.5"), (None, None), ("0", "0"), ("0.9", "0.9"), ("0.9", None)], ids=str
)
def test_a_month_that_is_covered_as_far_as_its_contract_asks_is_drawn(own: str | None, covered: str | None) -> None:
    contract = a_contract(least_completeness_ratio=None if own is None else Decimal(own))
    assert reason(contract, covered=covered) == ""


@pytest.mark.parametrize(("own", "covered", "asked"), [(None, "0.4166", "50.0%"), ("0.9", "0.895", "90.0%")])
def test_a_month_that_hardly_anybody_heard_waits_and_says_how_much_is_missing(
    own: str | None, covered: str, asked: str
) -> None:
    contract = a_contract(least_completeness_ratio=None if own is None else Decimal(own))
    why = reason(contract, covered=covered)
    assert why.startswith(f"only {Decimal(covered):.1%} of 2026-03 is covered")
    assert f"asks for {asked}" in why
    assert "least_completeness_ratio" in why


def test_what_may_still_come_is_waited_for_first() -> None:
    assert "is collected until 2026-03-20" in reason(
        a_contract(), covered="0.1", until=datetime(2026, 3, 20, tzinfo=UTC)
    )

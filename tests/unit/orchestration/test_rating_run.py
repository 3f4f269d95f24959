"""Rating a month's contracts: one that cannot be rated whole stands in nobody's way."""

from __future__ import annotations

from datetime import date

from orchestration.billing.rating_run import RatedPeriod, UnratedPeriod, rate_period
from orchestration.billing.usage import PeriodUsage
from tests.builders.contracts import ASSET, a_contract, a_flat_fee

NOTHING_MEASURED = PeriodUsage(usage={}, availability={}, completeness={}, collected_until={})


def test_a_contract_amended_inside_the_month_is_named_and_the_others_are_rated() -> None:
    first = a_contract(a_flat_fee("100"))
    amended = a_contract(
        a_flat_fee("90"), contract_version=2, effective_date=date(2026, 3, 16), earlier_versions=first.versions
    )
    found = tuple(rate_period((amended, first), NOTHING_MEASURED, billing_period="2026-03"))
    assert [type(one) for one in found] == [UnratedPeriod, RatedPeriod]
    assert isinstance(found[0], UnratedPeriod)
    assert found[0].physical_asset_id == ASSET
    assert "2026-03-16" in found[0].reason

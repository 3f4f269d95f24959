"""costs.yaml: exact, one rate a site and date, and no file is no rate."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.billing.cost_rates import load_cost_rates
from orchestration.errors import DeploymentError

RATE = """
- site_id: hamburg
  currency_code: EUR
  valid_from_date: 2026-01-01
  energy_price_per_kwh: "0.1850"
"""


def test_a_rate_is_read_exactly_and_what_is_not_given_is_not_known(tmp_path: Path) -> None:
    assert load_cost_rates(tmp_path) == ()
    (tmp_path / "costs.yaml").write_text(RATE)
    (rate,) = load_cost_rates(tmp_path)
    assert (rate.valid_from_date, rate.energy_price_per_kwh) == (date(2026, 1, 1), Decimal("0.1850"))
    assert rate.service_price_per_hour is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (RATE.replace('"0.1850"', "0.1850"), "write it in quotes"),
        (RATE + RATE, "two rates for the same site and date"),
        (RATE.replace("EUR", "euro"), "currency_code"),
        (RATE.replace("energy_price", "power_price"), "power_price_per_kwh"),
        ("- [", "is not YAML"),
    ],
    ids=["float", "twice", "currency", "name", "yaml"],
)
def test_a_file_that_cannot_be_taken_as_it_stands_says_why(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "costs.yaml").write_text(text)
    with pytest.raises(DeploymentError, match=why):
        load_cost_rates(tmp_path)

"""orchestration.billing.what_if: the same usage under the agreed price and under another."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from models.billing.rate_card import RateCard, load_rate_card, require_known
from models.billing.terms import Contract, CoveredAsset
from models.errors import DocumentError, RatingError
from models.money import Money
from orchestration.billing.usage import PeriodUsage
from orchestration.billing.what_if import ComparedPrice, ComparedTotal, PriceComparison, compare
from orchestration.cli import app
from orchestration.errors import NotReadyError
from tests.builders.contracts import ASSET, a_contract, a_graduated, a_per_unit
from tests.builders.readings import usage_of

APRIL = datetime(2026, 4, 1, tzinfo=UTC)
PARTS = {"term_id": "good_parts", "rule": "per_unit", "metric": "good_count", "quantity_unit_code": "C62"}
CARD: dict[str, Any] = {
    "name": "Flat parts",
    "currency_code": "EUR",
    "terms": [{**PARTS, "description": "Good parts", "parameters": {"unit_price": "0.40"}}],
}


def card_in(directory: Path, **changes: object) -> RateCard:
    path = directory / "card.yaml"
    path.write_text(yaml.safe_dump({**CARD, **changes}), encoding="utf-8")
    return load_rate_card(path)


def measured(contract: Contract, *quantities: str) -> PeriodUsage:
    return PeriodUsage(
        usage={(contract.contract_id, ASSET): {"good_count": usage_of("0", *quantities)}},
        availability={},
        completeness={},
        collected_until={ASSET: APRIL},
    )


def eur(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def test_a_card_is_compared_with_the_agreed_price_on_the_same_usage(tmp_path: Path) -> None:
    contract = a_contract(a_graduated())
    found = compare(
        card_in(tmp_path), contracts=[contract], measured=measured(contract, "5000"), billing_period="2026-03"
    )
    old, new = eur("2150.00"), eur("2000.00")  # 4000 x 0.46 + 1000 x 0.31; 5000 x 0.40
    assert found == PriceComparison(
        rate_card="Flat parts",
        billing_period="2026-03",
        compared=(
            ComparedPrice(
                contract_id=contract.contract_id,
                physical_asset_id=ASSET,
                old=old,
                new=new,
                difference=eur("-150.00"),
                hold_reasons=(),
            ),
        ),
        totals=(ComparedTotal(old=old, new=new, difference=eur("-150.00")),),
    )


def test_what_is_held_is_compared_and_says_so(tmp_path: Path) -> None:
    contract = a_contract(a_graduated())
    nothing = PeriodUsage(usage={}, availability={}, completeness={}, collected_until={})
    (one,) = compare(card_in(tmp_path), contracts=[contract], measured=nothing, billing_period="2026-03").compared
    assert one.hold_reasons


def test_a_card_leaves_contracts_of_other_currencies_and_other_assets_alone(tmp_path: Path) -> None:
    contract = a_contract(a_graduated())
    dollars = a_contract(a_graduated(), contract_id="eaas-us", currency_code="USD")
    later = a_contract(
        a_graduated(),
        contract_id="eaas-later",
        assets=(CoveredAsset(physical_asset_id="other", covered_from_date=date(2026, 6, 1)),),
    )
    found = compare(
        card_in(tmp_path),
        contracts=[contract, dollars, later],
        measured=measured(contract, "1"),
        billing_period="2026-03",
    )
    assert [one.contract_id for one in found.compared] == [contract.contract_id]


def test_a_card_that_touches_nothing_is_refused(tmp_path: Path) -> None:
    contract = a_contract(a_graduated(), currency_code="USD")
    with pytest.raises(NotReadyError, match="Flat parts is meant for no contract"):
        compare(card_in(tmp_path), contracts=[contract], measured=measured(contract), billing_period="2026-03")


def test_a_contract_file_is_tried_on_the_contract_of_its_id() -> None:
    path = Path("orchestration/deployment_template/contracts/eaas-cnc-hamburg.yaml")
    card = load_rate_card(path)
    assert (card.contract_ids, card.currency_code) == (("eaas-cnc-hamburg",), "EUR")
    assert not card.is_meant_for(a_contract(a_per_unit(), contract_id="eaas-other"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"terms": []}, "terms"), ({"terms": CARD["terms"] * 2}, "good_parts appears twice"), ({"price": "1"}, "price")],
)
def test_a_file_that_is_no_rate_card_is_refused_with_its_place(
    tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(DocumentError, match=sentence):
        card_in(tmp_path, **changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"contract_ids": ["eaas-gone"]}, "is not in the store"), ({"currency_code": "USD"}, "is in USD")],
)
def test_a_card_for_an_unknown_contract_or_in_another_currency_is_refused(
    tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    card = card_in(tmp_path, **{"contract_ids": ["eaas-cnc-hamburg"], **changes})
    with pytest.raises(RatingError, match=sentence):
        require_known(card, (a_contract(),))


def test_the_command_prints_the_comparison_for_machines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    contract = a_contract(a_graduated())
    card = card_in(tmp_path)
    found = compare(card, contracts=[contract], measured=measured(contract, "5000"), billing_period="2026-03")
    asked = []

    def answer(_: object, billing_period: str, *, rate_card: Path) -> PriceComparison:
        asked.append((billing_period, rate_card))
        return found

    monkeypatch.setattr("orchestration.billing.what_if.compare_prices", answer)
    monkeypatch.setattr("orchestration.settings.load_deployment", lambda: None)
    words = ["invoice", "draft", "--rate-card", str(tmp_path / "card.yaml"), "--period", "2026-03"]
    table = CliRunner().invoke(app, words)
    assert "agreed 2150.00 EUR, under Flat parts 2000.00 EUR: a difference of -150.00 EUR" in table.output
    printed = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert asked == [("2026-03", tmp_path / "card.yaml")] * 2
    assert printed["compared"][0]["difference"] == {"amount": "-150.00", "currency_code": "EUR"}


def test_a_month_is_named_once() -> None:
    for words in ([], ["2026-03", "--period", "2026-03"]):
        assert CliRunner().invoke(app, ["invoice", "draft", *words]).exit_code == 2

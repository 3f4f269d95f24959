"""A contract file is accepted whole or refused with one sentence; an agreed contract changes by version."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.billing.contract import stored_contract, stored_contracts
from models.billing.contract_documents import apply_contracts, load_contracts
from models.billing.terms import TermsVersion
from models.errors import BillingError, DocumentError, RatingError
from models.store import sessions
from tests.builders.clauses import a_severity_factor, an_indexed_price
from tests.builders.contracts import ASSET, a_contract, a_flat_fee, a_per_unit
from tests.builders.enterprise import a_store, an_enterprise

Change = Callable[[dict[str, Any]], None]


def a_file() -> dict[str, Any]:
    """The builder's contract as its file says it."""
    contract = a_contract()
    return {
        **{name: getattr(contract, name) for name in ("contract_id", "contract_version", "name", "currency_code")},
        "seller_party_id": "weller",
        "buyer_party_id": "meridian_de",
        "time_zone": "Europe/Berlin",
        "start_date": date(2026, 1, 1),
        "end_date": None,
        "billing_period": "month",
        "payment_terms_days": 30,
        "tax_category": "S",
        "tax_rate_percent": "19",
        "tax_exemption_reason": None,
        "assets": [{"physical_asset_id": ASSET, "covered_from_date": date(2026, 1, 1), "covered_until_date": None}],
        "terms": [
            {
                "term_id": term.term_id,
                "rule": term.rule,
                "metric": term.metric,
                "quantity_unit_code": term.quantity_unit_code,
                "description": term.description,
                "parameters": dict(term.parameters),
            }
            for term in contract.terms
        ],
    }


def written(directory: Path, *contents: dict[str, Any]) -> Path:
    for number, content in enumerate(contents):
        (directory / f"{number}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return directory


def test_a_file_becomes_the_contract_that_rating_takes(tmp_path: Path) -> None:
    assert load_contracts(written(tmp_path, a_file()), enterprise=an_enterprise()) == (a_contract(),)


def test_a_price_that_goes_by_date_reads_and_stores_its_dates_as_text(tmp_path: Path) -> None:
    agreed = an_indexed_price("indexed_flat_fee").parameters
    indexed = a_contract(replace(an_indexed_price("indexed_flat_fee"), position=1))
    content = a_file()
    dated: Any = json.loads(json.dumps(agreed))
    for value in dated["values"]:
        value["from_date"] = date.fromisoformat(value["from_date"])
    content["terms"] = [
        {
            "term_id": "indexed_flat_fee",
            "rule": "indexed_flat_fee",
            "description": "Indexed flat fee",
            "parameters": dated,
        }
    ]
    (loaded,) = load_contracts(written(tmp_path, content), enterprise=an_enterprise())
    assert loaded == indexed
    with a_store(tmp_path) as engine, sessions(engine).begin() as session:
        apply_contracts(session, (loaded,))
        assert stored_contract(session, loaded.contract_id) == indexed


def test_a_reference_needs_a_meter_too(tmp_path: Path) -> None:
    term = a_severity_factor(reference={"metric": "energy", "unit_code": "KWH"})
    content = a_file()
    content["terms"] = [
        {
            "term_id": term.term_id,
            "rule": term.rule,
            "metric": term.metric,
            "quantity_unit_code": term.quantity_unit_code,
            "description": term.description,
            "parameters": dict(term.parameters),
        }
    ]
    with pytest.raises(DocumentError, match=f"{ASSET} has no meter of energy; declare one"):
        load_contracts(written(tmp_path, content), enterprise=an_enterprise())


def put(*path: str | int, value: Any) -> Change:
    def change(content: dict[str, Any]) -> None:
        target: Any = content
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (put("seller_party_id", value="wellr"), "seller_party_id: 'wellr' is no party"),
        (put("currency_code", value="EURO"), "'EURO' is not an ISO 4217 currency code"),
        (put("tax_rate_percent", value=19.0), "tax_rate_percent: 19.0 is a float"),
        (put("tax_rate_percent", value="0"), "tax category S has a rate above 0"),
        (put("tax_category", value="G"), "every other category a rate of 0"),
        (put("tax_exemption_reason", value="because"), "only for them"),
        (put("time_zone", value="CET/CEST"), "IANA time zone"),
        (put("price", value="1"), "price: this key is unknown"),
        (
            put("terms", 0, "parameters", value={"amount": 8000.5}),
            "Term base_fee (flat_fee): parameters.amount: 8000.5",
        ),
        (put("terms", 1, "rule", value="per_hour"), "names the rule 'per_hour'"),
        (put("terms", 1, "quantity_unit_code", value="MTQ"), "Readings in SEC cannot be priced per MTQ"),
        (put("terms", 1, "metric", value="air_volume"), "weller-mc630-1041 has no meter of air_volume"),
        (put("terms", 1, "term_id", value="base_fee"), "terms: base_fee appears twice"),
        (put("assets", 0, "physical_asset_id", value="weller-1"), "assets: 'weller-1' is no physical_asset"),
        (put("assets", value=[]), "assets: Tuple should have at least 1 item"),
        (
            put("least_completeness_ratio", value="1.5"),
            "least_completeness_ratio: Input should be less than or equal to 1",
        ),
    ],
)
def test_a_mistake_is_one_sentence_with_the_file(tmp_path: Path, change: Change, problem: str) -> None:
    content = a_file()
    change(content)
    with pytest.raises(DocumentError) as refused:
        load_contracts(written(tmp_path, content), enterprise=an_enterprise())
    assert problem in str(refused.value)
    assert refused.value.path == tmp_path / "0.yaml"


def test_a_contract_id_appears_in_one_file(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="appears in two files"):
        load_contracts(written(tmp_path, a_file(), a_file()), enterprise=an_enterprise())


def test_no_asset_is_billed_twice(tmp_path: Path) -> None:
    other = {**a_file(), "contract_id": "another"}
    with pytest.raises(DocumentError, match="another and eaas-cnc-hamburg both cover weller-mc630-1041 on 2026-01-01"):
        load_contracts(written(tmp_path, a_file(), other), enterprise=an_enterprise())


def test_one_contract_may_follow_another_on_the_same_asset(tmp_path: Path) -> None:
    first = {**a_file(), "end_date": date(2026, 4, 1)}
    second = {**a_file(), "contract_id": "next", "start_date": date(2026, 4, 1)}
    assert len(load_contracts(written(tmp_path, first, second), enterprise=an_enterprise())) == 2


def test_an_exported_service_names_why_it_is_not_taxed(tmp_path: Path) -> None:
    content = {**a_file(), "tax_category": "G", "tax_rate_percent": "0", "tax_exemption_reason": "Export"}
    (contract,) = load_contracts(written(tmp_path, content), enterprise=an_enterprise())
    assert (contract.tax_rate_percent, contract.tax_exemption_reason) == (Decimal(0), "Export")


def test_a_contract_may_ask_for_a_share_of_the_month_to_be_covered(tmp_path: Path) -> None:
    asking = {**a_file(), "least_completeness_ratio": "0.9"}
    (contract,) = load_contracts(written(tmp_path, asking), enterprise=an_enterprise())
    assert contract.required_completeness_ratio == Decimal("0.9")
    assert a_contract().required_completeness_ratio == Decimal("0.5")
    with a_store(tmp_path, contract) as engine, sessions(engine).begin() as session:
        assert stored_contracts(session) == (contract,)


def test_the_store_gives_back_what_was_applied(tmp_path: Path) -> None:
    with a_store(tmp_path, a_contract()) as engine, sessions(engine).begin() as session:
        assert stored_contracts(session) == (a_contract(),)
        count = apply_contracts(session, (a_contract(),))
        assert (count.is_change, count.unchanged_count) == (False, 1)


def test_a_price_does_not_move_without_a_new_version(tmp_path: Path) -> None:
    dearer = a_contract(a_flat_fee("9000"), a_per_unit())
    with a_store(tmp_path, a_contract()) as engine:
        with sessions(engine)() as session, pytest.raises(DocumentError, match="higher contract_version"):
            apply_contracts(session, (dearer,))
        with sessions(engine).begin() as session:
            count = apply_contracts(session, (replace(dearer, contract_version=2),))
            assert count.changed == ("contract eaas-cnc-hamburg",)
        with sessions(engine).begin() as session:
            assert stored_contract(session, "eaas-cnc-hamburg") == replace(
                dearer, contract_version=2, earlier_versions=a_contract().versions
            )


def test_a_contract_without_a_file_is_kept(tmp_path: Path) -> None:
    with a_store(tmp_path, a_contract()) as engine, sessions(engine).begin() as session:
        assert apply_contracts(session, ()).kept == ("contract eaas-cnc-hamburg",)


def test_a_contract_without_a_file_may_not_cover_what_another_covers(tmp_path: Path) -> None:
    """Its id was changed in its file: under both ids the asset would be billed twice."""
    renamed = replace(a_contract(), contract_id="renamed")
    with a_store(tmp_path, a_contract()) as engine:
        with (
            pytest.raises(DocumentError, match="eaas-cnc-hamburg and renamed both cover weller-mc630-1041"),
            sessions(engine).begin() as session,
        ):
            apply_contracts(session, (renamed,))
        with sessions(engine).begin() as session:
            assert stored_contracts(session) == (a_contract(),)


def test_an_unknown_contract_is_named(tmp_path: Path) -> None:
    with (
        a_store(tmp_path) as engine,
        sessions(engine).begin() as session,
        pytest.raises(BillingError, match="no contract 'nowhere'"),
    ):
        stored_contract(session, "nowhere")


def amended(effective_date: date | None = date(2026, 3, 16), version: int = 2, fee: str = "9000", **more: Any) -> Any:
    """The builder's contract with another fee from a date on."""
    return a_contract(a_flat_fee(fee), contract_version=version, effective_date=effective_date, **more)


def test_an_amendment_keeps_the_terms_before_it(tmp_path: Path) -> None:
    first = a_contract(a_flat_fee("8000"))
    with a_store(tmp_path, first) as engine, sessions(engine).begin() as session:
        changes = apply_contracts(session, (amended(),))
        session.expire_all()
        kept = stored_contract(session, first.contract_id)
        again = apply_contracts(session, (amended(),))
    assert changes.changed == (f"contract {first.contract_id}",)
    assert (again.changed, again.unchanged_count) == ((), 1)
    assert kept.with_terms_for(date(2026, 3, 1), date(2026, 3, 16)).terms == first.terms
    assert kept.with_terms_for(date(2026, 3, 16), date(2026, 4, 1)).terms == amended().terms
    with pytest.raises(RatingError, match="amended on 2026-03-16"):
        kept.with_terms_for(date(2026, 3, 1), date(2026, 4, 1))


def test_a_corrected_amendment_takes_the_place_of_the_one_it_corrects_and_none_is_lost(tmp_path: Path) -> None:
    first = a_contract(a_flat_fee("8000"))
    with a_store(tmp_path, first) as engine, sessions(engine).begin() as session:
        apply_contracts(session, (amended(),))
        apply_contracts(session, (amended(date(2026, 3, 10), version=3, fee="9500"),))
        session.expire_all()
        kept = stored_contract(session, first.contract_id)
    assert [version.contract_version for version in kept.versions] == [1, 2, 3]
    cut = kept.stretches(ASSET, date(2026, 3, 1), date(2026, 4, 1))
    assert [(each.first_date, each.following_date, each.contract_version) for each in cut] == [
        (date(2026, 3, 1), date(2026, 3, 10), 1),
        (date(2026, 3, 10), date(2026, 4, 1), 3),
    ]


def test_an_amendment_says_what_it_amends(tmp_path: Path) -> None:
    with (
        a_store(tmp_path) as engine,
        sessions(engine).begin() as session,
        pytest.raises(DocumentError, match="the terms before are unknown; add earlier_versions"),
    ):
        apply_contracts(session, (amended(),))


def test_terms_once_agreed_are_not_told_otherwise(tmp_path: Path) -> None:
    first = a_contract(a_flat_fee("8000"))
    told = TermsVersion(contract_version=1, effective_date=None, terms=(a_flat_fee("7000"),))
    with (
        a_store(tmp_path, first) as engine,
        sessions(engine).begin() as session,
        pytest.raises(DocumentError, match="tells version 1 otherwise than the store"),
    ):
        apply_contracts(session, (amended(earlier_versions=(told,)),))


def test_a_file_may_hold_the_versions_before_it(tmp_path: Path) -> None:
    file = a_file() | {"contract_version": 2, "effective_date": date(2026, 3, 16)}
    file["earlier_versions"] = [{"contract_version": 1, "terms": file["terms"][:1]}]
    (contract,) = load_contracts(written(tmp_path, file), enterprise=an_enterprise())
    assert [len(version.terms) for version in contract.versions] == [1, 4]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"effective_date": date(2026, 3, 16)}, "effective_date dates an amendment"),
        ({"end_date": date(2026, 1, 1)}, "put it after start_date"),
        ({"contract_version": 2, "effective_date": date(2025, 1, 1)}, "after start_date and before end_date"),
        ({"earlier_versions": [{"contract_version": 1, "terms": a_file()["terms"]}]}, "need the effective_date"),
        (
            {
                "contract_version": 2,
                "effective_date": date(2026, 3, 16),
                "earlier_versions": [{"contract_version": 3, "terms": a_file()["terms"]}],
            },
            "version 2 follows version 3",
        ),
        (
            {
                "contract_version": 2,
                "effective_date": date(2026, 3, 16),
                "earlier_versions": [
                    {"contract_version": 1, "effective_date": date(2026, 2, 1), "terms": a_file()["terms"]}
                ],
            },
            "version 1 is the first; leave its effective_date out",
        ),
        ({"billing_period": "week"}, "billing_period"),
        (
            {
                "assets": [
                    {"physical_asset_id": ASSET, "covered_from_date": "2026-01-01"},
                    {"physical_asset_id": ASSET, "covered_from_date": "2026-02-01"},
                ]
            },
            f"{ASSET} appears twice on 2026-02-01",
        ),
        (
            {
                "assets": [
                    {
                        "physical_asset_id": ASSET,
                        "covered_from_date": "2026-02-01",
                        "replaces_physical_asset_id": "weller-mc630-1042",
                    }
                ]
            },
            "give it covered_until_date 2026-02-01",
        ),
        (
            {"assets": [{"physical_asset_id": ASSET, "covered_from_date": "2026-2", "covered_until_date": None}]},
            "covered_from_date",
        ),
        (
            {
                "assets": [
                    {
                        "physical_asset_id": ASSET,
                        "covered_from_date": "2026-02-01",
                        "covered_until_date": "2026-02-01",
                    }
                ]
            },
            "put it after covered_from_date",
        ),
    ],
)
def test_dates_that_do_not_follow_each_other_are_refused(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(DocumentError, match=sentence):
        load_contracts(written(tmp_path, a_file() | changes), enterprise=an_enterprise())


def test_an_asset_may_leave_and_come_back(tmp_path: Path) -> None:
    stretches = [("2026-01-01", "2026-03-11"), ("2026-03-20", None)]
    file = a_file() | {
        "billing_period": "quarter",
        "assets": [
            {"physical_asset_id": ASSET, "covered_from_date": since, "covered_until_date": until}
            for since, until in stretches
        ],
    }
    contracts = load_contracts(written(tmp_path, file), enterprise=an_enterprise())
    with a_store(tmp_path, *contracts) as engine, sessions(engine).begin() as session:
        (kept,) = stored_contracts(session)
    assert (kept,) == contracts
    quarter = kept.period_of("2026-Q1")
    days = [each.days for each in kept.stretches(ASSET, quarter.first_date, quarter.following_date)]
    assert (days, quarter.days) == ([69, 12], 90)
    assert kept.period_on(date(2026, 2, 3)) == quarter

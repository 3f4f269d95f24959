"""The published contracts: every kind of event an MES reports, with examples, counter-examples, and names that stay."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from ingest.contracts import Catalogue, Contract
from ingest.contracts.definitions import self_contained
from ingest.contracts.members import members_of
from ingest.mapping import CANONICAL_STATES
from tests.builders.event_contracts import an_event, the_reference_page
from tests.snapshots import GOLDEN, assert_matches_snapshot

CATALOGUE = Catalogue.load()
ENVELOPE = {"event_id", "event_type", "event_at"}


def by_name(contract: Contract) -> str:
    return f"{contract.event_type}.v{contract.version}"


def broken(event: Any, event_type: str | None = None) -> list[tuple[str, str]]:
    return [(each.path, each.rule) for each in CATALOGUE.validate(event, event_type=event_type)]


def test_every_kind_of_event_an_mes_reports_has_a_contract() -> None:
    assert CATALOGUE.event_types == (
        "corrective_action",
        "customer_order",
        "energy_consumption",
        "equipment_failure",
        "equipment_state",
        "labour_allocation",
        "lot_movement",
        "maintenance_order",
        "material_consumption",
        "meter_change",
        "nonconformance",
        "production_count",
        "receipt",
        "shipment",
        "test_result",
        "work_order",
        "work_response",
    )


@pytest.mark.parametrize("contract", CATALOGUE.contracts, ids=by_name)
def test_every_example_keeps_its_contract_and_may_say_more(contract: Contract) -> None:
    assert contract.examples
    for example in contract.examples:
        exact = json.loads(json.dumps(example | {"remark": "welcome"}), parse_float=Decimal)
        assert CATALOGUE.validate(exact) == ()


@pytest.mark.parametrize("contract", CATALOGUE.contracts, ids=by_name)
def test_every_required_member_is_missed_by_its_own_path(contract: Contract) -> None:
    required = set(contract.rules["required"])
    assert required > ENVELOPE
    for member in required:
        event = copy.deepcopy(contract.examples[0])
        event.pop(member)
        assert (f"/{member}", "required") in broken(event, contract.event_type), member


@pytest.mark.parametrize("contract", CATALOGUE.contracts, ids=by_name)
def test_every_member_says_what_it_means_and_what_standards_call_it(contract: Contract) -> None:
    members = list(members_of(contract.rules))
    assert [each.path for each in members if each.path not in {"/event_type", "/event_version"}]
    assert [each.path for each in members if not each.description or not each.term or not each.types] == []
    shown = {path for example in contract.examples for path in example}
    assert {f"/{name}" for name in shown} <= {each.path for each in members}


@pytest.mark.parametrize("contract", CATALOGUE.contracts, ids=by_name)
def test_a_contract_taken_along_needs_no_other_file(contract: Contract) -> None:
    """What `lineshaft contracts show --json` prints works in any validator of draft 2020-12, without ours."""
    from jsonschema import Draft202012Validator
    from referencing import Registry

    document = self_contained(contract.schema)
    Draft202012Validator.check_schema(document)
    validator = Draft202012Validator(document, registry=Registry())
    assert [list(validator.iter_errors(example)) for example in contract.examples] == [[]] * len(contract.examples)
    assert not validator.is_valid(contract.examples[0] | {"event_at": 17})


@pytest.mark.parametrize(
    ("event", "path", "rule"),
    [
        (an_event("customer_order", ordered_quantity="many"), "/ordered_quantity", "type"),
        (an_event("customer_order", ordered_quantity=True), "/ordered_quantity", "type"),
        (an_event("customer_order", ordered_quantity=0), "/ordered_quantity", "exclusiveMinimum"),
        (an_event("customer_order", promised_date="soon"), "/promised_date", "format"),
        (an_event("customer_order", event_at="2026-03-01T00:00:00+01:00"), "/event_at", "pattern"),
        (an_event("work_order", status="planned"), "/status", "enum"),
        (an_event("work_response", actual_end_at=None), "/actual_end_at", "type"),
        (an_event("equipment_state", state="LAUFEND"), "/state", "enum"),
        (an_event("equipment_state", reason_code=17), "/reason_code", "type"),
        (an_event("production_count", rework_quantity=-1), "/rework_quantity", "minimum"),
        (an_event("production_count", is_cumulative="yes"), "/is_cumulative", "type"),
        (an_event("production_count", is_cumulative=False), "/counted_from_at", "required"),
        (an_event("production_count", unit_code="pieces"), "/unit_code", "pattern"),
        (an_event("lot_movement", party_id=None), "/party_id", "type"),
        (an_event("lot_movement", movement="lost"), "/movement", "enum"),
        (an_event("lot_movement", biz_step="despatching"), "/biz_step", "enum"),
        (an_event("lot_movement", disposition="gone"), "/disposition", "enum"),
        (an_event("lot_movement", action="observe"), "/action", "enum"),
        (an_event("material_consumption", quantity=0), "/quantity", "exclusiveMinimum"),
        (an_event("test_result", result="ok"), "/result", "enum"),
        (an_event("nonconformance", disposition=None), "/disposition", "type"),
        (an_event("nonconformance", unit_code=None), "/unit_code", "type"),
        (an_event("nonconformance", severity="bad"), "/severity", "enum"),
        (an_event("corrective_action", is_effective=None), "/is_effective", "type"),
        (an_event("corrective_action", completed_at=None), "/completed_at", "type"),
        (an_event("corrective_action", nonconformance_id=None), "/nonconformance_id", "type"),
        (an_event("maintenance_order", actual_end_at=None), "/actual_end_at", "type"),
        (an_event("equipment_failure", attribution="weather"), "/attribution", "enum"),
        (an_event("labour_allocation", personnel_id=None), "/personnel_id", "type"),
        (an_event("labour_allocation", personnel_id="Erika Mustermann"), "/personnel_id", "pattern"),
        (an_event("labour_allocation", personnel_id="e.mustermann@plant.example"), "/personnel_id", "pattern"),
        (an_event("labour_allocation", person_count=1.5), "/person_count", "type"),
        (an_event("energy_consumption", quantity=-0.1), "/quantity", "minimum"),
        (an_event("energy_consumption", energy_carrier="coffee"), "/energy_carrier", "enum"),
        (an_event("shipment", lines=[]), "/lines", "minItems"),
        (
            an_event("shipment", lines=[{**an_event("shipment")["lines"][0], "quantity": 0}]),
            "/lines/0/quantity",
            "exclusiveMinimum",
        ),
        (an_event("receipt", lines=[*an_event("receipt")["lines"], 5]), "/lines/1", "type"),
        (an_event("meter_change", new_start_value="0"), "/new_start_value", "type"),
    ],
)
def test_a_broken_rule_is_named_with_its_place(event: Any, path: str, rule: str) -> None:
    assert broken(event) == [(path, rule)]


@pytest.mark.parametrize("contract", CATALOGUE.contracts, ids=by_name)
def test_an_event_corrects_or_withdraws_an_earlier_one_by_naming_it(contract: Contract) -> None:
    """A correction is a whole event of its own; it says which one it replaces and whether that one ever happened."""
    event = contract.examples[0] | {"event_id": "ev-2", "known_at": "2026-04-01T08:00:00Z", "source": "mes"}
    for reason in ("incorrect_data", "did_not_occur"):
        assert broken(event | {"corrects": "ev-1", "correction_reason": reason}) == []
    assert broken(event | {"corrects": "ev-1"}) == [("/correction_reason", "dependentRequired")]
    assert broken(event | {"correction_reason": "did_not_occur"}) == [("/corrects", "dependentRequired")]
    assert broken(event | {"corrects": "ev-1", "correction_reason": "typo"}) == [("/correction_reason", "enum")]


def test_an_event_without_a_version_is_of_the_first() -> None:
    event = an_event("meter_change")
    del event["event_version"]
    assert broken(event) == []


def test_states_are_the_words_of_the_site_mapping() -> None:
    assert tuple(CATALOGUE.contract("equipment_state").rules["properties"]["state"]["enum"]) == CANONICAL_STATES


def test_published_contracts_stay_what_they_are() -> None:
    """A line that goes or changes breaks somebody's publisher: that is a new version, in a file of its own.

    A new line is welcome when it is an optional member, a further code or a wider limit.
    """
    found = [line for each in CATALOGUE.contracts for line in _names(each)]
    on_file = (GOLDEN / "event_contracts.txt").read_text(encoding="utf-8").splitlines()
    published = {line.split()[0] for line in on_file}
    assert [
        line for line in set(found) - set(on_file) if line.split()[0] in published and line.split()[2] == "required"
    ] == []
    assert_matches_snapshot(found, "event_contracts.txt")


def test_the_reference_page_is_what_the_contracts_say() -> None:
    """`LINESHAFT_UPDATE_SNAPSHOTS=1` writes the page anew."""
    path, expected = the_reference_page(CATALOGUE)
    assert path.read_text(encoding="utf-8") == expected


def _names(contract: Contract) -> Iterator[str]:
    name = by_name(contract)
    for member in members_of(contract.rules):
        presence = "required" if member.is_required else "optional"
        yield f"{name} {member.path} {presence} {member.types} {member.limits}".rstrip()
    for keyword in ("if", "then", "allOf", "dependentRequired"):
        if keyword in contract.rules:
            yield f"{name} {keyword} {json.dumps(_without_words(contract.rules[keyword]), sort_keys=True)}"


def _without_words(rules: Any) -> Any:
    if isinstance(rules, list):
        return [_without_words(each) for each in rules]
    if not isinstance(rules, dict):
        return rules
    return {key: _without_words(value) for key, value in rules.items() if key not in {"description", "x-term"}}

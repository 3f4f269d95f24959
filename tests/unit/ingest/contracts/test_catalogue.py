"""ingest.contracts.catalogue: which contract an event must keep, and what a deployment may add."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingest.contracts import Catalogue
from ingest.contracts.definitions import DEFINITIONS
from ingest.errors import EventContractError
from tests.builders.event_contracts import a_contract, an_event, write_contract

STROKE = {"event_id": "s1", "event_type": "press_stroke", "event_at": "2026-03-01T00:00:00Z", "force": Decimal("12.5")}


def broken(catalogue: Catalogue, event: Any, event_type: str | None = None) -> list[tuple[str, str]]:
    return [(each.path, each.rule) for each in catalogue.validate(event, event_type=event_type)]


@pytest.mark.parametrize(
    ("event", "path", "rule"),
    [
        (17, "/", "type"),
        (None, "/", "type"),
        ({}, "/event_type", "unknown_event_type"),
        ({"event_type": ["work_order"]}, "/event_type", "unknown_event_type"),
        ({"event_type": "definitions"}, "/event_type", "unknown_event_type"),
        (an_event("meter_change", event_type="party"), "/event_type", "unknown_event_type"),
        (an_event("meter_change", event_version=2), "/event_version", "unknown_event_version"),
        (an_event("meter_change", event_version=Decimal("1.5")), "/event_version", "unknown_event_version"),
        (an_event("meter_change", event_version="1"), "/event_version", "unknown_event_version"),
        (an_event("meter_change", event_version=True), "/event_version", "unknown_event_version"),
        (an_event("meter_change", event_version=[1]), "/event_version", "unknown_event_version"),
    ],
)
def test_an_event_without_a_contract_is_told_what_has_one(event: Any, path: str, rule: str) -> None:
    (violation,) = Catalogue.load().validate(event)
    assert (violation.path, violation.rule) == (path, rule)
    if rule == "unknown_event_type":
        assert "work_order" in violation.message


def test_the_topic_decides_which_contract_holds() -> None:
    assert ("/event_type", "const") in broken(Catalogue.load(), an_event("meter_change"), "customer_order")


def test_a_version_may_be_written_with_a_point() -> None:
    assert broken(Catalogue.load(), an_event("meter_change", event_version=Decimal("1.0"))) == []


def test_a_deployment_adds_an_event_type_of_its_own(tmp_path: Path) -> None:
    write_contract(tmp_path, a_contract())
    catalogue = Catalogue.load(tmp_path)
    assert broken(catalogue, STROKE) == []
    assert broken(catalogue, STROKE | {"force": "much"}) == [("/force", "type")]
    assert catalogue.contract("press_stroke").origin == str(tmp_path / "press_stroke.v1.schema.json")
    assert broken(Catalogue.load(), STROKE) == [("/event_type", "unknown_event_type")]


@pytest.mark.parametrize("member", ["event_id", "event_type", "event_at"])
def test_what_every_event_says_of_itself_is_asked_of_a_deployments_type_too(member: str, tmp_path: Path) -> None:
    write_contract(tmp_path, a_contract())
    event = {name: value for name, value in STROKE.items() if name != member}
    assert broken(Catalogue.load(tmp_path), event, "press_stroke") == [(f"/{member}", "required")]


def test_a_deployment_makes_a_published_contract_stricter_but_never_looser(tmp_path: Path) -> None:
    write_contract(
        tmp_path,
        {"required": ["shift_id"], "properties": {"planned_quantity": {"maximum": 50}}},
        event_type="work_order",
    )
    catalogue = Catalogue.load(tmp_path)
    event = an_event("work_order", planned_quantity=51, status="planned")
    assert broken(catalogue, event) == [
        ("/planned_quantity", "maximum"),
        ("/shift_id", "required"),
        ("/status", "enum"),
    ]
    assert broken(catalogue, an_event("work_order", planned_quantity=50, shift_id="early")) == []


def test_versions_stand_side_by_side(tmp_path: Path) -> None:
    write_contract(
        tmp_path,
        {"$ref": f"{DEFINITIONS}#/$defs/envelope", "required": ["press_id"]},
        event_type="work_order",
        version=2,
    )
    catalogue = Catalogue.load(tmp_path)
    assert catalogue.versions("work_order") == (1, 2)
    assert broken(catalogue, an_event("work_order")) == []
    second = {"event_id": "w", "event_type": "work_order", "event_version": 2, "event_at": "2026-03-01T00:00:00Z"}
    assert broken(catalogue, second) == [("/press_id", "required")]
    assert broken(catalogue, second | {"event_version": 3}) == [("/event_version", "unknown_event_version")]
    assert catalogue.contract("work_order").version == 2


def test_a_contract_may_use_the_shared_definitions_and_its_own(tmp_path: Path) -> None:
    properties = {
        "pressed_at": {"$ref": f"{DEFINITIONS}#/$defs/instant", "description": "When it closed."},
        "tool": {"$ref": "#/$defs/tool"},
    }
    own = {"tool": {"type": "object", "properties": {"life": {"$ref": f"{DEFINITIONS}#/$defs/quantity"}}}}
    write_contract(tmp_path, a_contract(properties=properties, required=[], **{"$defs": own}))
    event = STROKE | {"pressed_at": "2026-03-01", "tool": {"life": -1}}
    found = broken(Catalogue.load(tmp_path), event)
    assert found == [("/pressed_at", "format"), ("/pressed_at", "pattern"), ("/tool/life", "minimum")]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("stroke.schema.json", "{}", "name it <event_type>.v<version>.schema.json"),
        ("Stroke.v1.schema.json", "{}", "name it"),
        ("s.v1.schema.json", "{", "this is no readable JSON"),
        ("s.v1.schema.json", "[]", "write a JSON object"),
        ("s.v1.schema.json", '{"type": "objekt"}', "/type"),
        ("s.v1.schema.json", '{"$ref": "https://example.org/s.json"}', "leads nowhere"),
        ("s.v1.schema.json", '{"$ref": "other.v1.schema.json#/$defs/x"}', "leads nowhere"),
        ("s.v1.schema.json", f'{{"$ref": "{DEFINITIONS}#/$defs/weight"}}', "leads nowhere"),
        ("s.v1.schema.json", '{"$ref": "#/$defs/x"}', "it cannot be followed"),
        ("s.v1.schema.json", '{"properties": {"a": {"pattern": "("}}}', "/properties/a/pattern"),
        ("s.v1.schema.json", f'{{"$ref": "{DEFINITIONS}#/$defs/quantity", "minimum": 3}}', "'minimum' stands beside"),
        ("s.v1.schema.json", '{"examples": [{"event_id": "e"}]}', "example 1 breaks it: /event_at: required"),
    ],
)
def test_a_contract_that_cannot_be_used_is_refused_with_its_file(
    name: str, text: str, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(EventContractError, match=f"{name}.*{sentence}".replace("(", r"\(")):
        Catalogue.load(tmp_path)


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EventContractError, match="nowhere"):
        Catalogue.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("event_type", "version", "sentence"),
    [("party", None, "'party' has no contract; known are corrective_action"), ("work_order", 7, "no version 7")],
)
def test_asking_for_a_contract_that_is_not_there_lists_those_that_are(
    event_type: str, version: int | None, sentence: str
) -> None:
    with pytest.raises(EventContractError, match=sentence):
        Catalogue.load().contract(event_type, version)


def test_a_collector_without_an_mes_never_loads_the_validator() -> None:
    code = "import sys, ingest.contracts as c; c.Catalogue.load(); sys.exit('jsonschema' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

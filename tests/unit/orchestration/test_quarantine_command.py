"""`lineshaft quarantine` and `lineshaft contracts`: from a refused event to a landed one, as a person does it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ingest.site import Site
from orchestration.cli import app
from orchestration.settings import load_deployment
from tests.builders.event_contracts import a_contract, an_event, write_contract
from tests.builders.quarantine import an_event_arrival, land, landed
from tests.builders.sparkplug import a_metric, an_arrival, device_data

STROKE = {"event_id": "s1", "event_type": "press_stroke", "event_at": "2026-03-01T00:00:00Z", "force": 12.5}
ESCAPE = "\x1b[31m"


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Path]:
    """A deployment of one's own and an empty home."""
    before = dict(os.environ)
    os.environ.update(LINESHAFT_HOME=str(tmp_path / "home"), LINESHAFT_DEPLOYMENT=str(tmp_path / "plant"))
    assert run("init", str(tmp_path / "plant")).exit_code == 0
    (tmp_path / "home").mkdir()
    yield tmp_path / "plant"
    os.environ.clear()
    os.environ.update(before)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), catch_exceptions=False)


def site(site_id: str = "monterrey") -> Site:
    found: Site = load_deployment().site(site_id)
    return found


def home() -> Path:
    return load_deployment().home


def refuse(*, second: int = 0, **changes: object) -> None:
    """One event of a type without a contract, landed in quarantine."""
    land(home(), site(), an_event_arrival(STROKE | changes, event_type="press_stroke", second=second))


def test_an_event_without_a_contract_comes_back_once_its_contract_stands_in_the_deployment(plant: Path) -> None:
    refuse()
    listed = run("quarantine", "list").output
    assert "contract_violation" in listed
    assert "press_stroke" in listed
    (message,) = json.loads(run("quarantine", "list", "--json").output)["messages"]
    assert [each["rule"] for each in message["violations"]] == ["unknown_event_type"]

    shown = run("quarantine", "show", message["message_id"][:8]).output
    assert "meridian/monterrey/_event/press_stroke" in shown
    assert '"force": 12.5' in shown
    assert "add a contract of your own" in shown

    again = run("quarantine", "replay", "--all")
    assert again.exit_code == 1
    assert "still unreadable 1" in again.output

    write_contract(plant / "events", a_contract())
    tried = run("quarantine", "replay", "--all", "--dry-run")
    assert (tried.exit_code, tried.output) == (0, "Would land 1, still unreadable 0.\n")
    done = run("quarantine", "replay", message["message_id"][:8])
    assert done.exit_code == 0
    assert "Landed 1, still unreadable 0." in done.output
    assert "lineshaft build" in done.output
    assert run("quarantine", "list").output == "The quarantine is empty.\n"
    assert "by a replay" in run("quarantine", "show", message["message_id"]).output
    assert [row["message_id"] for row in landed(home(), "events")] == [message["message_id"]]
    assert "Landed 0" in run("quarantine", "replay", "--all").output


def test_every_broken_rule_of_an_event_is_shown(plant: Path) -> None:
    broken = an_event("work_response", status="fertig", good_quantity="viele", actual_end_at=None)
    del broken["scrap_quantity"]
    land(home(), site(), an_event_arrival(broken, event_type="work_response"))
    (message,) = json.loads(run("quarantine", "list", "--json").output)["messages"]
    assert [(each["path"], each["rule"]) for each in message["violations"]] == [
        ("/good_quantity", "type"),
        ("/scrap_quantity", "required"),
        ("/status", "enum"),
    ]
    shown = run("quarantine", "show", message["message_id"]).output
    assert 'must be number, not "viele"' in shown
    assert "/scrap_quantity" in shown


def test_a_long_list_is_cut_and_says_how_to_narrow_it(plant: Path) -> None:
    arrivals = [an_event_arrival(STROKE | {"event_id": f"s{n}"}, event_type="press_stroke", second=n) for n in range(7)]
    land(home(), site(), *arrivals, an_arrival("meridian/monterrey/a/b", "{"))
    cut = run("quarantine", "list", "--limit", "3").output
    assert "and 5 more: narrow with --site, --reason or --since, or raise --limit." in cut
    document = json.loads(run("quarantine", "list", "--json").output)
    assert len(document["messages"]) == 8
    assert [(each["reason"], each["message_count"]) for each in document["counts"]] == [
        ("contract_violation", 7),
        ("malformed_json", 1),
    ]
    assert len(json.loads(run("quarantine", "list", "--reason", "malformed_json", "--json").output)["messages"]) == 1
    assert len(json.loads(run("quarantine", "list", "--site", "pune", "--json").output)["messages"]) == 0
    since = ("--since", "2026-03-01T00:01:05")
    assert len(json.loads(run("quarantine", "list", *since, "--json").output)["messages"]) == 2
    assert run("quarantine", "list", "--site", "pune").output == "No quarantined message matches.\n"


def test_a_sparkplug_payload_is_shown_as_text_and_other_bytes_in_hexadecimal(plant: Path) -> None:
    data = device_data([a_metric(value=-5, alias=7)])
    torn = data._replace(payload=b"\xff\xfe")
    land(home(), site("hamburg"), data, torn)
    for message in json.loads(run("quarantine", "list", "--json").output)["messages"]:
        shown = run("quarantine", "show", message["message_id"])
        as_json = json.loads(run("quarantine", "show", message["message_id"], "--json").output)
        if message["reason"] == "unknown_alias":
            assert "alias: 7" in shown.output
            assert "rebirth" in as_json["advice"]
            assert bytes.fromhex(as_json["payload"]) == data.payload
        else:
            assert "ff fe" in shown.output


def test_what_comes_from_the_wire_does_not_speak_to_the_terminal(plant: Path) -> None:
    """Neither by control characters nor by what rich would take for a style."""
    land(
        home(),
        site(),
        an_arrival(f"meridian/monterrey/_event/x[/bold]{ESCAPE}", '{"a": "[/red]\x7f", "b": 1.10}'),
        an_arrival("meridian/monterrey/a/b", f"no JSON {ESCAPE}"),
    )
    messages = json.loads(run("quarantine", "list", "--json").output)["messages"]
    shown = [run("quarantine", "show", each["message_id"]).output for each in messages]
    outputs = [run("quarantine", "list").output, *shown]
    assert all("\x1b" not in output for output in outputs)
    assert any("[/bold]" in output for output in outputs)
    assert any('"b": 1.10' in output for output in outputs)


def test_a_contract_is_shown_taken_along_and_checked_before_anything_is_published(plant: Path) -> None:
    assert "Production count" in run("contracts", "list").output
    assert {each["event_type"] for each in json.loads(run("contracts", "list", "--json").output)} >= {"shipment"}
    assert "/rework_quantity" in run("contracts", "show", "production_count").output
    schema = json.loads(run("contracts", "show", "production_count", "--json").output)
    assert schema["$id"] == "urn:lineshaft:contract:production_count:v1"
    assert "definitions" in schema["$defs"]

    event = plant / "event.json"
    event.write_text(run("contracts", "show", "production_count", "--example").output, encoding="utf-8")
    assert run("contracts", "check", str(event)).output == "1 event keeps its contract.\n"
    lines = [json.dumps(an_event("receipt")), json.dumps(an_event("receipt", lines=[]))]
    event.write_text("\n".join(lines), encoding="utf-8")
    checked = run("contracts", "check", str(event))
    assert checked.exit_code == 1
    assert "/lines" in checked.output
    found = json.loads(run("contracts", "check", str(event), "--json").output)
    assert found == {
        "event_count": 2,
        "violations": [
            {"event": 2, "path": "/lines", "rule": "minItems", "message": "must have at least 1 items, not 0"}
        ],
    }


def test_contracts_of_the_deployment_are_listed_with_their_file(plant: Path) -> None:
    path = write_contract(plant / "events", a_contract())
    origins = {each["event_type"]: each["origin"] for each in json.loads(run("contracts", "list", "--json").output)}
    assert origins["press_stroke"] == str(path.resolve())
    assert origins["work_order"] == "lineshaft"
    assert "A press closed once." in run("contracts", "show", "press_stroke").output


def test_a_site_may_keep_stricter_contracts_than_the_others(plant: Path) -> None:
    stricter = plant / "events_of_pune"
    write_contract(stricter, {"required": ["shift_id"]}, event_type="work_order")
    configuration = plant / "lineshaft.yaml"
    text = configuration.read_text(encoding="utf-8")
    configuration.write_text(
        text.replace("mapping: mapping/pune.yaml", "mapping: mapping/pune.yaml\n    events: events_of_pune"),
        encoding="utf-8",
    )
    event = plant / "event.json"
    event.write_text(json.dumps(an_event("work_order")), encoding="utf-8")
    assert run("contracts", "check", str(event), "--site", "pune").exit_code == 1
    assert run("contracts", "check", str(event), "--site", "hamburg").exit_code == 0


def test_the_doctor_names_a_contract_that_cannot_be_used(plant: Path) -> None:
    write_contract(plant / "events", {"type": "objekt"})
    result = run("doctor", "--offline", "--json")
    assert result.exit_code == 1
    wrong = [each["detail"] for each in json.loads(result.output) if each["state"] == "wrong"]
    assert len(wrong) == 3
    assert all("press_stroke.v1.schema.json: this is no JSON Schema" in detail for detail in wrong)

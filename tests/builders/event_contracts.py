"""Events that keep their contracts, contracts that a deployment adds, and the reference page made from contracts."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ingest.contracts import Catalogue, Contract
from ingest.contracts.definitions import definitions, in_place
from ingest.contracts.members import Member, members_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "event_contracts.md"
BEGIN = (
    "<!-- made from the schemas; to write it anew: LINESHAFT_UPDATE_SNAPSHOTS=1 pytest tests/unit/ingest/contracts -->"
)


def an_event(event_type: str, /, **changes: Any) -> dict[str, Any]:
    """The first example of a published contract."""
    return copy.deepcopy(Catalogue.load().contract(event_type).examples[0]) | changes


def a_contract(event_type: str = "press_stroke", *, version: int = 1, **changes: Any) -> dict[str, Any]:
    """A contract as a deployment would write it."""
    example = {"event_id": "s1", "event_type": event_type, "event_version": version, "event_at": "2026-03-01T00:00:00Z"}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Press stroke",
        "description": "A press closed once.",
        "type": "object",
        "properties": {"force": {"type": "number", "minimum": 0}},
        "required": ["force"],
        "examples": [{**example, "force": 12.5}],
    }
    return schema | changes


def write_contract(
    directory: Path, schema: dict[str, Any], *, event_type: str = "press_stroke", version: int = 1
) -> Path:
    """Put a contract where a deployment keeps its own."""
    directory.mkdir(exist_ok=True)
    path = directory / f"{event_type}.v{version}.schema.json"
    path.write_text(json.dumps(schema), encoding="utf-8")
    return path


class ReferencePage(NamedTuple):
    """Where the page lies and what it must say."""

    path: Path
    text: str


def the_reference_page(catalogue: Catalogue) -> ReferencePage:
    """The page with its written part kept and its tables made anew."""
    written = PAGE.read_text(encoding="utf-8").partition(BEGIN)[0]
    text = f"{written}{BEGIN}\n\n" + "\n".join(_tables(catalogue))
    if os.environ.get("LINESHAFT_UPDATE_SNAPSHOTS"):
        PAGE.write_text(text, encoding="utf-8")
    return ReferencePage(PAGE, text)


def _tables(catalogue: Catalogue) -> Iterator[str]:
    envelope = in_place({"$ref": f"{definitions()['$id']}#/$defs/envelope"})
    yield "## Every event\n"
    yield from _table(members_of(envelope))
    common = {each.path for each in members_of(envelope)}
    for contract in catalogue.contracts:
        yield from _section(contract, common)


def _section(contract: Contract, common: set[str]) -> Iterator[str]:
    yield f"## {contract.title}\n"
    yield f"`{contract.event_type}`, version {contract.version}. {contract.schema['description']}\n"
    yield from _table(each for each in members_of(contract.rules) if each.path not in common)
    yield from _conditions(contract.rules)
    yield "```json"
    yield json.dumps(contract.examples[0], indent=2, ensure_ascii=False)
    yield "```\n"


def _table(members: Iterator[Member]) -> Iterator[str]:
    yield "| Member | Required | Type | Values | Meaning | In the standards |"
    yield "|---|---|---|---|---|---|"
    for each in members:
        cells = (f"`{each.path[1:]}`", each.presence, each.types, each.limits, each.description, each.term)
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("^", "\\^") for cell in cells) + " |"
    yield ""


def _conditions(rules: dict[str, Any]) -> Iterator[str]:
    found = [rules, *rules.get("allOf", [])]
    lines = [_condition(each) for each in found if "if" in each]
    if lines:
        yield "\n".join(lines) + "\n"


def _condition(rule: dict[str, Any]) -> str:
    (name, wanted), *_ = rule["if"]["properties"].items()
    if "const" in wanted:
        case = f"`{name}` is {str(wanted['const']).lower()}"
    elif "enum" in wanted:
        case = f"`{name}` is {' or '.join(wanted['enum'])}"
    else:
        case = f"`{name}` is {'null or left out' if wanted['type'] == 'null' else 'a number'}"
    needed = ", ".join(f"`{each}`" for each in rule["then"]["properties"])
    return f"- Where {case}, {needed} must not be null."

"""The definitions that contracts share, put in the place of the references to them.

Belongs here: `definitions.v1.schema.json` and resolving references to it. Does not belong here: validating (checker).

jsonschema looks a reference up each time it meets one: an event took 0.5 to 0.65 ms that way and takes 0.05 to 0.18 ms
with the definitions in place (2 busy cores). So they are put in place once, when a contract is compiled.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

DEFINITIONS = "urn:lineshaft:contract:definitions:v1"
DEFINITIONS_FILE = "definitions.v1.schema.json"
TERM = "x-term"
"""The keyword under which a member names its counterpart in B2MML, EPCIS or another standard."""

_ANNOTATIONS = frozenset({"title", "description", "examples", "$comment", TERM})


@cache
def definitions() -> dict[str, Any]:
    """The shared definitions, as published."""
    text = resources.files(__package__).joinpath(DEFINITIONS_FILE).read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def in_place(schema: Any) -> Any:
    """The same schema with every reference to a shared definition replaced by what it says.

    Raises ValueError for a reference that leads elsewhere than into the schema itself or the definitions, and for a
    keyword that stands both beside a reference and in what it refers to: either would have to win.
    """
    return _resolved(schema, is_shared=False)


def self_contained(schema: dict[str, Any]) -> dict[str, Any]:
    """A contract that needs no other file: the definitions travel in it as an embedded resource (2020-12, 9.3)."""
    return {**schema, "$defs": {**schema.get("$defs", {}), "definitions": definitions()}}


def _resolved(schema: Any, *, is_shared: bool) -> Any:
    if isinstance(schema, list):
        return [_resolved(each, is_shared=is_shared) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: value if key in {"const", "enum", "examples"} else _resolved(value, is_shared=is_shared)
        for key, value in schema.items()
    }
    reference = found.get("$ref")
    if not isinstance(reference, str):
        return found
    home, _, name = reference.partition("#/$defs/")
    if (home == DEFINITIONS or (is_shared and not home)) and name in definitions()["$defs"]:
        del found["$ref"]
        return _merged(_resolved(definitions()["$defs"][name], is_shared=True), found)
    if reference.startswith("#") and not is_shared:
        return found
    raise ValueError(f"the reference {reference!r} leads nowhere: use {DEFINITIONS}#/$defs/… or $defs of its own")


def _merged(shared: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = {**shared, **own}
    for key in shared.keys() & own.keys():
        if key == "properties":
            both = shared[key].keys() & own[key].keys()
            merged[key] = {**shared[key], **own[key]} | {
                name: _merged(shared[key][name], own[key][name]) for name in both
            }
        elif key == "required":
            merged[key] = list(dict.fromkeys([*shared[key], *own[key]]))
        elif key not in _ANNOTATIONS and shared[key] != own[key]:
            raise ValueError(f"{key!r} stands beside a reference to a definition that has its own")
    return merged

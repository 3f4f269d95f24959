"""The members of a contract as rows: what a table shows and what must not change within a version.

Belongs here: walking a schema's properties. Does not belong here: how a table is printed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest.contracts.definitions import TERM

_LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "format": "{}",
}
_PATTERNS = {"Z$": "ends in Z"}


@dataclass(frozen=True, kw_only=True)
class Member:
    """One member: `/lines/*/quantity` is a member of every item of `lines`."""

    path: str
    is_required: bool
    types: str
    limits: str
    description: str
    term: str

    @property
    def presence(self) -> str:
        """`yes` for a required member, else empty."""
        return "yes" if self.is_required else ""


def members_of(rules: dict[str, Any], *, within: str = "") -> Iterator[Member]:
    """The members that a schema with its definitions in place describes, in its order, those of items included."""
    required = set(rules.get("required", ()))
    for name, schema in rules.get("properties", {}).items():
        path = f"{within}/{name}"
        yield Member(
            path=path,
            is_required=name in required,
            types=_types(schema),
            limits="; ".join(_limits(schema)),
            description=schema.get("description", ""),
            term=schema.get(TERM, ""),
        )
        items = schema.get("items")
        if isinstance(items, dict):
            yield from members_of(items, within=f"{path}/*")
        yield from members_of(schema, within=path)


def _types(schema: dict[str, Any]) -> str:
    stated = schema.get("type")
    if stated is None:
        values = schema.get("enum", [schema["const"]] if "const" in schema else [])
        stated = sorted({_JSON_TYPES.get(type(value), "number") for value in values})
    return " or ".join([stated] if isinstance(stated, str) else stated)


def _limits(schema: dict[str, Any]) -> Iterator[str]:
    if "const" in schema:
        yield _text(schema["const"])
    if "enum" in schema:
        yield ", ".join(_text(value) for value in schema["enum"] if value is not None)
    for keyword, form in _LIMITS.items():
        if keyword in schema:
            yield form.format(schema[keyword])
    for kind, unit in (("Length", "characters"), ("Items", "items")):
        least, most = schema.get(f"min{kind}"), schema.get(f"max{kind}")
        if least is not None or most is not None:
            yield f"{least or 0} to {'any number of' if most is None else most} {unit}"
    if "pattern" in schema:
        yield _PATTERNS.get(schema["pattern"], f"matches {schema['pattern']}")


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


_JSON_TYPES: dict[type, str] = {
    str: "string",
    bool: "boolean",
    type(None): "null",
    dict: "object",
    list: "array",
    int: "integer",
}

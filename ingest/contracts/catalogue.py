"""The contracts that hold at a site: the published ones, and those a deployment adds.

Belongs here: reading contract files, choosing the contract of an event, and what a deployment may change.
Does not belong here: the schemas' rules themselves (the *.schema.json files), validating (checker).

A deployment plugs in components of its own with a directory of `<event_type>.v<version>.schema.json`. A new type or
version stands beside the published ones. A file for a published type and version makes that contract stricter: an
event must then keep both, because the warehouse counts on the published one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from ingest.contracts.checker import Check, compiled, fault_of
from ingest.contracts.definitions import DEFINITIONS, DEFINITIONS_FILE, in_place
from ingest.contracts.violation import Violation
from ingest.errors import EventContractError

FIRST_VERSION = 1
"""What an event means that states no version."""

PUBLISHED_BY = "lineshaft"

_SUFFIX = ".schema.json"
_NAME = re.compile(r"([a-z][a-z0-9_]{0,63})\.v([1-9][0-9]{0,3})\.schema\.json")


class ContractKey(NamedTuple):
    """What names a contract."""

    event_type: str
    version: int


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One event type in one version. `schema` is its file; `stricter` what a deployment asks beyond it."""

    event_type: str
    version: int
    schema: dict[str, Any] = field(repr=False)
    origin: str = PUBLISHED_BY
    stricter: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    @property
    def title(self) -> str:
        """The contract's name for people."""
        return str(self.schema.get("title", self.event_type))

    @property
    def examples(self) -> tuple[dict[str, Any], ...]:
        """Events that keep the contract."""
        return tuple(self.schema.get("examples", ()))

    @property
    def rules(self) -> dict[str, Any]:
        """The schema with the shared definitions in place."""
        rules: dict[str, Any] = in_place(self.schema)
        return rules

    def violations(self, event: object) -> tuple[Violation, ...]:
        """Every rule an event breaks, by path; none when it keeps its contract."""
        found = {(each.path, each.rule): each for check in self._checks for each in check(event)}
        return tuple(found[key] for key in sorted(found))

    @cached_property
    def _checks(self) -> tuple[Check, ...]:
        schemas = [self.schema, *self.stricter]
        if self.origin != PUBLISHED_BY:  # a deployment's file need not repeat what every event says of itself
            schemas.insert(0, _envelope(self.event_type, self.version))
        return tuple(compiled(in_place(schema)) for schema in schemas)


class Catalogue:
    """The contracts by event type and version."""

    def __init__(self, contracts: Iterable[Contract]) -> None:
        self._contracts: Mapping[ContractKey, Contract] = MappingProxyType(
            {ContractKey(each.event_type, each.version): each for each in contracts}
        )
        self.event_types = tuple(sorted({key.event_type for key in self._contracts}))

    @classmethod
    def load(cls, directory: Path | None = None) -> Catalogue:
        """The published contracts and, where a directory is given, those it adds or makes stricter.

        Raises EventContractError naming the file that cannot be used and what to mend in it.
        """
        if directory is None:
            return _published()
        contracts = dict(_published()._contracts)
        for path in _contract_files(directory):
            key, schema = _read(path)
            known = contracts.get(key)
            if known is None:
                found = Contract(event_type=key.event_type, version=key.version, schema=schema, origin=str(path))
            else:
                found = Contract(
                    event_type=key.event_type, version=key.version, schema=known.schema, stricter=(schema,)
                )
            _prove_examples(found, schema, path=path)
            contracts[key] = found
        return cls(contracts.values())

    @property
    def contracts(self) -> tuple[Contract, ...]:
        """Every contract, by event type and version."""
        return tuple(self._contracts[key] for key in sorted(self._contracts))

    def versions(self, event_type: str) -> tuple[int, ...]:
        """The versions of an event type, oldest first; none for an unknown type."""
        return tuple(sorted(key.version for key in self._contracts if key.event_type == event_type))

    def contract(self, event_type: str, version: int | None = None) -> Contract:
        """One contract, the newest version by default.

        Raises EventContractError for a type or version without a contract; the message lists the known ones.
        """
        versions = self.versions(event_type)
        if not versions:
            raise EventContractError(
                f"event type {event_type!r} has no contract; known are {', '.join(self.event_types)}"
            )
        if version is not None and version not in versions:
            raise EventContractError(
                f"{event_type} has no version {version}; known are {', '.join(map(str, versions))}"
            )
        return self._contracts[ContractKey(event_type, version if version is not None else versions[-1])]

    def validate(self, event: object, *, event_type: str | None = None) -> tuple[Violation, ...]:
        """Every rule an event breaks, none when it keeps its contract.

        `event_type` is what the topic says; by default what the event says of itself. An event that states no
        version is of version 1. Numbers may be Decimal.
        """
        if not isinstance(event, dict):
            return (Violation(path="/", rule="type", message="an event is a JSON object"),)
        stated = event_type if event_type is not None else event.get("event_type")
        if not isinstance(stated, str) or stated not in self.event_types:
            message = (
                f"{str(stated)[:80]!r} has no contract: publish one of {', '.join(self.event_types)}, "
                "or add a contract for it to the deployment"
            )
            return (Violation(path="/event_type", rule="unknown_event_type", message=message),)
        version = event.get("event_version", FIRST_VERSION)
        contract = self._contracts.get(ContractKey(stated, version)) if _is_version(version) else None
        if contract is None:
            known = ", ".join(map(str, self.versions(stated)))
            message = f"version {str(version)[:80]!r} of {stated} has no contract: publish version {known}"
            return (Violation(path="/event_version", rule="unknown_event_version", message=message),)
        return contract.violations(event)


@cache
def _published() -> Catalogue:
    files = [each for each in resources.files(__package__).iterdir() if each.name.endswith(_SUFFIX)]
    return Catalogue(
        Contract(event_type=match[1], version=int(match[2]), schema=json.loads(each.read_text(encoding="utf-8")))
        for each in files
        if each.name != DEFINITIONS_FILE and (match := _NAME.fullmatch(each.name))
    )


def _contract_files(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.suffix == ".json")
    except OSError as error:
        raise EventContractError(f"cannot be read: {error.strerror or error}", path=directory) from error


def _read(path: Path) -> tuple[ContractKey, dict[str, Any]]:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise EventContractError("name it <event_type>.v<version>.schema.json, as in press_stroke.v1", path=path)
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise EventContractError(f"this is no readable JSON: {error}", path=path) from error
    fault = fault_of(schema) if isinstance(schema, dict) else "write a JSON object"
    if fault is not None:
        raise EventContractError(f"this is no JSON Schema of draft 2020-12: {fault}", path=path)
    try:
        in_place(schema)
    except (ValueError, RecursionError) as error:
        raise EventContractError(str(error), path=path) from error
    return ContractKey(match[1], int(match[2])), schema


def _prove_examples(contract: Contract, schema: dict[str, Any], *, path: Path) -> None:
    """An example that breaks its contract misleads whoever copies it; trying them also follows every reference."""
    for number, example in enumerate([{}, *schema.get("examples", ())]):
        try:
            violations = contract.violations(example)
        except Exception as error:
            raise EventContractError(f"it cannot be followed: {error}", path=path) from error
        if number and violations:
            raise EventContractError(f"example {number} breaks it: {violations[0]}", path=path)


def _envelope(event_type: str, version: int) -> dict[str, Any]:
    return {
        "$ref": f"{DEFINITIONS}#/$defs/envelope",
        "properties": {"event_type": {"const": event_type}, "event_version": {"const": version}},
    }


def _is_version(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)

"""What an MES component must publish to plug in: one JSON Schema (draft 2020-12) per event type and version.

Belongs here: the schemas and the check against them. Does not belong here: what becomes of a broken event (collector).

Members beyond the contract are welcome; a missing or mistyped one is named by its path and the rule it breaks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, TypeChecker

EVENT_TYPES = (
    "customer_order",
    "work_order",
    "work_response",
    "lot_movement",
    "test_result",
    "maintenance_order",
    "equipment_failure",
    "meter_change",
)


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One broken rule: where (`/actual_end_at`), which (`type`) and what that means."""

    path: str
    rule: str
    message: str


def validate(event: object, *, event_type: str | None = None) -> tuple[Violation, ...]:
    """Every rule an event breaks, none when it keeps its contract.

    `event_type` is what the topic says; by default what the event says of itself. Numbers may be Decimal.
    """
    if not isinstance(event, dict):
        return (Violation(path="/", rule="type", message="an event is a JSON object"),)
    stated = event_type if event_type is not None else event.get("event_type")
    if stated not in EVENT_TYPES:
        message = f"event type {stated!r} has no contract: use one of {', '.join(EVENT_TYPES)}"
        return (Violation(path="/event_type", rule="unknown_event_type", message=message),)
    version = event.get("event_version")
    if version is not None and version != 1:
        message = f"version {version!r} of {stated} has no contract: publish version 1"
        return (Violation(path="/event_version", rule="unknown_event_version", message=message),)
    return tuple(
        Violation(
            path="/" + "/".join(str(part) for part in error.absolute_path),
            rule=str(error.validator),
            message=error.message[:300],
        )
        for error in sorted(_validator(str(stated)).iter_errors(event), key=lambda error: list(error.absolute_path))
    )


def schema(event_type: str) -> dict[str, Any]:
    """The published contract of one event type."""
    text = resources.files(__package__).joinpath(f"{event_type}.v1.schema.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


@cache
def _validator(event_type: str) -> Any:
    contract = schema(event_type)
    Draft202012Validator.check_schema(contract)
    exact = Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number)
    return _exact_validator(exact)(contract, format_checker=_formats())


@cache
def _exact_validator(types: TypeChecker) -> Any:
    from jsonschema import validators

    return validators.extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]


@cache
def _formats() -> FormatChecker:
    from datetime import date, datetime

    formats = FormatChecker(formats=())

    @formats.checks("date-time", raises=ValueError)
    def _is_date_time(value: object) -> bool:
        return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None

    @formats.checks("date", raises=ValueError)
    def _is_date(value: object) -> bool:
        return not isinstance(value, str) or bool(date.fromisoformat(value))

    return formats


def _is_number(_checker: TypeChecker, value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)

"""Events against schemas: the one place that knows the jsonschema library.

Belongs here: how a schema is compiled, what numbers and times mean, and a broken rule in plain words.
Does not belong here: which schema an event must keep (catalogue).

Numbers may be Decimal, so that what was parsed exactly is checked exactly. The library is imported when the first
event comes: a collector of a plant without an MES starts without it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from ingest.contracts.violation import Violation, pointer

MOST_SOUGHT = 200
"""Violations after which an event is not read further."""

_LONGEST_SHOWN = 80
_LONGEST_SENTENCE = 300

Check = Callable[[object], list[Violation]]


def compiled(schema: dict[str, Any]) -> Check:
    """A check of one schema; the schema is known to be sound (`fault_of`)."""
    from referencing import Registry

    # an explicit, empty registry: the library's own would fetch an unknown reference from the network
    validator = _validator_class()(schema, registry=Registry(), format_checker=_formats())

    def check(event: object) -> list[Violation]:
        found: list[Violation] = []
        for error in validator.iter_errors(event):
            found.append(
                Violation(path=pointer(error.absolute_path), rule=str(error.validator), message=_sentence(error))
            )
            if len(found) >= MOST_SOUGHT:
                break
        return found

    return check


def fault_of(schema: object) -> str | None:
    """Why a document is no JSON Schema of draft 2020-12, in one sentence; None when it is one."""
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)  # type: ignore[arg-type]
    except SchemaError as error:
        return f"{pointer(error.absolute_path)}: {error.message[:200]}"
    return None


def _validator_class() -> Any:
    from jsonschema import Draft202012Validator, validators

    types = Draft202012Validator.TYPE_CHECKER.redefine_many({"number": _is_number, "integer": _is_integer})
    rules = {
        "required": _required,
        "dependentRequired": _dependent_required,
        "properties": _Properties(),
        "if": _If(),
    }
    return validators.extend(Draft202012Validator, validators=rules, type_checker=types)  # type: ignore[no-untyped-call]


def _required(_validator: Any, required: list[str], instance: object, _schema: object) -> Iterator[Any]:
    """As the library's, but the path leads to the missing member instead of the object that lacks it."""
    from jsonschema import ValidationError

    if isinstance(instance, dict):
        for name in required:
            if name not in instance:
                yield ValidationError("is missing", path=[name])


def _dependent_required(
    _validator: Any, dependents: dict[str, list[str]], instance: object, _schema: object
) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(instance, dict):
        for name, needed in dependents.items():
            for missing in (each for each in needed if name in instance and each not in instance):
                yield ValidationError(f"is missing beside {name}", path=[missing])


class _Parts:
    """Validators of a schema's parts, made once: the library makes one anew for each member of each event.

    That was two thirds of the time an event took.
    """

    def __init__(self) -> None:
        self._known: dict[int, Any] = {}

    def part(self, validator: Any, schema: Any) -> Any:
        found = self._known.get(id(schema))
        if found is None:
            found = self._known[id(schema)] = validator.evolve(schema=schema)
        return found


class _Properties(_Parts):
    """As the library's `properties`."""

    def __call__(self, validator: Any, properties: dict[str, Any], instance: object, _schema: object) -> Iterator[Any]:
        if isinstance(instance, dict):
            for name, schema in properties.items():
                if name in instance:
                    for error in self.part(validator, schema).iter_errors(instance[name]):
                        error.path.appendleft(name)
                        yield error


class _If(_Parts):
    """As the library's `if`."""

    def __call__(self, validator: Any, condition: Any, instance: object, schema: dict[str, Any]) -> Iterator[Any]:
        holds = next(self.part(validator, condition).iter_errors(instance), None) is None
        branch = schema.get("then" if holds else "else", True)
        yield from self.part(validator, branch).iter_errors(instance)


@cache
def _formats() -> Any:
    from jsonschema import FormatChecker

    formats = FormatChecker(formats=())

    @formats.checks("date-time", raises=ValueError)
    def _is_date_time(value: object) -> bool:
        return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None

    @formats.checks("date", raises=ValueError)
    def _is_date(value: object) -> bool:
        return not isinstance(value, str) or bool(date.fromisoformat(value))

    return formats


def _is_number(_checker: object, value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _is_integer(checker: object, value: object) -> bool:
    if isinstance(value, Decimal):
        return value == value.to_integral_value()  # int() would write out every digit of 1e999999
    return _is_number(checker, value) and (isinstance(value, int) or float(value).is_integer())  # type: ignore[arg-type]


def _sentence(error: Any) -> str:
    """What is wrong, without the library's reprs: whoever reads it may never have seen Python."""
    say = _SENTENCES.get(error.validator)
    if say is not None:
        return say(error.validator_value, error.instance)
    message: str = error.message
    return " ".join(message[:_LONGEST_SENTENCE].split())


def _wrong_type(wanted: Any, instance: object) -> str:
    names = [wanted] if isinstance(wanted, str) else wanted
    return f"must be {' or '.join(names)}, not {_shown(instance)}"


def _wrong_code(wanted: Any, instance: object) -> str:
    return f"is {_shown(instance)}; use one of {', '.join(map(_shown, wanted))}"[:_LONGEST_SENTENCE]


def _wrong_value(wanted: Any, instance: object) -> str:
    return f"must be {_shown(wanted)}, not {_shown(instance)}"


def _wrong_format(wanted: Any, instance: object) -> str:
    form = {"date-time": "a date and time with its zone in ISO 8601", "date": "a day as YYYY-MM-DD"}
    return f"must be {form.get(wanted, wanted)}, not {_shown(instance)}"


def _wrong_pattern(wanted: Any, instance: object) -> str:
    form = {"Z$": "end in Z, because times are UTC"}
    return f"must {form.get(wanted, f'match {wanted}')}, not {_shown(instance)}"[:_LONGEST_SENTENCE]


def _wrong_size(words: str) -> Callable[[Any, Any], str]:
    return lambda wanted, instance: f"must be {words} {wanted}, not {_shown(instance)}"


def _wrong_length(words: str, unit: str) -> Callable[[Any, Any], str]:
    return lambda wanted, instance: f"must have {words} {wanted} {unit}, not {len(instance)}"


_SENTENCES: dict[str, Callable[[Any, Any], str]] = {
    "type": _wrong_type,
    "enum": _wrong_code,
    "const": _wrong_value,
    "format": _wrong_format,
    "pattern": _wrong_pattern,
    "minimum": _wrong_size("at least"),
    "exclusiveMinimum": _wrong_size("more than"),
    "maximum": _wrong_size("at most"),
    "exclusiveMaximum": _wrong_size("less than"),
    "minLength": _wrong_length("at least", "characters"),
    "maxLength": _wrong_length("at most", "characters"),
    "minItems": _wrong_length("at least", "items"),
    "maxItems": _wrong_length("at most", "items"),
}


def _shown(value: object) -> str:
    """A value as it was written, cut short; what it holds inside may be megabytes and is not written out."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    if isinstance(value, str):
        value = value[:_LONGEST_SHOWN] + "…" * (len(value) > _LONGEST_SHOWN)
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)[: 2 * _LONGEST_SHOWN]

"""JSON payloads: parsed exactly, flattened to members, their time recognised.

Belongs here: JSON text to exact values. Does not belong here: rows (reader), contracts of events (ingest.contracts).

Numbers keep every digit: `0.1` is Decimal('0.1'), never a float; a float would bill 0.1000000000000000055.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, NoReturn

from ingest.errors import PayloadError

MAX_PAYLOAD_BYTES = 4 * 1024 * 1024
MAX_MEMBERS = 10_000
MAX_DEPTH = 16

TIME_MEMBERS = ("timestamp", "timestamp_ms", "event_at", "time", "ts")
HISTORICAL_MEMBER = "is_historical"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OwnTime(NamedTuple):
    """The time a payload states: microseconds UTC, and whether it left its zone open."""

    at: int
    is_naive: bool


def parse_object(data: bytes) -> dict[str, Any]:
    """The JSON object in `data`; PayloadError `malformed_json` for anything else."""
    if len(data) > MAX_PAYLOAD_BYTES:
        raise PayloadError(f"{len(data)} bytes exceed the limit of {MAX_PAYLOAD_BYTES}", reason="payload_too_large")
    try:
        document = json.loads(data.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError, InvalidOperation) as error:  # the last: an exponent no Decimal can hold
        raise PayloadError(f"the payload is no JSON: {error}"[:300], reason="malformed_json") from error
    if not isinstance(document, dict):
        raise PayloadError(f"the payload is a JSON {_kind(document)}, not an object", reason="malformed_json")
    return document


def own_time(document: dict[str, Any]) -> OwnTime | None:
    """The time a payload carries, in seconds, milli-, micro- or nanoseconds or as ISO 8601; None without one."""
    for member in TIME_MEMBERS:
        found = _instant(document.get(member))
        if found is not None:
            return found
    return None


def flatten(document: dict[str, Any], *, leaf: str) -> Iterator[tuple[str, Any]]:
    """Every member as `leaf/path`; arrays stay whole; time members and `is_historical` are no readings."""
    budget = MAX_MEMBERS
    stack: list[tuple[str, Any, int]] = [
        (f"{leaf}/{key}", value, 1)
        for key, value in reversed(document.items())
        if key not in TIME_MEMBERS and not (key == HISTORICAL_MEMBER and isinstance(value, bool))
    ]
    while stack:
        path, value, depth = stack.pop()
        if isinstance(value, dict) and value:
            if depth >= MAX_DEPTH:
                raise PayloadError(f"the payload nests deeper than {MAX_DEPTH} levels", reason="payload_too_large")
            stack.extend((f"{path}/{key}", inner, depth + 1) for key, inner in reversed(value.items()))
            continue
        budget -= 1
        if budget < 0:
            raise PayloadError(f"the payload has more than {MAX_MEMBERS} members", reason="payload_too_large")
        yield path, value


def _instant(value: object) -> OwnTime | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        return _from_number(value)
    if isinstance(value, str) and len(value) <= 40:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        is_naive = moment.tzinfo is None
        delta = (moment.replace(tzinfo=UTC) if is_naive else moment) - _EPOCH
        return OwnTime((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds, is_naive)
    return None


def _from_number(value: int | Decimal) -> OwnTime | None:
    """Each unit is recognised by its magnitude: 10^11 seconds are the year 5138, 10^11 milliseconds are 1973."""
    if value <= 0 or value >= Decimal("2.6e20"):
        return None
    for limit, per_unit in ((10**11, 10**6), (10**14, 10**3), (10**17, 1)):
        if value < limit:
            return OwnTime(int(value * per_unit), is_naive=False)
    return OwnTime(int(value) // 1000, is_naive=False)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _kind(document: object) -> str:
    if isinstance(document, list):
        return "array"
    return "null" if document is None else "string" if isinstance(document, str) else "scalar"

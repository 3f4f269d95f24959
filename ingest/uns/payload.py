"""JSON text to exact values and back.

Belongs here: parsing that loses no digit, and the text of what stays whole. Does not belong here: times (timing),
members (members), rows (reader), contracts of events (ingest.contracts).

Numbers keep every digit: `0.1` is Decimal('0.1'), never a float; a float would bill 0.1000000000000000055.
"""

from __future__ import annotations

import codecs
import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from ingest.errors import PayloadError

MAX_PAYLOAD_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 16

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Numeral(str):
    """A JSON number that neither int nor Decimal can hold (an exponent of twenty digits): its text is its value."""

    __slots__ = ()


def parse_document(data: bytes, *, plain_text: bool = False) -> Any:
    """The JSON value in `data`: object, array or scalar; with `plain_text` whatever else is text of its own.

    Raises PayloadError: `malformed_json` for what is no JSON (NaN and Infinity are none), `duplicate_member` for an
    object that says two things under one name, `payload_too_large`.
    """
    text = read_text(data)
    try:
        return _DECODER.decode(text)
    except PayloadError:
        raise
    except (ValueError, RecursionError, InvalidOperation) as error:
        if isinstance(error, InvalidOperation) or "digit" in str(error):  # a number beyond Decimal or int
            return _parse_slowly(text)
        stripped = text.strip()
        if plain_text and stripped and stripped[0] not in '{["' and "\x00" not in stripped:
            return stripped
        raise _malformed(error) from error


def read_text(data: bytes) -> str:
    """The text of a payload, a byte order mark taken off; PayloadError for what is no text or too much of it."""
    if len(data) > MAX_PAYLOAD_BYTES:
        raise PayloadError(f"{len(data)} bytes exceed the limit of {MAX_PAYLOAD_BYTES}", reason="payload_too_large")
    encoding = "utf-8"
    if data[:1] > b"\x7f":  # no JSON text begins beyond ASCII
        encoding = next((name for mark, name in _MARKS if data.startswith(mark)), encoding)
    try:
        return data.decode(encoding)
    except ValueError as error:
        raise _malformed(error) from error


def exact_json(value: Any, *, depth: int = 0) -> str:
    """The JSON text of a parsed value, every number as exact as it came."""
    if depth > MAX_DEPTH:
        raise PayloadError(f"the payload nests deeper than {MAX_DEPTH} levels", reason="payload_too_large")
    if isinstance(value, dict):
        members = (f"{json.dumps(key)}: {exact_json(inner, depth=depth + 1)}" for key, inner in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(exact_json(inner, depth=depth + 1) for inner in value) + "]"
    if isinstance(value, Decimal | Numeral):
        text = str(value)
        return "-0.0" if text == "-0" else text  # `-0` would be read as the integer 0
    return json.dumps(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise PayloadError(f"the member {name[:200]!r} occurs twice", reason="duplicate_member")
            seen.add(name)
    return found


def _parse_slowly(text: str) -> Any:
    try:
        return _TOLERANT_DECODER.decode(text)
    except PayloadError:
        raise
    except (ValueError, RecursionError) as error:
        raise _malformed(error) from error


def _decimal(text: str) -> Decimal | Numeral:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Numeral(text)


def _integer(text: str) -> int | Numeral:
    try:
        return int(text)
    except ValueError:  # Python reads no more than 4,300 digits
        return Numeral(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_object)
_TOLERANT_DECODER = json.JSONDecoder(
    parse_float=_decimal, parse_int=_integer, parse_constant=_refuse_constant, object_pairs_hook=_object
)


def _malformed(error: Exception) -> PayloadError:
    return PayloadError(f"the payload is no JSON: {error}"[:300], reason="malformed_json")

"""One JSON value in the columns of a landed reading.

Belongs here: which column holds what, and that none rounds in silence. Does not belong here: rows (reader).

`value_decimal` holds a number where decimal128(38, 9) can; `value_double` is its nearest double, for convenience;
whatever `value_decimal` cannot hold exactly stands digit by digit in `value_text`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from ingest.records import LARGEST_EXACT
from ingest.uns.payload import Numeral, exact_json

_ZERO = Decimal(0)
_NINE_DIGITS = Decimal("1e-9")


NUMBERS = frozenset({"Integer", "Decimal"})
"""Datatypes whose `value_text` is a number, where it stands alone."""


class Reading(NamedTuple):
    """A JSON value in the columns of a reading."""

    datatype: str
    exact: int | Decimal | None = None
    double: float | None = None
    text: str | None = None


def reading_of(value: Any) -> Reading:
    """The columns of a parsed value."""
    return _READERS.get(type(value), _of_structure)(value)


def is_countable(value: object) -> bool:
    """Whether a counter may carry the value: a number, or nothing."""
    return value is None or (isinstance(value, int | Decimal | Numeral) and not isinstance(value, bool))


def _exact(value: Decimal) -> Decimal | None:
    """The value itself where decimal128(38, 9) holds it without loss."""
    if not value:
        return _ZERO  # 0e400 is nothing, but Arrow would count its digits
    if not -9 <= value.adjusted() < 29:
        return None
    quantized = value.quantize(_NINE_DIGITS) if value.adjusted() < 18 else value
    exponent = quantized.as_tuple().exponent
    return quantized if quantized == value and isinstance(exponent, int) and exponent >= -9 else None


def _double(value: int | Decimal) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) != float("inf") else None


def _of_nothing(_value: None) -> Reading:
    return Reading("Null")


def _of_boolean(value: bool) -> Reading:
    return Reading("Boolean", None, float(value), "true" if value else "false")


def _of_integer(value: int) -> Reading:
    exact = value if abs(value) < LARGEST_EXACT else None
    return Reading("Integer", exact, _double(value), str(value) if exact is None else None)


def _of_decimal(value: Decimal) -> Reading:
    exact = _exact(value)
    return Reading("Decimal", exact, _double(value), str(value) if exact is None else None)


def _of_numeral(value: Numeral) -> Reading:
    return Reading("Decimal", None, None, str(value))


def _of_text(value: str) -> Reading:
    return Reading("String", None, None, value)


def _of_structure(value: Any) -> Reading:
    return Reading("Array" if isinstance(value, list) else "Object", None, None, exact_json(value))


_READERS: dict[type, Callable[[Any], Reading]] = {
    type(None): _of_nothing,
    bool: _of_boolean,
    int: _of_integer,
    Decimal: _of_decimal,
    Numeral: _of_numeral,
    str: _of_text,
}

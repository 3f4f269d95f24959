"""ingest.uns.payload and values: JSON text to exact values, and into columns that round nothing in silence."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import PayloadError
from ingest.records import SCHEMAS, typed_array
from ingest.uns.payload import Numeral, exact_json, parse_document
from ingest.uns.values import Reading, _exact, is_countable, reading_of

DIGITS = st.text("0123456789", min_size=1, max_size=60)


@st.composite
def json_numbers(draw: st.DrawFn) -> str:
    """Any number that the grammar of JSON allows, written out."""
    whole = draw(st.one_of(st.just("0"), DIGITS.map(lambda digits: digits.lstrip("0") or "0")))
    fraction = draw(st.one_of(st.just(""), DIGITS.map(lambda digits: f".{digits}")))
    exponent = draw(st.one_of(st.just(""), st.integers(-500, 500).map(lambda power: f"e{power:+d}")))
    return draw(st.sampled_from(["", "-"])) + whole + fraction + exponent


def exact_value(reading: Reading) -> Decimal:
    """The number as the landed row tells it, without its double."""
    return Decimal(reading.exact) if reading.exact is not None else Decimal(str(reading.text))


@given(json_numbers())
def test_any_json_number_survives_exactly_in_one_column_or_as_text(number: str) -> None:
    reading = reading_of(parse_document(number.encode()))
    assert exact_value(reading) == Decimal(number)
    assert (reading.exact is None) != (reading.text is None)
    column = typed_array([reading.exact], SCHEMAS["readings"].field("value_decimal").type)
    assert column.to_pylist() == [None if reading.exact is None else Decimal(number)]


@pytest.mark.parametrize(
    ("number", "double", "text"),
    [
        ("-0", 0.0, None),
        ("-0.0", -0.0, None),
        ("0e400", 0.0, None),
        ("1e400", None, "1E+400"),
        ("1e-400", 0.0, "1E-400"),
        ("0.1234567891", 0.1234567891, "0.1234567891"),
        ("123456789012345678901234567890", 1.2345678901234568e29, "123456789012345678901234567890"),
        ("9" * 400, None, "9" * 400),
        ("9" * 5000, None, "9" * 5000),
        ("1e9999999999999999999999", None, "1e9999999999999999999999"),
        ("-1.5E-9999999999999999999999", None, "-1.5E-9999999999999999999999"),
    ],
)
def test_numbers_at_the_edges_keep_their_digits(number: str, double: float | None, text: str | None) -> None:
    reading = reading_of(parse_document(number.encode()))
    assert (reading.double, reading.text) == (double, text)
    assert reading.datatype in {"Integer", "Decimal"} | ({"Decimal"} if text else set())
    assert is_countable(parse_document(number.encode()))


TEXT = st.text('aé"\\\n0😀', max_size=5)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), TEXT, json_numbers().map(Numeral)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=12,
)


@given(JSON)
def test_what_stays_whole_is_written_as_exactly_as_it_came(value: Any) -> None:
    with contextlib.suppress(PayloadError):  # nested beyond the limit
        text = exact_json(value)
        read = parse_document(text.encode())
        assert exact_json(parse_document(exact_json(read).encode())) == exact_json(read)
        assert _plain(read) == _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    is_number = isinstance(value, int | Decimal | Numeral) and not isinstance(value, bool)
    return Decimal(value) if is_number else value


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_lands_exactly_or_not_at_all(value: Decimal) -> None:
    found = _exact(value)
    assert found is None or (found == value and abs(found) < 10**29)


def test_numbers_keep_their_digits() -> None:
    document = parse_document(b'{"a": 0.10, "b": 12345678901234567890}')
    assert document == {"a": Decimal("0.10"), "b": 12345678901234567890}
    assert str(document["a"]) == "0.10"


def test_an_array_keeps_digits_that_no_double_has() -> None:
    text = '[0.1234567890123456789, 1E+400, {"a": [true, null, "x"]}]'
    assert reading_of(parse_document(text.encode())) == Reading("Array", text=text)


@pytest.mark.parametrize("data", [b"21.5", b'"RUNNING"', b"true", b"null", b"[1, 2]", b' {"a": 1} '])
def test_any_json_value_is_a_payload(data: bytes) -> None:
    assert parse_document(data) == json.loads(data, parse_float=Decimal)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_text(encoding: str) -> None:
    assert parse_document('{"ä": 1}'.encode(encoding)) == {"ä": 1}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"RUNNING", "malformed_json"),
        (b'{"a": NaN}', "malformed_json"),
        (b'{"a": -Infinity}', "malformed_json"),
        (b'{"a": 1e9999999999999999999999, "b": NaN}', "malformed_json"),
        (b"\xff\xfe", "malformed_json"),
        (b"\x80", "malformed_json"),
        (b"[" * 100_000, "malformed_json"),
        (b'{"a": 1, "b": 2, "a": 3}', "duplicate_member"),
        (b'{"a": {"x": 1e9999999999999999999999, "x": 2}}', "duplicate_member"),
        (b" " * (4 * 1024 * 1024 + 1), "payload_too_large"),
    ],
)
def test_what_cannot_be_understood_has_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(PayloadError) as refused:
        parse_document(data)
    assert refused.value.reason == reason


def test_a_refused_literal_or_member_is_named() -> None:
    with pytest.raises(PayloadError, match="NaN is no JSON number"):
        parse_document(b"[NaN]")
    with pytest.raises(PayloadError, match="'a' occurs twice"):
        parse_document(b'{"a": 1, "a": 1}')


@pytest.mark.parametrize(("data", "value"), [(b" RUNNING ", "RUNNING"), (b"21,5", "21,5"), (b"21.5", Decimal("21.5"))])
def test_plain_text_is_a_value_where_the_site_says_so(data: bytes, value: object) -> None:
    assert parse_document(data, plain_text=True) == value


@pytest.mark.parametrize("data", [b'{"a": 1', b"[1", b'"RUN', b"", b"a\x00b", b"\xff\xfe\xff"])
def test_plain_text_does_not_excuse_broken_json_or_bytes(data: bytes) -> None:
    with pytest.raises(PayloadError, match="no JSON"):
        parse_document(data, plain_text=True)


@given(st.binary(max_size=200))
def test_no_bytes_escape_as_another_error(data: bytes) -> None:
    with contextlib.suppress(PayloadError):
        reading = reading_of(parse_document(data, plain_text=True))
        assert reading.datatype in {"Null", "Boolean", "Integer", "Decimal", "String", "Array", "Object"}

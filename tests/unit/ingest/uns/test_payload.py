"""ingest.uns: topics and payloads of the JSON namespace."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import PayloadError
from ingest.uns.payload import flatten, own_time, parse_object
from ingest.uns.reader import _exact
from ingest.uns.topic import UnsTopic, parse_topic

AT = 1_772_323_200_123_456


@pytest.mark.parametrize(
    ("stated", "at"),
    [
        (1_772_323_200, AT // 1_000_000 * 1_000_000),
        (Decimal("1772323200.123456"), AT),
        (1_772_323_200_123, AT // 1000 * 1000),
        (AT, AT),
        (AT * 1000 + 999, AT),
        ("2026-03-01T00:00:00.123456Z", AT),
        ("2026-03-01T05:30:00.123456+05:30", AT),
        ("2026-03-01T00:00:00.123456", AT),
    ],
)
def test_a_time_is_recognised_in_seconds_milli_micro_nanoseconds_and_iso(stated: object, at: int) -> None:
    found = own_time({"timestamp": stated})
    assert found is not None
    assert found.at == at
    assert found.is_naive == (isinstance(stated, str) and len(stated) == 26)


@pytest.mark.parametrize("stated", [None, True, "yesterday", -5, {}, Decimal("1e400"), "x" * 1000])
def test_what_is_no_time_is_none(stated: object) -> None:
    assert own_time({"timestamp": stated}) is None


def test_numbers_keep_their_digits() -> None:
    assert parse_object(b'{"a": 0.10, "b": 12345678901234567890}') == {"a": Decimal("0.10"), "b": 12345678901234567890}


def test_members_are_flattened_in_their_order_and_arrays_stay_whole() -> None:
    document = {"timestamp": 1, "a": {"b": 1, "c": {}}, "d": [1, 2], "is_historical": True}
    assert list(flatten(document, leaf="x")) == [("x/a/b", 1), ("x/a/c", {}), ("x/d", [1, 2])]


def test_a_payload_that_nests_without_end_or_swells_is_refused() -> None:
    deep: dict[str, object] = {}
    for _ in range(40):
        deep = {"a": deep, "b": 1}
    with pytest.raises(PayloadError, match="deeper"):
        list(flatten(deep, leaf="x"))
    with pytest.raises(PayloadError, match="members"):
        list(flatten({str(i): i for i in range(20_000)}, leaf="x"))


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_lands_exactly_or_not_at_all(value: Decimal) -> None:
    found = _exact(value)
    assert found is None or (found == value and abs(found) < 10**29)


def test_a_topic_says_device_and_leaf_or_event() -> None:
    namespace = "meridian/monterrey"
    assert parse_topic(f"{namespace}/a/b/cnc_201/husillo", namespace=namespace) == UnsTopic(
        None, "a/b/cnc_201", "husillo"
    )
    assert parse_topic(f"{namespace}/_event/work_order", namespace=namespace) == UnsTopic("work_order", "", "")


def test_an_exponent_that_no_number_can_hold_is_malformed_json() -> None:
    with pytest.raises(PayloadError) as refused:
        parse_object(b'{"x": 1e9999999999999999999999}')
    assert refused.value.reason == "malformed_json"

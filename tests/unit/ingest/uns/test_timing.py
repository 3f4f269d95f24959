"""ingest.uns.timing: the time a payload states, in its unit and zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.uns.dialect import DEFAULT_FORM, TIME_MEMBERS, TimeForm
from ingest.uns.timing import OwnTime, own_time

AT = 1_772_323_200_123_456
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BERLIN = TimeForm(member="t", zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("stated", "at", "flag"),
    [
        (1_772_323_200, AT // 1_000_000 * 1_000_000, ""),
        (Decimal("1772323200.123456"), AT, ""),
        (Decimal("1772323200.1234569999999999999999999999"), AT, ""),
        (1_772_323_200_123, AT // 1000 * 1000, ""),
        (AT, AT, ""),
        (AT * 1000 + 999, AT, ""),
        ("1772323200123", AT // 1000 * 1000, ""),
        ("1772323200.123456", AT, ""),
        ("2026-03-01T00:00:00.123456Z", AT, ""),
        ("2026-03-01T00:00:00.123456999Z", AT, ""),
        ("2026-03-01T05:30:00.123456+05:30", AT, ""),
        ("2026-03-01 00:00:00.123456", AT, "naive_timestamp"),
    ],
)
def test_a_time_is_recognised_in_seconds_milli_micro_nanoseconds_and_iso(stated: object, at: int, flag: str) -> None:
    assert own_time({"timestamp": stated}, form=DEFAULT_FORM.time) == OwnTime(at, flag, "timestamp")


@pytest.mark.parametrize(
    "stated", [None, True, "yesterday", -5, 0, {}, [], Decimal("1e400"), Decimal("1e999999"), "x" * 99]
)
def test_what_is_no_time_is_none(stated: object) -> None:
    assert own_time({"timestamp": stated}, form=DEFAULT_FORM.time) is None


def test_the_first_member_that_states_a_readable_time_counts() -> None:
    assert own_time({"ts": AT, "timestamp": "soon"}, form=DEFAULT_FORM.time) == OwnTime(AT, "", "ts")
    assert DEFAULT_FORM.time.member == TIME_MEMBERS


def test_a_site_may_say_where_its_time_stands_and_in_what() -> None:
    form = TimeForm(member="meta/at", unit="s")
    assert own_time({"meta": {"at": 1_772_323_200}, "timestamp": AT}, form=form) == OwnTime(
        1_772_323_200_000_000, "", "meta/at"
    )
    assert own_time({"meta/at": 7}, form=form) == OwnTime(7_000_000, "", "meta/at")
    assert own_time({"meta": 7}, form=form) is None


@pytest.mark.parametrize(("unit", "number"), [("s", 5), ("ms", 5_000), ("us", 5_000_000), ("ns", 5_000_000_999)])
def test_a_configured_unit_is_not_guessed(unit: str, number: int) -> None:
    form = TimeForm.model_validate({"member": "t", "unit": unit})
    assert own_time({"t": number}, form=form) == OwnTime(5_000_000, "", "t")


def test_seconds_under_a_name_that_says_milliseconds_are_read_and_flagged() -> None:
    found = own_time({"timestamp_ms": 1_702_286_893}, form=DEFAULT_FORM.time)
    assert found == OwnTime(1_702_286_893_000_000, "timestamp_unit_assumed", "timestamp_ms")


@pytest.mark.parametrize(
    ("stated", "utc", "flag"),
    [
        ("2026-07-01T12:00:00", "2026-07-01T10:00:00", ""),
        ("2026-01-01T12:00:00", "2026-01-01T11:00:00", ""),
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00", "ambiguous_timestamp"),
        ("2026-10-25T03:00:00", "2026-10-25T02:00:00", ""),
        ("2026-03-29T02:30:00", "2026-03-29T01:30:00", "nonexistent_timestamp"),
        ("2026-07-01T12:00:00Z", "2026-07-01T12:00:00", ""),
    ],
)
def test_a_naive_time_is_read_in_the_named_zone_and_its_double_hour_is_flagged(
    stated: str, utc: str, flag: str
) -> None:
    found = own_time({"t": stated}, form=BERLIN)
    at = int((datetime.fromisoformat(utc).replace(tzinfo=UTC) - EPOCH) / timedelta(microseconds=1))
    assert found == OwnTime(at, flag, "t")


@given(st.integers(631_152_000_000_000, 2_114_380_800_000_000))
def test_an_instant_written_on_a_local_clock_is_found_again_unless_flagged(moment: int) -> None:
    aware = EPOCH + timedelta(microseconds=moment)
    local = aware.astimezone(ZoneInfo("Europe/Berlin")).replace(tzinfo=None)
    found = own_time({"t": local.isoformat()}, form=BERLIN)
    assert found is not None
    drift = EPOCH + timedelta(microseconds=found.at) - aware
    assert drift == timedelta(0) if not found.flag else abs(drift) <= timedelta(hours=1)
    assert found.flag in {"", "ambiguous_timestamp"}


@given(st.text("0123456789-:TZ+. W", max_size=45) | st.integers() | st.decimals(allow_nan=False, allow_infinity=False))
def test_no_value_makes_the_search_for_a_time_fail(stated: object) -> None:
    for form in (DEFAULT_FORM.time, BERLIN):
        found = own_time({"t": stated, "timestamp": stated}, form=form)
        assert found is None or isinstance(found.at, int)


@pytest.mark.parametrize("stated", ["0001-01-01T00:00:00", "9999-12-31T23:59:59", "0001-01-01T00:00:00+14:00"])
def test_the_ends_of_the_calendar_are_no_trap(stated: str) -> None:
    assert own_time({"t": stated}, form=BERLIN) is not None

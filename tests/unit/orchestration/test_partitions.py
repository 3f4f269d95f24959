"""Which partition a landed file belongs to, and how few runs load what is new."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ingest.landing import LandedFile

TODAY = date(2026, 11, 22)


def a_file(*, day: date, site_id: str = "hamburg", kind: str = "readings") -> LandedFile:
    return LandedFile.model_validate(
        {
            "path": f"landing/{kind}/site={site_id}/day={day}/x.parquet",
            "kind": kind,
            "site_id": site_id,
            "day": day,
            "row_count": 1,
            "sha256": "",
            "size_bytes": 1,
            "min_event_at": None,
            "max_event_at": None,
        }
    )


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2001, 5, 1), date(2025, 1, 1)),
        (date(2026, 3, 29), date(2026, 3, 29)),
        (date(2026, 11, 23), TODAY),
    ],
)
def test_every_day_has_a_partition(day: date, expected: date) -> None:
    from orchestration.partitions import partition_day

    assert partition_day(day, today=TODAY) == expected


def test_late_and_new_days_of_a_site_are_two_short_runs() -> None:
    from orchestration.partitions import load_ranges

    files = [
        a_file(day=date(2026, 3, 1)),
        a_file(day=date(2026, 3, 4), kind="messages"),
        a_file(day=TODAY, kind="losses"),
        a_file(day=date(2026, 3, 2), site_id="pune"),
    ]
    found = [(one.site_id, one.first, one.last, sorted(one.kinds)) for one in load_ranges(files, today=TODAY)]
    assert found == [
        ("hamburg", date(2026, 3, 1), date(2026, 3, 4), ["messages", "readings"]),
        ("hamburg", TODAY, TODAY, ["losses"]),
        ("pune", date(2026, 3, 2), date(2026, 3, 2), ["readings"]),
    ]


def test_a_range_names_its_first_and_last_partition() -> None:
    from orchestration.partitions import load_ranges

    (found,) = load_ranges([a_file(day=date(2026, 3, 1)), a_file(day=date(2026, 3, 2))], today=TODAY)
    assert sorted(found.tags.values()) == ["2026-03-01|hamburg", "2026-03-02|hamburg"]


def test_the_monthly_run_bills_the_month_that_ended() -> None:
    from orchestration.partitions import previous_billing_period

    assert previous_billing_period(datetime(2026, 4, 2, 6, tzinfo=UTC)) == "2026-03"
    assert previous_billing_period(datetime(2026, 1, 2, 6, tzinfo=UTC)) == "2025-12"

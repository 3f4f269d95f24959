"""orchestration.diagnosis: what the doctor says of completeness."""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.diagnosis import Finding, examine
from orchestration.settings import load_deployment
from orchestration.warehouse.schema import create_schema


def days_of(home: Path, *rows: str) -> list[Finding]:
    """What the doctor says of completeness over a warehouse with these rows per machine and day."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        create_schema(connection)
        connection.execute(
            "create schema completeness; create table completeness.fct_completeness_per_day (site_id varchar, "
            "work_unit_id varchar, physical_asset_id varchar, utc_date date, started_at timestamp, ended_at timestamp, "
            "uncovered_s decimal(18, 6), is_complete boolean)"
        )
        for row in rows:
            connection.execute(f"insert into completeness.fct_completeness_per_day values ({row})")
    found = examine(load_deployment(home=home), online=False)
    return [finding for finding in found if finding.subject.startswith("completeness")]


def day(asset: str, date: str, *, uncovered_s: int) -> str:
    named = f"'{asset}'" if asset else "null"
    hours = f"'{date} 00:00:00', timestamp '{date} 00:00:00' + interval 1 day"
    return f"'hamburg', 'cnc_1', {named}, '{date}', {hours}, {uncovered_s}, {uncovered_s < 4320}"


def test_a_machine_that_was_not_heard_lately_is_named_with_its_share(tmp_path: Path) -> None:
    found = days_of(
        tmp_path,
        day("weller-1", "2026-03-09", uncovered_s=0),
        day("weller-1", "2026-03-10", uncovered_s=43200),
        day("", "2026-03-10", uncovered_s=0),
        day("weller-2", "2026-03-01", uncovered_s=86400),  # too long ago
    )
    assert found == [
        Finding(
            subject="completeness of hamburg",
            state="note",
            detail="75.0% of the last 7 days of weller-1 is covered, 1 of them too little; "
            "completeness.fct_losses says what is missing",
        )
    ]


def test_machines_that_were_heard_are_one_good_finding(tmp_path: Path) -> None:
    (found,) = days_of(tmp_path, day("weller-1", "2026-03-10", uncovered_s=60))
    assert (found.state, found.detail) == ("ok", "every machine was heard enough on each of the last 7 days")


def test_a_warehouse_without_a_day_says_nothing_of_completeness(tmp_path: Path) -> None:
    assert days_of(tmp_path) == []

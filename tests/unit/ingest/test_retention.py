"""ingest.retention: what is past its time goes, unless somebody needs it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from ingest import compaction, retention
from ingest.compaction import Limits, compact
from ingest.inventory import read_inventory
from ingest.landing import read_manifests
from ingest.retention import RetentionReport, choose_expired, expire
from ingest.verification import broken_links
from tests.builders.landed import NOON, land_messages

TODAY = date(2026, 3, 11)


def paths(home: Path) -> set[str]:
    return {file.path for file in read_inventory(home).files()}


def test_only_kinds_with_a_number_expire_and_only_after_their_last_day(tmp_path: Path) -> None:
    old = land_messages(tmp_path, 1)
    files = list(land_messages(tmp_path, 2, start=NOON + timedelta(days=1)).files) + list(old.files)
    chosen = choose_expired(files, keep_days={"readings": 9}, today=TODAY)
    assert [(file.kind, file.day) for file in chosen] == [("readings", date(2026, 3, 1))]
    assert choose_expired(files, keep_days={"readings": 10}, today=TODAY) == ()


def test_expired_files_are_gone_and_the_chain_of_manifests_is_whole(tmp_path: Path) -> None:
    land_messages(tmp_path, 1)
    kept = land_messages(tmp_path, 2, start=NOON + timedelta(days=9))
    report = expire(tmp_path, keep_days={"readings": 5, "messages": 5}, is_needed=lambda _: False, today=TODAY)
    assert (report.expired_file_count, report.row_count, report.kept_file_count) == (2, 3, 0)
    assert paths(tmp_path) == {file.path for file in kept.files}
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.parquet")} == paths(tmp_path)
    manifests = list(read_manifests(tmp_path))
    assert list(broken_links(manifests)) == []
    assert (manifests[-1].reason, len(manifests[-1].replaces), manifests[-1].files) == ("expired", 2, ())


def test_a_compacted_file_stays_while_one_of_its_origins_is_needed(tmp_path: Path) -> None:
    needed = land_messages(tmp_path, 1).files[1].path
    land_messages(tmp_path, 2)
    compact(tmp_path, older_than=timedelta(0), limits=Limits(recent_manifests=0))
    report = expire(
        tmp_path, keep_days={"readings": 5, "messages": 5}, is_needed=lambda path: path == needed, today=TODAY
    )
    assert (report.expired_file_count, report.kept_file_count) == (1, 1)
    assert {file.kind for file in read_inventory(tmp_path).files()} == {"readings"}


def test_a_dry_run_deletes_nothing(tmp_path: Path) -> None:
    land_messages(tmp_path, 1)
    before = paths(tmp_path)
    report = expire(tmp_path, keep_days={"readings": 1}, is_needed=lambda _: False, today=TODAY, is_dry_run=True)
    assert report.expired_file_count == 1
    assert paths(tmp_path) == before
    assert all((tmp_path / path).exists() for path in before)


def test_killed_before_the_files_are_deleted_the_next_compaction_deletes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_messages(tmp_path, 1)
    monkeypatch.setattr(retention, "unlink_all", lambda paths: 0)
    expire(tmp_path, keep_days={"readings": 1}, is_needed=lambda _: False, today=TODAY)
    monkeypatch.undo()
    assert compaction.compact(tmp_path, older_than=timedelta(0)).leftover_count == 1
    assert expire(tmp_path, keep_days={"readings": 1}, is_needed=lambda _: False, today=TODAY) == RetentionReport()

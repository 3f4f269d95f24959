"""ingest.compaction: many small files become few, and every row keeps where it first landed."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingest import compaction
from ingest.compaction import COMPACTOR_ID, CompactionReport, Limits, compact, plan_compaction
from ingest.errors import CollectorLocked, LandingError
from ingest.inventory import ORIGIN_FILE, ORIGIN_ROW, read_inventory
from ingest.landing import Landing, Manifest, read_manifests
from ingest.lock import collector_lock
from ingest.manifest_volumes import (
    MANIFESTS,
    VOLUMES,
    list_manifest_names,
    list_single_names,
    read_manifest_texts,
    read_volume,
)
from ingest.quarantine import read_quarantine
from ingest.records import SORT_KEYS, SiteRows
from ingest.verification import broken_links, find_fault
from tests.builders.landed import NOON, add_quarantined, land_messages

EVERYTHING = Limits(recent_manifests=0, fewest_bound=1)


def merge(home: Path, limits: Limits = EVERYTHING) -> CompactionReport:
    return compact(home, older_than=timedelta(0), limits=limits)


def rows_on_disk(home: Path, kind: str) -> list[tuple[str, int, str]]:
    """First file, first row and message of every row in force."""
    found = []
    for file in read_inventory(home).files():
        if file.kind != kind:
            continue
        table = pq.ParquetFile(home / file.path).read()
        if file.origins:
            places = zip(table[ORIGIN_FILE].to_pylist(), table[ORIGIN_ROW].to_pylist(), strict=True)
        else:
            places = ((file.path, row) for row in range(table.num_rows))
        found += [(*place, id_) for place, id_ in zip(places, table["message_id"].to_pylist(), strict=True)]
    return sorted(found)


def parquet_files(home: Path) -> set[str]:
    return {path.relative_to(home).as_posix() for path in home.rglob("*.parquet")}


def test_files_of_one_kind_site_and_day_become_one_and_rows_keep_where_they_first_landed(tmp_path: Path) -> None:
    for number in range(3):
        land_messages(tmp_path, number)
    land_messages(tmp_path, 10, site_id="pune")
    before = rows_on_disk(tmp_path, "readings")
    report = merge(tmp_path)
    assert (report.merged_file_count, report.new_file_count, report.row_count) == (6, 2, 3 + 6)
    assert rows_on_disk(tmp_path, "readings") == before
    assert parquet_files(tmp_path) == {file.path for file in read_inventory(tmp_path).files()}
    assert len(parquet_files(tmp_path)) == 4


def test_a_merged_file_is_sorted_as_windows_read_it_and_passes_its_verification(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        land_messages(tmp_path, number)
    merge(tmp_path)
    (file,) = [file for file in read_inventory(tmp_path).files() if file.kind == "readings"]
    assert find_fault(file, home=tmp_path) is None
    rows = pq.ParquetFile(tmp_path / file.path).read(list(SORT_KEYS["readings"])).to_pylist()
    assert rows == sorted(rows, key=lambda row: tuple(row.values()))


def test_compacting_again_changes_nothing_and_what_came_later_keeps_its_first_origin(tmp_path: Path) -> None:
    for number in range(2):
        land_messages(tmp_path, number)
    merge(tmp_path)
    names = parquet_files(tmp_path)
    assert merge(tmp_path).new_file_count == 0
    assert parquet_files(tmp_path) == names

    land_messages(tmp_path, 2)
    before = rows_on_disk(tmp_path, "messages")
    merge(tmp_path)
    assert rows_on_disk(tmp_path, "messages") == before
    (file,) = [file for file in read_inventory(tmp_path).files() if file.kind == "messages"]
    assert [origin.path for origin in file.origins] == [place for place, _, _ in before]
    assert all(read_inventory(tmp_path).holder(origin.path) == file for origin in file.origins)


def test_what_is_fresh_is_left_alone(tmp_path: Path) -> None:
    for number in range(3):
        land_messages(tmp_path, number)
    assert compact(tmp_path, older_than=timedelta(hours=1), limits=EVERYTHING) == CompactionReport()
    assert merge(tmp_path, Limits(recent_manifests=100, fewest_bound=1)) == CompactionReport()


def test_packs_keep_their_limits(tmp_path: Path) -> None:
    for number in range(5):
        land_messages(tmp_path, number, readings=2)
    merge(tmp_path, Limits(recent_manifests=0, row_count=8))
    files = [file for file in read_inventory(tmp_path).files() if file.kind == "readings"]
    assert sorted(file.row_count for file in files) == [2, 8]


def test_a_file_that_has_changed_is_left_alone_and_reported(tmp_path: Path) -> None:
    manifests = [land_messages(tmp_path, number) for number in range(3)]
    broken = tmp_path / path_of(manifests[1], "readings")
    broken.write_bytes(broken.read_bytes()[:-1] + b"\0")
    report = merge(tmp_path)
    assert [(fault.file.path, fault.reason) for fault in report.faults] == [
        (path_of(manifests[1], "readings"), "sha256_mismatch")
    ]
    assert broken.exists()
    held = {
        origin.path for file in read_inventory(tmp_path).files() if file.kind == "readings" for origin in file.origins
    }
    assert held == {path_of(manifests[0], "readings"), path_of(manifests[2], "readings")}


def path_of(manifest: Manifest, kind: str) -> str:
    return next(file.path for file in manifest.files if file.kind == kind)


def test_killed_before_the_old_files_are_unlinked_the_next_run_unlinks_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        land_messages(tmp_path, number)
    before = rows_on_disk(tmp_path, "readings")
    monkeypatch.setattr(compaction, "unlink_all", lambda paths: 0)
    merge(tmp_path)
    monkeypatch.undo()
    assert rows_on_disk(tmp_path, "readings") == before
    assert len(parquet_files(tmp_path)) == 6 + 2
    assert merge(tmp_path).leftover_count == 6
    assert parquet_files(tmp_path) == {file.path for file in read_inventory(tmp_path).files()}


def test_leftovers_are_kept_while_the_file_that_replaced_them_is_unsound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        land_messages(tmp_path, number)
    originals = parquet_files(tmp_path)
    monkeypatch.setattr(compaction, "unlink_all", lambda paths: 0)
    merge(tmp_path)
    monkeypatch.undo()
    for file in read_inventory(tmp_path).files():
        (tmp_path / file.path).write_bytes(b"rotten")
    assert merge(tmp_path).leftover_count == 0
    assert originals <= parquet_files(tmp_path)


def test_a_merged_file_without_its_manifest_is_debris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        land_messages(tmp_path, number)
    before = parquet_files(tmp_path)

    class KilledError(BaseException):
        """The process ends here."""

    def killed(*_args: object, **_more: object) -> None:
        raise KilledError

    monkeypatch.setattr(Landing, "_write_manifest", killed)
    with pytest.raises(KilledError):
        merge(tmp_path)
    monkeypatch.undo()
    assert len(parquet_files(tmp_path)) == len(before) + 1
    assert merge(tmp_path).merged_file_count == 6
    assert parquet_files(tmp_path) == {file.path for file in read_inventory(tmp_path).files()}


def test_two_compactions_never_run_at_once(tmp_path: Path) -> None:
    with collector_lock(tmp_path, COMPACTOR_ID), pytest.raises(CollectorLocked):
        merge(tmp_path)


def test_a_plan_says_what_would_be_done_and_changes_nothing(tmp_path: Path) -> None:
    for number in range(3):
        land_messages(tmp_path, number)
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    plan = plan_compaction(tmp_path, older_than=timedelta(0), limits=EVERYTHING)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before
    done = merge(tmp_path)
    assert (plan.merged_file_count, plan.new_file_count, plan.row_count) == (
        done.merged_file_count,
        done.new_file_count,
        done.row_count,
    )


def test_bound_manifests_keep_name_bytes_and_chain_and_the_newest_stays_single(tmp_path: Path) -> None:
    landing_names = [Path(land_messages(tmp_path, number).path).name for number in range(4)]
    texts = {name: (tmp_path / MANIFESTS / name).read_bytes() for name in landing_names}
    report = merge(tmp_path)
    assert report.bound_manifest_count == 3
    assert landing_names[-1] in list_single_names(tmp_path)
    assert set(landing_names) <= set(list_manifest_names(tmp_path))
    manifests = list(read_manifests(tmp_path))
    assert [Path(each.path).name for each in manifests] == list(list_manifest_names(tmp_path))
    assert list(broken_links(manifests)) == []
    assert texts.items() <= dict(read_manifest_texts(tmp_path)).items()
    last = land_messages(tmp_path, 9)
    assert last.previous_sha256 == next(each.sha256 for each in manifests if each.path.endswith(landing_names[-1]))


def test_a_manifest_that_is_single_and_bound_is_read_once(tmp_path: Path) -> None:
    names = [Path(land_messages(tmp_path, number).path).name for number in range(3)]
    first = (tmp_path / MANIFESTS / names[0]).read_bytes()
    merge(tmp_path)
    (tmp_path / MANIFESTS / names[0]).write_bytes(first)
    assert list_manifest_names(tmp_path).count(names[0]) == 1
    assert [Path(each.path).name for each in read_manifests(tmp_path)].count(names[0]) == 1
    merge(tmp_path)
    assert names[0] not in list_single_names(tmp_path)


def test_a_flipped_bit_in_a_volume_is_found_or_harmless_wherever_it_is(tmp_path: Path) -> None:
    for number in range(3):
        land_messages(tmp_path, number)
    merge(tmp_path)
    (volume,) = (tmp_path / VOLUMES).iterdir()
    texts, data = read_volume(volume), volume.read_bytes()
    harmless = 0
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        volume.write_bytes(bytes(changed))
        with suppress(LandingError):
            assert read_volume(volume) == texts
            harmless += 1
    assert harmless < 0.1 * len(data)


def test_the_quarantine_reads_the_same_after_compaction(tmp_path: Path) -> None:
    landing = Landing(tmp_path, collector_id="c")
    for number in (1, 2, 1, 3):
        rows = SiteRows("hamburg")
        add_quarantined(rows, number, at=NOON + timedelta(minutes=number))
        landing.commit([rows])
    before = list(read_quarantine(tmp_path).messages())
    assert len(before) == 3
    assert merge(tmp_path).merged_file_count == 4
    assert list(read_quarantine(tmp_path).messages()) == before

"""A load comes to the same rows and the same ledger, however the landed files were compacted before or between."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.compaction import Limits, compact
from ingest.landing import LandedFile, Landing
from ingest.records import SiteRows
from orchestration.warehouse import loader
from orchestration.warehouse.landed import fingerprint_landing, read_landed_files
from orchestration.warehouse.loader import load_files
from orchestration.warehouse.schema import LANDED_TABLES, READING, create_schema
from tests.builders.landed import NOON, add_loss, add_message, add_quarantined, land_messages

EVERYTHING = Limits(recent_manifests=0, fewest_bound=2)


@dataclass(frozen=True)
class Batch:
    collector_id: str
    site_id: str
    numbers: tuple[int, ...]
    losses: int


BATCHES = st.lists(
    st.builds(
        Batch,
        collector_id=st.sampled_from(["a", "b"]),
        site_id=st.sampled_from(["hamburg", "pune"]),
        numbers=st.lists(st.integers(0, 12), max_size=4).map(tuple),
        losses=st.integers(0, 2),
    ),
    min_size=1,
    max_size=7,
)
"""A number may come again, in one batch or in another: a redelivery. Numbers above 8 fall on the next day."""


def land(home: Path, batch: Batch) -> None:
    rows = SiteRows(batch.site_id)
    for number in batch.numbers:
        add_message(rows, number, event_at=NOON + timedelta(hours=1.5 * number), readings=1 + number % 2)
        if number % 5 == 0:
            add_quarantined(rows, 100 + number, at=NOON)
    for number in range(batch.losses):
        add_loss(rows, at=NOON, estimated_count=number)
    Landing(home, collector_id=batch.collector_id).commit([rows])


def load_all(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    files = [file for files in read_landed_files(home).values() for file in files]
    for table in LANDED_TABLES:
        assert load_files(connection, table=table, files=files, home=home).rejections == ()


def content(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every raw table and of the ledger; when a file was loaded is no part of it."""
    tables = {table.name: "*" for table in LANDED_TABLES} | {"loaded_file": "* exclude (loaded_at)"}
    return {
        name: connection.execute(f"select {what} from raw.{name} order by all").fetchall()
        for name, what in tables.items()
    }


def a_warehouse() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create_schema(connection)
    return connection


@settings(max_examples=25, deadline=None)
@given(batches=BATCHES, cut=st.integers(0, 6), row_count=st.sampled_from([4, 9, 1000]), loads_between=st.booleans())
def test_compacted_before_between_or_never_the_warehouse_is_the_same(
    batches: list[Batch], cut: int, row_count: int, loads_between: bool
) -> None:
    limits = Limits(recent_manifests=0, fewest_bound=2, row_count=row_count)
    with TemporaryDirectory() as directory, a_warehouse() as plain, a_warehouse() as mixed, a_warehouse() as compacted:
        first, second = Path(directory, "first"), Path(directory, "second")
        first.mkdir()
        land_all(first, batches[:cut])
        if loads_between:
            load_all(mixed, first)
            load_all(plain, first)
        land_all(first, batches[cut:])
        shutil.copytree(first, second)
        compact(second, older_than=timedelta(0), limits=limits)
        load_all(mixed, second)
        load_all(plain, first)
        assert content(mixed) == content(plain)

        if not loads_between:
            compact(second, older_than=timedelta(0), limits=EVERYTHING)
            load_all(compacted, second)
            assert content(compacted) == content(plain)
            load_all(plain, second)
            assert content(compacted) == content(plain)


def land_all(home: Path, batches: Iterable[Batch]) -> None:
    for batch in batches:
        land(home, batch)


@pytest.mark.parametrize("chunk_files", [1, 500])
def test_of_two_deliveries_the_first_is_kept_although_a_late_one_lies_among_files_already_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk_files: int
) -> None:
    """The clock of collector b is behind: what it lands last bears a name between those of collector a."""
    from ingest import landing

    monkeypatch.setattr(loader, "CHUNK_FILES", chunk_files)
    clock = {"ns": 10**18}
    monkeypatch.setattr(landing.time, "time_ns", lambda: clock["ns"])
    for collector_id, ns, numbers in (("a", 10, (1,)), ("a", 30, (2, 3)), ("b", 20, (3, 4))):
        clock["ns"] = 10**18 + ns * 10**9
        land(tmp_path, Batch(collector_id, "hamburg", numbers, 0))
        if ns == 30:
            clock["ns"] += 10**9
            shutil.copytree(tmp_path, tmp_path / "copy")
            compact(tmp_path / "copy", older_than=timedelta(0), limits=EVERYTHING)
    land(tmp_path / "copy", Batch("b", "hamburg", (3, 4), 0))
    with a_warehouse() as plain, a_warehouse() as compacted:
        load_all(plain, tmp_path)
        load_all(compacted, tmp_path / "copy")
        kept = "select message_id, left(parse_filename(landed_file), 20), file_row from raw.message order by all"
        assert compacted.execute(kept).fetchall() == plain.execute(kept).fetchall()


def test_a_reader_that_listed_files_before_they_were_compacted_looks_again(tmp_path: Path) -> None:
    for number in range(4):
        land_messages(tmp_path, number)
    listed: list[LandedFile] = [file for files in read_landed_files(tmp_path).values() for file in files]
    compact(tmp_path, older_than=timedelta(0), limits=EVERYTHING)
    with a_warehouse() as connection:
        count = load_files(connection, table=READING, files=listed, home=tmp_path)
        assert (count.file_count, count.row_count, count.rejections) == (4, 8, ())
        names = connection.execute("select landed_file from raw.loaded_file order by all").fetchall()
        assert [name for (name,) in names] == sorted(file.path for file in listed if file.kind == "readings")
        assert connection.execute("select count(*) from raw.rejected_file").fetchone() == (0,)


def test_a_file_compacted_between_its_verification_and_its_reading_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        land_messages(tmp_path, number)
    listed = [file for files in read_landed_files(tmp_path).values() for file in files]
    see_rows = loader._see_rows
    runs = []

    def compact_first(connection: duckdb.DuckDBPyConnection, **given: Any) -> None:
        if not runs:
            runs.append(compact(tmp_path, older_than=timedelta(0), limits=EVERYTHING))
        see_rows(connection, **given)

    monkeypatch.setattr(loader, "_see_rows", compact_first)
    with a_warehouse() as connection:
        count = load_files(connection, table=READING, files=listed, home=tmp_path)
        assert (count.file_count, count.row_count, count.rejections) == (4, 8, ())
    assert runs[0].new_file_count == 2


def test_a_file_that_is_gone_without_a_replacement_is_set_aside_at_once(tmp_path: Path) -> None:
    manifest = land_messages(tmp_path, 1)
    listed = list(manifest.files)
    (tmp_path / next(file.path for file in listed if file.kind == "readings")).unlink()
    with a_warehouse() as connection:
        rejections = load_files(connection, table=READING, files=listed, home=tmp_path).rejections
    assert [fault.reason for fault in rejections] == ["missing"]


def test_a_compacted_file_whose_origins_are_all_loaded_is_not_even_opened(tmp_path: Path) -> None:
    for number in range(3):
        land_messages(tmp_path, number)
    with a_warehouse() as connection:
        load_all(connection, tmp_path)
        before = content(connection)
        compact(tmp_path, older_than=timedelta(0), limits=EVERYTHING)
        for files in read_landed_files(tmp_path).values():
            for file in files:
                (tmp_path / file.path).write_bytes(b"")
        load_all(connection, tmp_path)
        assert content(connection) == before


def test_compaction_is_no_news_to_a_build_and_the_next_batch_is(tmp_path: Path) -> None:
    for number in range(3):
        land_messages(tmp_path, number)
    before = fingerprint_landing(tmp_path)
    assert compact(tmp_path, older_than=timedelta(0), limits=EVERYTHING).new_file_count == 2
    assert fingerprint_landing(tmp_path) == before
    land_messages(tmp_path, 3)
    assert fingerprint_landing(tmp_path) != before

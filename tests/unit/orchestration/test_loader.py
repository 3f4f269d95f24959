"""Landed files reach the warehouse exactly once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from ingest.landing import Manifest
from ingest.quarantine import replay
from orchestration.errors import NotReadyError
from orchestration.warehouse.landed import SensorCursor, fingerprint_landing, list_batches, read_landed_files
from orchestration.warehouse.loader import LoadCount, load_files
from orchestration.warehouse.mappings import rebuild_mappings
from orchestration.warehouse.schema import LANDED_TABLES, MESSAGE, READING, LandedTable, open_warehouse
from tests.builders.event_contracts import a_contract, write_contract
from tests.builders.landed import NOON, land_messages, message_id
from tests.builders.quarantine import an_event_arrival, land
from tests.builders.sparkplug import a_json_site


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        yield connection


def load(connection: duckdb.DuckDBPyConnection, home: Path, table: LandedTable = READING) -> LoadCount:
    files = [file for batch in read_landed_files(home).values() for file in batch]
    return load_files(connection, table=table, files=files, home=home)


def path_of(manifest: Manifest, kind: str) -> str:
    return next(file.path for file in manifest.files if file.kind == kind)


def test_rows_and_ledger_agree(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    manifest = land_messages(tmp_path, 1, 2, 3)
    assert load(warehouse, tmp_path) == LoadCount(file_count=1, row_count=6)
    row = warehouse.execute(
        "select * exclude (loaded_at, min_event_at, max_event_at, sha256, day) from raw.loaded_file"
    ).fetchone()
    assert row == (path_of(manifest, "readings"), "readings", "hamburg", 6, 6, 0)
    places = warehouse.execute(
        "select distinct landed_file, count(*), max(file_row) from raw.reading group by all"
    ).fetchall()
    assert places == [(path_of(manifest, "readings"), 6, 5)]


def test_a_file_is_loaded_once(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    land_messages(tmp_path, 1)
    load(warehouse, tmp_path)
    assert load(warehouse, tmp_path) == LoadCount()
    assert warehouse.execute("select count(*) from raw.reading").fetchone() == (2,)


def test_a_redelivered_message_lands_twice_and_is_loaded_once(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    land_messages(tmp_path, 1, 2)
    load(warehouse, tmp_path, MESSAGE)
    land_messages(tmp_path, 2, 3)
    assert load(warehouse, tmp_path, MESSAGE) == LoadCount(file_count=1, row_count=1, redelivered_row_count=1)
    found = warehouse.execute("select message_id, count(*) from raw.message group by all").fetchall()
    assert sorted(found) == sorted((message_id(number), 1) for number in (1, 2, 3))


def test_a_message_in_two_files_of_one_load_is_loaded_once(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    first = land_messages(tmp_path, 1, 2)
    land_messages(tmp_path, 1, 2)
    assert load(warehouse, tmp_path) == LoadCount(file_count=2, row_count=4, redelivered_row_count=4)
    assert warehouse.execute("select distinct landed_file from raw.reading").fetchall() == [
        (path_of(first, "readings"),)
    ]


def test_a_message_beyond_any_clock_is_recognised_though_each_delivery_bears_another_time(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    land_messages(tmp_path, 1, flags="event_time_implausible")
    load(warehouse, tmp_path, MESSAGE)
    land_messages(tmp_path, 1, flags="event_time_implausible", start=NOON + timedelta(days=40))
    assert load(warehouse, tmp_path, MESSAGE).redelivered_row_count == 1


def test_a_corrupted_file_is_set_aside_alone(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    broken = path_of(land_messages(tmp_path, 1), "readings")
    land_messages(tmp_path, 2)
    sound_bytes = (tmp_path / broken).read_bytes()
    (tmp_path / broken).write_bytes(sound_bytes[:200] + bytes([sound_bytes[200] ^ 1]) + sound_bytes[201:])

    count = load(warehouse, tmp_path)
    assert (count.file_count, count.row_count) == (1, 2)
    assert [(fault.file.path, fault.reason) for fault in count.rejections] == [(broken, "sha256_mismatch")]
    assert warehouse.execute("select landed_file, reason from raw.rejected_file").fetchall() == [
        (broken, "sha256_mismatch")
    ]

    (tmp_path / broken).write_bytes(sound_bytes)
    assert load(warehouse, tmp_path) == LoadCount(file_count=1, row_count=2)
    assert warehouse.execute("select count(*) from raw.rejected_file").fetchone() == (0,)


def test_a_missing_file_is_set_aside(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / path_of(land_messages(tmp_path, 1), "messages")).unlink()
    assert [fault.reason for fault in load(warehouse, tmp_path, MESSAGE).rejections] == ["missing"]


def test_nothing_is_loaded_when_the_ledger_cannot_be_written(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    land_messages(tmp_path, 1)
    warehouse.execute("alter table raw.loaded_file add column surprise varchar")
    with pytest.raises(duckdb.Error):
        load(warehouse, tmp_path)
    assert warehouse.execute("select count(*) from raw.reading").fetchone() == (0,)


def test_the_warehouse_replaces_the_debris_of_an_interrupted_creation(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(b"\0" * 4096)
    with open_warehouse(path) as connection:
        assert connection.execute("select count(*) from raw.reading").fetchone() == (0,)
    assert not list(tmp_path.glob("*.new*"))


def test_a_warehouse_in_use_elsewhere_is_said_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    code = f"import duckdb; c = duckdb.connect({str(path)!r}); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(NotReadyError, match="in use by another process"), open_warehouse(path):
            pass
        other.communicate("\n")


def test_the_fingerprint_of_the_landing_zone_moves_with_each_batch(tmp_path: Path) -> None:
    before = fingerprint_landing(tmp_path)
    land_messages(tmp_path, 1)
    after = fingerprint_landing(tmp_path)
    assert before != after
    assert after == fingerprint_landing(tmp_path)


def test_a_sensor_sees_a_late_batch_and_no_batch_twice(tmp_path: Path) -> None:
    hour = 3_600 * 10**9
    names = tuple(f"{number * hour:020d}-x.json" for number in (1, 5, 9))
    cursor = SensorCursor().advanced(names)
    assert cursor.unseen(names) == ()
    late = f"{9 * hour - hour // 2:020d}-y.json"
    again = SensorCursor.parse(cursor.text())
    assert again.unseen((*names, late)) == (late,)
    assert again.advanced((*names, late)).unseen((*names, late)) == ()
    assert SensorCursor.parse(None).unseen(list_batches(tmp_path)) == ()


def test_every_metric_seen_gets_a_row_in_the_mapping(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    from ingest.mapping import SiteMapping

    land_messages(tmp_path, 1)
    load(warehouse, tmp_path)
    rule = {"metric": "Counters/Counter0", "is": "energy", "role": "counter", "unit": "KWH", "source_unit": "WHR"}
    mapping = SiteMapping.model_validate({"version": 3, "rules": [rule], "states": {"Laufend": "executing"}})
    count = rebuild_mappings(warehouse, mappings={"hamburg": mapping})
    rows = warehouse.execute(
        "select metric_name, work_unit_id, metric, metric_role, factor::varchar, mapping_version "
        "from raw.metric_mapping order by 1"
    ).fetchall()
    assert rows == [
        ("Counters/Counter0", "cnc_101", "energy", "counter", "0.001000000000000000", "3"),
        ("Counters/Counter1", "cnc_101", None, "unmapped", "1.000000000000000000", "3"),
    ]
    assert (count.metric_count, count.unmapped_count) == (2, 1)
    assert ("Laufend", "executing") in warehouse.execute("select local_state, state from raw.state_mapping").fetchall()


def test_a_rule_with_state_codes_of_its_own_has_a_state_map(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    from ingest.mapping import SiteMapping

    land_messages(tmp_path, 1)
    load(warehouse, tmp_path)
    rules = [
        {"metric": "Counters/Counter1", "is": "state", "role": "state"},
        {"metric": "Counters/Counter0", "is": "state", "role": "state", "states": {7: "stopped"}},
    ]
    mapping = SiteMapping.model_validate({"version": 1, "rules": rules, "states": {7: "executing", 8: "held"}})
    rebuild_mappings(warehouse, mappings={"hamburg": mapping})
    words = warehouse.execute(
        "select metric_name, local_state, state "
        "from raw.metric_mapping join raw.state_mapping using (site_id, state_map) "
        "where local_state in ('7', '8') order by all"
    ).fetchall()
    assert words == [
        ("Counters/Counter0", "7", "stopped"),
        ("Counters/Counter0", "8", "held"),
        ("Counters/Counter1", "7", "executing"),
        ("Counters/Counter1", "8", "held"),
    ]


def test_a_message_brought_back_from_quarantine_counts_as_landed(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """The quarantine keeps its row for ever; what a replay has landed since is no longer missing."""
    stroke = {"event_id": "s1", "event_type": "press_stroke", "event_at": "2026-03-01T00:00:00Z", "force": 12.5}
    land(tmp_path, a_json_site(), an_event_arrival(stroke, event_type="press_stroke"))
    write_contract(tmp_path / "events", a_contract())
    missing = (
        "select count(*) from raw.quarantined_message where message_id not in (select message_id from raw.message)"
    )
    for expected in ((0, 1), (1, 0)):
        for table in LANDED_TABLES:
            load(warehouse, tmp_path, table)
        assert warehouse.execute(f"select (select count(*) from raw.event), ({missing})").fetchone() == expected
        replay(tmp_path, [a_json_site(events=tmp_path / "events")])
    assert warehouse.execute("select count(*) from raw.quarantined_message").fetchone() == (1,)

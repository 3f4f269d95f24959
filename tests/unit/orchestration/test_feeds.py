"""A partner gets its own rows, whole, in files a spreadsheet cannot run."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from orchestration.errors import BuildError
from orchestration.feeds.contract import find_foreign_rows
from orchestration.feeds.publication import PartyFeed, publish_feed
from orchestration.warehouse.schema import open_warehouse

MODEL = "feed_supplier__component_quality"


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        connection.execute(
            """
            create schema operations;
            create table operations.party as
            select * from (values ('elbe', 'supplier'), ('acero', 'supplier'), ('rail', 'customer'))
                as t(party_id, party_role);
            create schema feeds;
            create table feeds.feed_supplier__component_quality as
            select * from (values
                ('elbe', 'lot-1', '=cmd()', -5.5::decimal(38, 9), timestamp '2026-03-01 10:00:00'),
                ('elbe', 'lot-2', 'plain', 7.0, timestamp '2026-03-02 10:00:00'),
                ('acero', 'lot-3', '@sum', 1.0, timestamp '2026-03-03 10:00:00')
            ) as t(party_id, material_lot_id, remark, rejected_quantity, received_at);
            """
        )
        yield connection


def publish(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> dict[str, PartyFeed]:
    return {one.party_id: one for one in publish_feed(connection, model=MODEL, directory=tmp_path / "feeds")}


def test_each_party_gets_its_rows_and_nobody_elses(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    published = publish(warehouse, tmp_path)
    assert {party: one.row_count for party, one in published.items()} == {"acero": 1, "elbe": 2}
    place = tmp_path / "feeds" / "supplier" / "elbe" / "component_quality"
    assert published["elbe"].path == place
    table = pq.read_table(place / "component_quality.parquet")
    assert table["party_id"].unique().to_pylist() == ["elbe"]
    assert str(table.schema.field("rejected_quantity").type) == "decimal128(38, 9)"


def test_the_manifest_names_the_bytes(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    place = publish(warehouse, tmp_path)["elbe"].path
    manifest = json.loads((place / "manifest.json").read_text())
    assert (manifest["party_id"], manifest["audience"], manifest["row_count"]) == ("elbe", "supplier", 2)
    assert [column["name"] for column in manifest["columns"]][:2] == ["party_id", "material_lot_id"]
    for file in manifest["files"]:
        assert hashlib.sha256((place / file["name"]).read_bytes()).hexdigest() == file["sha256"]


def test_text_that_would_run_as_a_formula_is_made_plain_and_numbers_stay(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    place = publish(warehouse, tmp_path)["elbe"].path
    with (place / "component_quality.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["remark"] for row in rows] == ["'=cmd()", "plain"]
    assert rows[0]["rejected_quantity"] == "-5.500000000"
    assert rows[0]["received_at"] == "2026-03-01T10:00:00.000000Z"


def test_unchanged_content_keeps_its_files(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    first = publish(warehouse, tmp_path)["elbe"]
    target = first.path.readlink()
    warehouse.execute("update feeds.feed_supplier__component_quality set remark = 'changed' where party_id = 'acero'")
    again = publish(warehouse, tmp_path)
    assert (again["elbe"].is_new, again["acero"].is_new) == (False, True)
    assert again["elbe"].path.readlink() == target
    assert len(list(again["acero"].path.parent.iterdir())) == 2, "the link and one generation"


def test_a_party_without_rows_gets_empty_files(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    warehouse.execute("delete from feeds.feed_supplier__component_quality where party_id = 'acero'")
    place = publish(warehouse, tmp_path)["acero"].path
    assert pq.read_table(place / "component_quality.parquet").num_rows == 0


def test_a_row_of_nobody_in_the_audience_stops_the_feed(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    warehouse.execute("update feeds.feed_supplier__component_quality set party_id = 'rail' where party_id = 'acero'")
    with pytest.raises(BuildError, match="rail is no supplier"):
        publish(warehouse, tmp_path)
    assert not list((tmp_path / "feeds").rglob("*.parquet"))


def test_another_partys_id_in_any_column_stops_the_feed(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    warehouse.execute(
        "update feeds.feed_supplier__component_quality set remark = 'acero' where material_lot_id = 'lot-2'"
    )
    with pytest.raises(BuildError, match="names another party in column remark"):
        publish(warehouse, tmp_path)


def test_a_party_that_left_finds_nothing(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    place = publish(warehouse, tmp_path)["acero"].path
    warehouse.execute("delete from operations.party where party_id = 'acero'")
    warehouse.execute("delete from feeds.feed_supplier__component_quality where party_id = 'acero'")
    publish(warehouse, tmp_path)
    assert list(place.parent.iterdir()) == []


def test_a_foreign_row_in_a_written_file_is_found(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    file = publish(warehouse, tmp_path)["elbe"].path / "component_quality.parquet"
    assert find_foreign_rows(file, party_id="elbe", others={"acero"}) == ""
    assert find_foreign_rows(file, party_id="acero", others={"elbe"}) == "component_quality.parquet holds rows of elbe"

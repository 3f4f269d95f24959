"""The serving copy is swapped whole, and only when the marts have changed."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.serving.copy import publish_serving_copy
from orchestration.warehouse.schema import open_warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with open_warehouse(path) as connection:
        connection.execute("create schema core; create table core.dim_site as select 'hamburg' as site_id")
        connection.execute("create schema staging; create table staging.secret as select 1 as inner_working")
    return path


def change(warehouse: Path) -> None:
    with open_warehouse(warehouse) as connection:
        connection.execute("insert into core.dim_site values ('pune')")


def test_only_marts_are_copied(warehouse: Path, tmp_path: Path) -> None:
    publication = publish_serving_copy(warehouse=warehouse, serving=tmp_path / "serving")
    with duckdb.connect(str(publication.path), read_only=True) as copy:
        schemas = {
            name for (name,) in copy.execute("select distinct table_schema from information_schema.tables").fetchall()
        }
        assert copy.execute("from core.dim_site").fetchall() == [("hamburg",)]
        assert copy.execute("select generation from meta").fetchall() == [(1,)]
    assert schemas == {"core", "main", "predictive"}


def test_unchanged_marts_keep_their_generation(warehouse: Path, tmp_path: Path) -> None:
    publish_serving_copy(warehouse=warehouse, serving=tmp_path / "serving")
    before = (tmp_path / "serving" / "serving.duckdb").stat().st_mtime_ns
    again = publish_serving_copy(warehouse=warehouse, serving=tmp_path / "serving")
    assert (again.generation, again.is_new) == (1, False)
    assert (tmp_path / "serving" / "serving.duckdb").stat().st_mtime_ns == before


def test_an_open_reader_keeps_its_generation_and_a_new_one_finds_the_next(warehouse: Path, tmp_path: Path) -> None:
    first = publish_serving_copy(warehouse=warehouse, serving=tmp_path / "serving")
    with duckdb.connect(str(first.path), read_only=True) as reader:
        change(warehouse)
        second = publish_serving_copy(warehouse=warehouse, serving=tmp_path / "serving")
        assert (second.generation, second.is_new) == (2, True)
        assert reader.execute("select count(*) from core.dim_site").fetchone() == (1,)
    with duckdb.connect(str(second.path), read_only=True) as reader:
        assert reader.execute("select count(*), max(generation) from core.dim_site, meta").fetchone() == (2, 2)
    assert [path.name for path in (tmp_path / "serving").iterdir()] == ["serving.duckdb"]


def test_debris_of_an_interrupted_publication_is_removed(warehouse: Path, tmp_path: Path) -> None:
    serving = tmp_path / "serving"
    serving.mkdir()
    (serving / "serving.duckdb.7.tmp").write_bytes(b"half a file")
    publish_serving_copy(warehouse=warehouse, serving=serving)
    assert [path.name for path in serving.iterdir()] == ["serving.duckdb"]


def test_the_copy_is_written_in_a_version_that_older_drivers_open(warehouse: Path, tmp_path: Path) -> None:
    publication = publish_serving_copy(warehouse=warehouse, serving=tmp_path / "serving")
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{publication.path}' as copy (read_only)")
        tags = connection.execute("select tags from duckdb_databases() where database_name = 'copy'").fetchone()
    assert "v1.2" in str(tags)

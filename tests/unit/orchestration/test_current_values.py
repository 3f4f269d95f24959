"""raw.current_value is the collectors' pictures of now, each metric once."""

from __future__ import annotations

from pathlib import Path

from orchestration.warehouse.current_values import replace_current_values
from orchestration.warehouse.schema import open_warehouse
from tests.builders.pictures import AT, Picture


def test_snapshots_replace_the_table_and_the_newest_of_two_stands(tmp_path: Path) -> None:
    Picture(tmp_path, part="line-a").says({"a": 7, "b": 1}, at=AT + 9)
    other = Picture(tmp_path, part="line-b")
    other.says({"a": 6, "c": 3}, at=AT + 8)
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        assert replace_current_values(warehouse, home=tmp_path) == 3
        other.says({"c": 4}, at=AT + 10)
        assert replace_current_values(warehouse, home=tmp_path) == 3
        found = warehouse.execute(
            "select metric_name, value_decimal::integer, stale_since from raw.current_value order by 1"
        ).fetchall()
    assert found == [("a/v", 7, None), ("b/v", 1, None), ("c/v", 4, None)]


def test_without_snapshots_the_table_is_empty(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        assert replace_current_values(warehouse, home=tmp_path) == 0

"""The border suites find what they are there for, and leave the warehouse file free for the next writer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestration.feeds.publication import publish_feed
from orchestration.quality.landed import check_landed_messages, check_landed_readings
from orchestration.quality.published import check_published_feed
from orchestration.warehouse.landed import read_landed_files
from orchestration.warehouse.loader import load_files
from orchestration.warehouse.schema import LANDED_TABLES, open_warehouse
from tests.builders.landed import land_messages


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    land_messages(tmp_path, 1, 2, 3)
    files = [file for batch in read_landed_files(tmp_path).values() for file in batch]
    with open_warehouse(path) as connection:
        for table in LANDED_TABLES:
            load_files(connection, table=table, files=files, home=tmp_path)
    return path


def test_what_the_collector_lands_keeps_its_promises(warehouse: Path) -> None:
    assert check_landed_messages(warehouse).broken == ()
    assert check_landed_readings(warehouse).broken == ()


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("update raw.message set message_type = 'HELLO'", "message_type"),
        ("update raw.message set site_id = 'Ham/burg'", "is_slug"),
        ("insert into raw.message select * from raw.message", "message_id"),
    ],
)
def test_a_broken_promise_is_named(warehouse: Path, change: str, broken: str) -> None:
    with open_warehouse(warehouse) as connection:
        connection.execute(change)
    verdict = check_landed_messages(warehouse)
    assert not verdict.is_met
    assert all(f"({broken})" in sentence for sentence in verdict.broken)


def test_a_reading_without_its_message_is_found(warehouse: Path) -> None:
    with open_warehouse(warehouse) as connection:
        connection.execute("delete from raw.message where seq = 2")
    assert "has_message" in " ".join(check_landed_readings(warehouse).broken)


def test_a_published_file_that_was_altered_is_found(warehouse: Path, tmp_path: Path) -> None:
    model = "feed_customer__order_progress"
    with open_warehouse(warehouse) as connection:
        connection.execute(
            f"""
            create schema operations; create schema feeds;
            create table operations.party as select 'rail' as party_id, 'customer' as party_role;
            create table feeds.{model} as select 'rail' as party_id, 'order-1' as customer_order_id;
            """
        )
        (published,) = publish_feed(connection, model=model, directory=tmp_path / "feeds")
    assert check_published_feed(directory=tmp_path / "feeds", model=model).broken == ()

    table = published.path / "order_progress.csv"
    table.write_text(table.read_text() + "volta,order-2\n")
    broken = " ".join(check_published_feed(directory=tmp_path / "feeds", model=model).broken)
    assert "not the bytes the manifest names" in broken
    assert "expect_column_values_to_be_in_set(party_id)" in broken
    assert json.loads((published.path / "manifest.json").read_text())["row_count"] == 1

"""Published Sparkplug clients against a real broker, collector and warehouse: what each published is what is held.

Two lives each: one that ends in a crash, and a return that ends in order.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.current_state import read_state
from ingest.landing import read_manifests
from orchestration.warehouse.landed import read_landed_files
from orchestration.warehouse.loader import load_files
from orchestration.warehouse.schema import LANDED_TABLES, open_warehouse
from tests.builders.held import FLOATS, held_value
from tests.builders.sparkplug import a_site
from tests.integration.brokers import Mosquitto, a_collector_process, a_mosquitto, stop
from tests.integration.sparkplug_peers import READABLE, UNREADABLE, Peer


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with a_mosquitto(tmp_path) as broker:
        yield broker


def wait_for(home: Path, is_landed: Callable[[dict[str, int]], bool]) -> None:
    """Wait until the row counts of the landing zone, by kind, are enough."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        counts: dict[str, int] = {}
        for manifest in read_manifests(home):
            for file in manifest.files:
                counts[file.kind] = counts.get(file.kind, 0) + file.row_count
        if is_landed(counts):
            return
        time.sleep(0.2)


def load(home: Path) -> duckdb.DuckDBPyConnection:
    """Everything landed, loaded into a warehouse and opened for questions."""
    path = home / "warehouse.duckdb"
    files = [file for batch in read_landed_files(home).values() for file in batch]
    with open_warehouse(path) as connection:
        for table in LANDED_TABLES:
            assert load_files(connection, table=table, files=files, home=home).rejections == ()
    return duckdb.connect(str(path), read_only=True)


def ask(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    found = connection.execute(query)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def milliseconds(moment: datetime) -> int:
    return round(moment.replace(tzinfo=UTC).timestamp() * 1000)


def said(sent: list[dict[str, Any]], peer: Peer) -> list[str]:
    return sorted(
        repr(
            (
                record["device"],
                record["name"],
                record["kind"],
                record["datatype"],
                float(record["value"]) if is_float(record) else record["value"],  # JavaScript says 0 for 0.0
                record["at"],
                record.get("source", "metric"),
                record.get("is_historical", False),
                record.get("unit"),
                peer.data_flags if record["kind"] == "data" else "",
            )
        )
        for record in sent
    )


def is_float(record: dict[str, Any]) -> bool:
    return record["datatype"] in FLOATS and record["value"] is not None


def held(rows: list[dict[str, Any]], began: int, ended: int, unstamped: set[str]) -> list[str]:
    """Rows as `said` puts them; where the client alone knew the time, it must lie within the run."""
    found = []
    for row in rows:
        at: int | None = milliseconds(row["event_at"])
        if row["metric_name"] in unstamped:
            assert at is not None
            assert began <= at <= ended
            at = None
        found.append(
            repr(
                (
                    row["device_id"],
                    row["metric_name"],
                    "birth" if row["message_type"].endswith("BIRTH") else "data",
                    row["datatype"],
                    held_value(row),
                    at,
                    row["event_at_source"],
                    row["is_historical"],
                    row["source_unit"],
                    row["flags"],
                )
            )
        )
    return sorted(found)


@pytest.mark.parametrize("peer", READABLE, ids=lambda peer: peer.name)
def test_what_a_client_published_in_two_lives_is_what_the_warehouse_holds(
    peer: Peer, broker: Mosquitto, tmp_path: Path
) -> None:
    peer.command()
    home = tmp_path / "home"
    began = time.time_ns() // 1_000_000
    with a_collector_process([a_site(broker={"url": broker.url})], home, batch_seconds=0.2) as collector:
        sent = peer.live(broker.port, life="crash", count=100)
        sent += peer.live(broker.port, life="clean", count=50)
        wait_for(home, lambda counts: counts.get("readings", 0) >= len(sent))
        stop(collector)
    ended = time.time_ns() // 1_000_000
    warehouse = load(home)
    rows = ask(
        warehouse,
        "select reading.*, message.message_type from raw.reading join raw.message using (message_id)"
        " where metric_name <> 'bdSeq'",
    )
    unstamped = {record["name"] for record in sent if record["at"] is None}
    assert held(rows, began, ended, unstamped) == said(sent, peer)
    assert {row["quality"] for row in rows} == {192}
    assert len({row["birth_at"] for row in rows}) == 2  # each life is a session, whatever its bd_seq says
    assert ask(warehouse, "select * from raw.quarantined_message") == []

    messages = ask(warehouse, "select message_type, seq, flags from raw.message order by event_at, seq")
    found = {
        (m["message_type"], m["flags"]) for m in messages if m["flags"] or m["message_type"] in {"NBIRTH", "DDATA"}
    }
    expected = {("NBIRTH", ""), ("DDATA", ""), *peer.message_flags}
    assert found - {("NBIRTH", "rebirth")} == expected  # a client that answers a request in time is born again
    losses = [row["loss_kind"] for row in ask(warehouse, "select loss_kind from raw.loss")]
    assert "seq_gap" not in losses
    assert peer.end in losses


def test_a_clients_last_value_is_the_current_state(broker: Mosquitto, tmp_path: Path) -> None:
    peer = READABLE[0]
    peer.command()
    home = tmp_path / "home"
    with a_collector_process([a_site(broker={"url": broker.url})], home, batch_seconds=0.2) as collector:
        sent = peer.live(broker.port, life="clean", count=5)
        wait_for(home, lambda counts: counts.get("readings", 0) >= len(sent))
        stop(collector)
    (good,) = read_state(home, "hamburg/edge/filler/Counters/Good")
    assert good.value == 2**63 + 5
    (temperature,) = read_state(home, "hamburg/edge/filler/Sensors/Temperature")
    assert temperature.value == 1.0


def test_a_client_that_speaks_json_on_sparkplug_topics_is_quarantined_to_the_byte(
    broker: Mosquitto, tmp_path: Path
) -> None:
    peer = UNREADABLE
    peer.command()
    home = tmp_path / "home"
    with a_collector_process([a_site(broker={"url": broker.url})], home, batch_seconds=0.2) as collector:
        crashed = peer.live(broker.port, life="crash", count=5)
        wait_for(home, lambda counts: counts.get("quarantine", 0) >= len(set(crashed)))
        returned = peer.live(broker.port, life="clean", count=5)
        # the will of a life that ends in order is published by nobody
        expected = crashed + returned[1:]
        wait_for(home, lambda counts: counts.get("quarantine", 0) >= len(set(expected)))
        stop(collector)
    warehouse = load(home)
    refused = ask(warehouse, "select topic, reason, payload from raw.quarantined_message")
    assert sorted(bytes(row["payload"]) for row in refused) == sorted({text.encode() for text in expected})
    assert {row["reason"] for row in refused} == {"malformed_payload"}
    assert {row["topic"] for row in refused} == {
        f"spBv1.0/hamburg/{kind}/edge" for kind in ("NBIRTH", "NDATA", "NDEATH")
    }
    assert ask(warehouse, "select * from raw.message") == []

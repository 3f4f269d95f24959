"""Ten kill -9 of the collector while the plants publish: nothing lost, nothing doubled, and the same invoices."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from ingest.landing import read_manifests
from ingest.simulator.plan import plan
from ingest.simulator.publication import Publication
from ingest.simulator.publisher import publish
from ingest.simulator.scenario import load_plants
from orchestration.playing import collector_process
from orchestration.settings import TEMPLATE
from tests.e2e.conftest import Demo, lineshaft
from tests.integration.brokers import a_mosquitto

KILLS = 10
WHERE_IT_LIES = {
    *("landed_file", "file_row", "file_sha256", "invoice_sha256", "previous_sha256", "issued_at"),
    *("readings_root", "lines_root", "signing_public_key", "signature"),
}


class Plants(threading.Thread):
    """Publishes the whole scenario; `account` is there when it has ended."""

    def __init__(self, url: str) -> None:
        super().__init__(name="plants", daemon=True)
        self.url = url
        self.account: Publication | None = None

    def run(self) -> None:
        self.account = asyncio.run(publish(plan(load_plants(TEMPLATE)), broker_url=self.url, speed=25_000))


def test_ten_kills_change_no_invoice(demo: Demo, tmp_path: Path) -> None:
    home, dice = tmp_path / "home", random.Random(11)
    with a_mosquitto(tmp_path) as broker:
        plants = Plants(broker.url)
        options = ["--broker", broker.url, "--protocol", "5"]
        kills = 0
        while kills < KILLS or plants.is_alive():
            with collector_process(deployment=TEMPLATE, home=home, options=options, batch_seconds=0.3) as collector:
                if not plants.ident:
                    plants.start()
                if kills < KILLS:
                    time.sleep(dice.uniform(0.2, 2.0))
                    assert plants.is_alive(), "every kill must come while the plants publish"
                    collector.process.kill()
                    kills += 1
                else:
                    plants.join()
        assert plants.account is not None
        published = plants.account.distinct
        with collector_process(deployment=TEMPLATE, home=home, options=options):
            deadline = time.monotonic() + 120
            while len(identities(home)) < published and time.monotonic() < deadline:
                time.sleep(0.5)
    assert len(identities(home)) == published
    lineshaft(home, "build")
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        doubled = warehouse.execute(
            "select (select count(*) - count(distinct message_id) from raw.message) "
            "+ (select count(*) - count(distinct (message_id, metric_index)) from raw.reading)"
        ).fetchall()[0][0]
    assert doubled == 0
    lineshaft(home, "invoice", "draft", "2026-03")
    lineshaft(home, "invoice", "issue", "2026-03", "--issued-on", "2026-04-01")
    assert billed(home) == billed(demo.home)


def identities(home: Path) -> set[str]:
    """Every message in the landing zone or in quarantine."""
    return {
        identity
        for manifest in read_manifests(home)
        for file in manifest.files
        if file.kind in {"messages", "quarantine"}
        for identity in pq.ParquetFile(home / file.path).read(["message_id"])["message_id"].to_pylist()
    }


def billed(home: Path) -> list[dict[str, Any]]:
    """The issued invoices, whole, but for the names of files and what is computed over them."""
    listed = json.loads(lineshaft(home, "invoice", "show", "--json"))
    documents = [json.loads(lineshaft(home, "invoice", "show", each["invoice_number"], "--json")) for each in listed]
    assert len(documents) == 14
    return [without_places(document) for document in documents]


def without_places(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_places(inner) for name, inner in value.items() if name not in WHERE_IT_LIES}
    if isinstance(value, list):
        return [without_places(inner) for inner in value]
    return value

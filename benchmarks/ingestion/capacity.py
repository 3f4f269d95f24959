"""What one collector takes on this machine in this hour: the rate that the other parts are multiples of.

Belongs here: a collector alone under a burst, and reading back what it landed. Does not belong here: what follows.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.ingestion.processes import Child, our_module, running
from benchmarks.ingestion.stream import METRICS, birth_rows
from ingest.landing import read_manifests
from tests.integration.brokers import Mosquitto


@contextmanager
def a_collector(broker: Mosquitto, home: Path) -> Iterator[Child]:
    order = json.dumps({"url": broker.url, "home": str(home)})
    with running(our_module("collector", order)) as collector:
        collector.wait_for("ready")
        yield collector


def messages_per_second(broker: Mosquitto, collector: Child, *, messages: int) -> float:
    """From the first PUBLISH of a burst to the commit of its last message."""
    order = json.dumps({"port": broker.port, "count": messages, "aliases": True})
    with running(our_module("publisher", order)) as publisher:
        publisher.wait_for("prepared")
        publisher.tell()
        landed_at = until_landed(collector, birth_rows() + messages * METRICS)
        return messages / (landed_at - float(publisher.wait_for("sent")["started_at"]))


def until_landed(collector: Child, rows: int, *, seconds: float = 600.0) -> float:
    """When the collector had committed that many readings."""
    deadline = time.monotonic() + seconds
    while True:
        said = collector.wait_for("landed", seconds=max(deadline - time.monotonic(), 1.0))
        if said["landed"] >= rows:
            return float(said["at"])


def until_quiet(collector: Child, *, seconds: float) -> None:
    """Return once the collector has committed nothing for so long."""
    with suppress(TimeoutError):
        while True:
            collector.wait_for("landed", seconds=seconds)


def landed(home: Path, kind: str, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    """The rows of every committed file of a kind."""
    for manifest in read_manifests(home):
        for file in manifest.files:
            if file.kind == kind:
                table = pq.read_table(home / file.path, columns=columns)
                yield from zip(*(column.to_pylist() for column in table.columns), strict=True)

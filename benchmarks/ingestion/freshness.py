"""How old the newest event in landing is while 3,000 messages a second arrive.

Belongs here: the run and the samples. Does not belong here: the collector's batching, which decides them.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from benchmarks.ingestion.capacity import a_collector
from benchmarks.ingestion.figures import Figure, Report
from benchmarks.ingestion.processes import our_module, running
from ingest.landing import read_manifests
from tests.integration.brokers import a_mosquitto

PER_SECOND = 3_000
AGE_S = 2.0
WARM_S = 5.0
SAMPLE_EVERY_S = 0.05


def measure(report: Report, *, directory: Path, seconds: float) -> None:
    home = directory / "home"
    ages: list[float] = []
    order = {"count": int((seconds + WARM_S) * PER_SECOND), "aliases": True, "live": True, "per_second": PER_SECOND}
    with a_mosquitto(directory) as broker, a_collector(broker, home):
        sent = _look(home, ages, order | {"port": broker.port}, seconds=seconds)
    rate = sent["sent"] / sent["seconds"]
    ages.sort()
    report.note(
        f"published at {rate:,.0f} messages/s; newest event in landing: median {ages[len(ages) // 2]:.2f} s, "
        f"worst {ages[-1]:.2f} s of {len(ages)} looks"
    )
    report.add(
        Figure(
            name=f"newest event in landing at {PER_SECOND:,}/s, p95 age",
            ours=ages[int(len(ages) * 0.95)],
            peer=AGE_S,
            unit="s",
            target=1.0,
            bound="at_most",
        )
    )


def _look(home: Path, ages: list[float], order: dict[str, Any], *, seconds: float) -> dict[str, Any]:
    """Publish, and note the age of the newest event that a manifest commits, again and again."""
    with running(our_module("publisher", json.dumps(order))) as publisher:
        publisher.wait_for("prepared")
        publisher.tell()
        began, last, newest = time.monotonic(), "", 0.0
        while (passed := time.monotonic() - began) < seconds + WARM_S:
            for manifest in read_manifests(home, after=last):
                last = manifest.path
                ends = [file.max_event_at for file in manifest.files if file.kind == "readings"]
                newest = max([newest, *(end.timestamp() for end in ends if end is not None)])
            if passed > WARM_S:
                ages.append(time.time() - newest)
            time.sleep(SAMPLE_EVERY_S)
        return publisher.wait_for("sent", seconds=120)

"""Memory over an hour's worth of messages, played as fast as the collector comfortably takes them.

Belongs here: the run and the samples. Does not belong here: how fast that is (capacity).
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path

from benchmarks.ingestion.capacity import a_collector, messages_per_second
from benchmarks.ingestion.figures import Figure, Report
from benchmarks.ingestion.processes import our_module, resident_mib, running
from benchmarks.ingestion.stream import METRICS, birth_rows
from tests.integration.brokers import a_mosquitto

HOUR_S = 3_600
COMFORT = 0.6
SAMPLE_EVERY_S = 0.25


def measure(report: Report, *, directory: Path, hour_rate: int, messages: int) -> None:
    count = HOUR_S * hour_rate
    with a_mosquitto(directory) as broker, a_collector(broker, directory / "home") as collector:
        capacity = messages_per_second(broker, collector, messages=messages)  # and everything is warm
        before = birth_rows() + messages * METRICS
        order = {"port": broker.port, "count": count, "aliases": True, "per_second": COMFORT * capacity}
        samples: list[tuple[int, float]] = []
        with running(our_module("publisher", json.dumps(order))) as publisher:
            publisher.wait_for("prepared", seconds=300)
            publisher.tell()
            landed, wanted = before, before + birth_rows() + count * METRICS
            deadline = time.monotonic() + 3 * count / (COMFORT * capacity) + 60
            while landed < wanted:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{landed} of {wanted} readings landed")
                landed = collector.latest("landed", landed)
                samples.append((landed, resident_mib(collector.process.pid)))
                time.sleep(SAMPLE_EVERY_S)
    quarter = (wanted - before) / 4
    first = statistics.mean(size for at, size in samples if at - before <= quarter)
    last = statistics.mean(size for at, size in samples if wanted - at <= quarter)
    peak = max(size for _, size in samples)
    report.note(f"an hour at {hour_rate} messages/s, played at {COMFORT * capacity:,.0f}/s; peak {peak:.0f} MiB")
    report.add(
        Figure(
            name=f"memory, last against first quarter of {count:,} messages",
            ours=last,
            peer=first,
            unit="MiB",
            target=1.1,
            bound="at_most",
        )
    )

"""Receiving alone: our link against aiomqtt's bare loop, QoS 1, the same burst.

Belongs here: the comparison and the publisher's ceiling. Does not belong here: either contestant.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ingestion.figures import Figure, Report, median
from benchmarks.ingestion.processes import cpu_seconds, our_module, running
from benchmarks.ingestion.stream import GROUP
from tests.integration.brokers import a_mosquitto

TOPIC = f"spBv1.0/{GROUP}/DDATA/#"
CONTESTANTS = {"ours": "receiver", "aiomqtt": "peers.aiomqtt_count"}


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What one contestant did with one burst."""

    wall_s: float
    cpu_s: float
    broker_cpu_s: float


def measure(report: Report, *, directory: Path, messages: int, repeats: int) -> None:
    found: dict[str, list[Receipt]] = {name: [] for name in CONTESTANTS}
    with a_mosquitto(directory) as broker:
        ceiling = median([publish_alone(broker.port, messages) for _ in range(repeats)])
        for _ in range(repeats):
            for name, module in CONTESTANTS.items():
                found[name].append(_receive(module, broker.port, broker.process.pid, messages))
    ours, peer = found["ours"], found["aiomqtt"]
    report.note(
        f"publisher alone: {ceiling:,.0f} messages/s; mosquitto "
        f"{median([each.broker_cpu_s for each in ours]) / messages * 1e6:.1f} CPU-µs per message while we receive"
    )
    for name, unit, ours_value, peer_value in (
        ("receive, wall, against (a) aiomqtt async for", "messages/s", *_rates(ours, peer, messages, "wall_s")),
        ("receive, per core, against (a)", "msg/CPU-s", *_rates(ours, peer, messages, "cpu_s")),
    ):
        report.add(Figure(name=name, ours=ours_value, peer=peer_value, unit=unit, target=1.6))
    report.note(
        f"CPU-µs per message: ours {median([each.cpu_s for each in ours]) / messages * 1e6:.1f}, "
        f"(a) {median([each.cpu_s for each in peer]) / messages * 1e6:.1f}"
    )


def publish_alone(port: int, messages: int) -> float:
    """Messages a second of the publisher when nobody listens."""
    order = json.dumps({"port": port, "count": messages, "aliases": True, "births": False})
    with running(our_module("publisher", order)) as publisher:
        publisher.wait_for("prepared")
        publisher.tell()
        return messages / float(publisher.wait_for("sent")["seconds"])


def _receive(module: str, port: int, broker_pid: int, messages: int) -> Receipt:
    order = json.dumps({"port": port, "count": messages, "aliases": True, "births": False})
    with (
        running(our_module("publisher", order)) as publisher,
        running(our_module(module, str(port), str(messages), TOPIC)) as contestant,
    ):
        publisher.wait_for("prepared")
        contestant.wait_for("ready")
        before, broker_before = cpu_seconds(contestant.process.pid), cpu_seconds(broker_pid)
        publisher.tell()
        done = contestant.wait_for("done", seconds=300)
        after, broker_after = cpu_seconds(contestant.process.pid), cpu_seconds(broker_pid)
        started = publisher.wait_for("sent")["started_at"]
        contestant.tell()
        return Receipt(wall_s=done["at"] - started, cpu_s=after - before, broker_cpu_s=broker_after - broker_before)


def _rates(ours: list[Receipt], peer: list[Receipt], messages: int, field: str) -> tuple[float, float]:
    rates = [median([messages / max(getattr(each, field), 0.01) for each in side]) for side in (ours, peer)]
    return rates[0], rates[1]

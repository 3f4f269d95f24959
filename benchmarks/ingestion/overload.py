"""Three times the load the collector can take: nothing lost, or every loss in the ledger.

Belongs here: the run beside a broker as we ask for it, and beside one with mosquitto's own limits, which drops.
Does not belong here: what counts as accounted for (tests.integration.storm.account).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.ingestion.capacity import a_collector, landed, messages_per_second, until_quiet
from benchmarks.ingestion.figures import Figure, Report
from benchmarks.ingestion.processes import our_module, running
from benchmarks.ingestion.stream import NODES, Data
from ingest.arrival import Arrival, message_id
from tests.builders.mqtt_wire import WirePublisher
from tests.integration.brokers import LIMITS, a_mosquitto
from tests.integration.storm.account import LedgerEntry, LossAccount, Sent, account_for

MOSQUITTO_LIMITS = "upgrade_outgoing_qos true\n"
QUIET_S = 12.0
"""Longer than the reorder timeout, after which the ledger has its entries."""


@dataclass(frozen=True, kw_only=True)
class Overload:
    """One run: how much more than it can take was offered, and what became of it."""

    factor: float
    account: LossAccount


def measure(report: Report, *, directory: Path, seconds: float, messages: int) -> None:
    for name, limits in (("our broker settings", LIMITS), ("mosquitto's own limits", MOSQUITTO_LIMITS)):
        place = directory / name.replace(" ", "_").replace("'", "")
        place.mkdir()
        run = _overload(place, limits=limits, seconds=seconds, messages=messages)
        account = run.account
        report.note(
            f"{name}: {account.sent_count:,} messages at {run.factor:.1f} × what it can take; lost "
            f"{account.lost_count:,}, the ledger estimates {account.estimated_count:,}"
        )
        if limits == LIMITS:
            report.add(_none_of("overload × 3: lost", account.lost_count, account.sent_count))
        report.add(_none_of(f"overload, {name}: not in ledger", len(account.unaccounted), account.lost_count))


def _none_of(name: str, ours: int, peer: int) -> Figure:
    return Figure(name=name, ours=ours, peer=peer, unit="messages", target=0, bound="at_most")


def _overload(directory: Path, *, limits: str, seconds: float, messages: int) -> Overload:
    home, apart = directory / "home", directory / "apart"
    apart.mkdir()
    with a_mosquitto(apart) as broker, a_collector(broker, apart / "home") as collector:
        capacity = messages_per_second(broker, collector, messages=messages)
    count = int(3 * capacity * seconds)
    order = {"port": 0, "count": count, "aliases": True, "per_second": 3 * capacity}
    with a_mosquitto(directory, limits=limits) as broker, a_collector(broker, home) as collector:
        with running(our_module("publisher", json.dumps(order | {"port": broker.port}))) as publisher:
            base = int(publisher.wait_for("prepared", seconds=300)["base_at"])
            publisher.tell()
            sent = publisher.wait_for("sent", seconds=seconds * 10 + 60)
        until_quiet(collector, seconds=QUIET_S)
        data = Data(at=base, with_aliases=True)
        wire = WirePublisher(broker.port, client_id="last-words")
        wire.send_all(data.chunks(NODES, first=count))  # what comes after a gap is what shows it
        wire.close()
        until_quiet(collector, seconds=QUIET_S)
        collector.end()
        collector.wait_for("report", seconds=120)
    found = {str(identifier) for (identifier,) in landed(home, "messages", ["message_id"])}
    account = account_for(_sent(data, count + NODES), found=found, ledger=read_ledger(home))
    return Overload(factor=count / float(sent["seconds"]) / capacity, account=account)


def _sent(data: Data, count: int) -> Iterator[Sent]:
    for number in range(count):
        arrival = Arrival(data.topic(number), data.payload(number), 0)
        at = int(data.at + number * data.step_ms)
        yield Sent(f"line_{number % NODES}", at, message_id(arrival, has_own_time=True))


def read_ledger(home: Path) -> list[LedgerEntry]:
    """The loss ledger as it lies in the landing zone."""
    columns = ["edge_node_id", "loss_kind", "from_at", "until_at", "estimated_count"]
    return [
        LedgerEntry(node, kind, _milliseconds(start), _milliseconds(stop), estimated)
        for node, kind, start, stop, estimated in landed(home, "losses", columns)
    ]


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.replace(tzinfo=UTC).timestamp() * 1000)

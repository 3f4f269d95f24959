"""The simulator against a real broker: the embedded one always, mosquitto where it is installed."""

from __future__ import annotations

import asyncio
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ingest.simulator.embedded_broker import embedded_broker
from ingest.simulator.errors import PublishError
from ingest.simulator.plan import Plan, plan
from ingest.simulator.publication import Publication
from ingest.simulator.publisher import publish
from ingest.simulator.shift_calendar import epoch_ms
from ingest.simulator.troubles import EdgeNodeOutage, MistypedPayload
from ingest.sparkplug.datatypes import DataType
from ingest.sparkplug.metrics import Metric
from ingest.sparkplug.payload import REBIRTH, decode_payload, encode_payload
from tests.builders.plants import on_the_wire, some_plants


@dataclass
class Subscriber:
    """Hears everything plants say."""

    url: str
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    client: Any = None

    def __enter__(self) -> Subscriber:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        subscribed = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="test-subscriber")
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.on_message = lambda _client, _data, message: self.heard.append((message.topic, message.payload))
        self.client.connect(parts.hostname, parts.port)
        self.client.loop_start()
        self.client.subscribe([("spBv1.0/#", 1), ("meridian/#", 1)])
        assert subscribed.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def wait_for(self, count: int, *, timeout_s: float = 30) -> None:
        until = time.monotonic() + timeout_s
        while len(self.heard) < count and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.2)  # whatever comes too much would come now


@pytest.fixture(scope="module", params=["embedded", "mosquitto"])
def broker_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "embedded":
        with embedded_broker() as url:
            yield url
        return
    executable = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if executable is None:
        pytest.skip("mosquitto is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = tmp_path_factory.mktemp("mosquitto") / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n", encoding="utf-8")
    process = subprocess.Popen([executable, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"mqtt://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def two_days_with_trouble() -> Plan:
    start = some_plants().scenario.start_at
    hours = [start.replace(hour=hour) for hour in (9, 11, 12)]
    outage = EdgeNodeOutage(site_id="pune", edge_node_id="milling_line", from_at=hours[0], until_at=hours[1])
    typo = MistypedPayload(kind="random_bytes", site_id="hamburg", work_unit_id="cnc_101", at=hours[2])
    return plan(some_plants(days=2, edge_node_outages=(outage,), mistyped_payloads=(typo,), redelivered_ratio=0.02))


def published(played: Plan, url: str) -> Publication:
    return asyncio.run(publish(played, broker_url=url))


def test_everything_published_is_received_with_the_will_and_in_order(broker_url: str) -> None:
    """A plan's messages plus the broker's will, nothing else; seq of every node without a gap."""
    played = two_days_with_trouble()
    with Subscriber(broker_url) as subscriber:
        account = published(played, broker_url)
        subscriber.wait_for(account.published)
    planned = Counter(on_the_wire(played))
    heard = Counter(subscriber.heard)
    (will,) = (heard - planned).elements()
    assert not planned - heard
    assert will[0] == "spBv1.0/pune/NDEATH/milling_line"
    assert decode_payload(will[1]).metrics[0].value == 0
    assert account.published == len(subscriber.heard)
    assert account.distinct == len(heard)
    assert account.redelivered == account.published - account.distinct > 0
    assert account.expected_quarantine == {"malformed_payload": 1}
    assert account.will_count == 1
    _assert_seq_has_no_gap([m for m in subscriber.heard if m[1] and not m[1].startswith(b"\xff")])


def _assert_seq_has_no_gap(heard: list[tuple[str, bytes]]) -> None:
    last: dict[tuple[str, str], int] = {}
    for topic, payload in heard:
        parts = topic.split("/")
        if parts[0] != "spBv1.0" or parts[2] == "NDEATH":
            continue
        seq = decode_payload(payload).seq
        assert seq is not None
        node = parts[1], parts[3]
        assert seq == (0 if parts[2] == "NBIRTH" else (last[node] + 1) % 256)
        last[node] = seq


@pytest.mark.parametrize("is_reset", [False, True], ids=["end of stream", "reset"])
def test_the_broker_publishes_the_will_when_a_socket_breaks(broker_url: str, is_reset: bool) -> None:
    """The embedded broker must do what a plant's broker does: say the will, whichever way the line breaks."""
    parts = urlsplit(broker_url)
    assert parts.hostname is not None
    assert parts.port is not None
    with Subscriber(broker_url) as subscriber:
        connected = threading.Event()
        node = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"torn-{is_reset}", reconnect_on_failure=False)
        node.will_set("spBv1.0/hamburg/NDEATH/torn", b"gone", qos=1)
        node.on_connect = lambda *_: connected.set()
        node.connect(parts.hostname, parts.port)
        node.loop_start()
        assert connected.wait(10)
        line = node.socket()
        assert isinstance(line, socket.socket)
        if is_reset:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.close()
        else:
            line.shutdown(socket.SHUT_RDWR)
        subscriber.wait_for(1, timeout_s=10)
        node.loop_stop()
    assert subscriber.heard == [("spBv1.0/hamburg/NDEATH/torn", b"gone")]


def test_a_rebirth_is_answered_by_births_in_the_same_session(broker_url: str) -> None:
    """NBIRTH with seq 0 and the old bdSeq, every device's birth with present values, then data without a gap."""
    played = plan(some_plants(days=1, redelivered_ratio=0.0))
    command = encode_payload(
        timestamp=epoch_ms(some_plants().scenario.start_at),
        seq=None,
        metrics=(Metric(name=REBIRTH, datatype=DataType.Boolean, value=True),),
    )
    with Subscriber(broker_url) as subscriber:

        def ask(done: int, _total: int) -> None:
            if done == 500:
                subscriber.client.publish("spBv1.0/hamburg/NCMD/milling_line", command, qos=0)

        account = asyncio.run(publish(played, broker_url=broker_url, on_progress=ask))
        subscriber.wait_for(account.published + 1)
    said = [m for m in subscriber.heard if m[0].split("/")[2] != "NCMD"]
    assert account.rebirth_count == 1
    assert len(said) == account.published == len(on_the_wire(played)) + 5
    births = [decode_payload(p) for t, p in said if t == "spBv1.0/hamburg/NBIRTH/milling_line"]
    assert [(b.seq, b.metrics[0].value) for b in births] == [(0, 0), (0, 0)]
    again = [decode_payload(p) for t, p in said if t == "spBv1.0/hamburg/DBIRTH/milling_line/cnc_101"][1]
    assert all(metric.name and metric.alias for metric in again.metrics)
    assert next(m.value for m in again.metrics if m.name == "Counters/Good") is not None
    _assert_seq_has_no_gap(said)


def test_speed_paces_the_plan_by_its_own_clock(broker_url: str) -> None:
    """One simulated day at 86,400 simulated seconds per second takes about a second, not less."""
    played = plan(some_plants(days=1))
    account = asyncio.run(publish(played, broker_url=broker_url, speed=43_200))
    assert 2.0 <= account.elapsed_s < 20


def test_a_broker_that_is_not_there_is_said_in_one_sentence() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"mqtt://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(PublishError, match=f"no broker answers at {url}: start one or correct the address"):
        published(plan(some_plants(days=1)), url)


def test_the_embedded_broker_leaves_no_process_behind() -> None:
    with embedded_broker() as url:
        port = urlsplit(url).port
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port or 0)) != 0

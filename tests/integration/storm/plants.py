"""Plants that keep exact accounts of what they sent and what was acknowledged to them.

Belongs here: an edge node (Sparkplug, QoS 0, a totalizer, no store-and-forward) and a JSON client (QoS 1, a window).
Does not belong here: cutting their network, or judging what became of the messages.

Both come back by themselves when their connection ends: the edge node with its next bd_seq and new births, the JSON
client by sending again what was not acknowledged, under the same identity.
"""

from __future__ import annotations

import json
import threading
import time

from ingest.arrival import Arrival, message_id
from tests.builders.mqtt_wire import PACKET_IDS, WirePublisher, publish_packet
from tests.builders.sparkplug import a_device_birth, a_metric, a_node_birth, a_node_death, device_data
from tests.integration.storm.account import Sent

TICK_S = 0.02
AGAIN_S = 0.2
WINDOW = 500
MOST_AT_ONCE = 200
JSON_TOPIC = "meridian/monterrey/mecanizado/cnc_201/husillo"
ENERGY = "Counters/Energy"


class _Plant(threading.Thread):
    """Sends `count` messages at a rate, over as many connections as it takes.

    `ceiling` is the share of them that may have been produced by now: the storm raises it from blow to blow, so that a
    busy machine stretches the run instead of letting the plants finish before the last blow.
    """

    def __init__(self, name: str, *, port: int, count: int, per_second: float) -> None:
        super().__init__(name=name, daemon=True)
        self.port, self.count, self.per_second = port, count, per_second
        self.ceiling = 1.0
        self.connections = 0
        self.produced = 0
        self.failure: BaseException | None = None
        self._last_at = 0

    def run(self) -> None:
        try:
            self._live()
        except BaseException as error:
            self.failure = error
            raise

    def _live(self) -> None:
        last, credit, wire = time.monotonic(), 0.0, None
        while self.is_unfinished():
            try:
                if wire is None:
                    wire = self._connect()
                    self.connections += 1
                now = time.monotonic()
                credit, last = min(credit + (now - last) * self.per_second, MOST_AT_ONCE), now
                due = max(min(int(credit), int(self.count * self.ceiling) - self.produced), 0)
                credit -= due
                self._send(wire, due)
            except OSError:  # cut, or no broker: what was under way may be lost
                if wire is not None:
                    wire.break_off()
                wire = None
                time.sleep(AGAIN_S)
        assert wire is not None
        self._take_leave(wire)

    def is_unfinished(self) -> bool:
        return self.produced < self.count

    def _now(self) -> int:
        """Milliseconds UTC, never twice the same."""
        self._last_at = max(time.time_ns() // 1_000_000, self._last_at + 1)
        return self._last_at

    def _connect(self) -> WirePublisher:
        raise NotImplementedError

    @staticmethod
    def _first(wire: WirePublisher, data: bytes) -> None:
        """What a new connection says first, which may already be its last."""
        try:
            wire.send(data)
        except OSError:
            wire.break_off()
            raise

    def _send(self, wire: WirePublisher, count: int) -> None:
        raise NotImplementedError

    def _take_leave(self, wire: WirePublisher) -> None:
        wire.close()


class EdgeNodePlant(_Plant):
    """One edge node with one device: births on every connection, then data by alias, its Will the death."""

    def __init__(self, name: str, **options: object) -> None:
        super().__init__(name, **options)  # type: ignore[arg-type]
        self.sent: list[Sent] = []
        self.last_words: str | None = None
        self._seq = 0
        self._wire: WirePublisher | None = None

    def _connect(self) -> WirePublisher:
        bd_seq = self.connections % 256
        death = a_node_death(bd_seq=bd_seq, node=self.name)
        wire = WirePublisher(self.port, client_id=self.name, will=(death.topic, death.payload))
        born_at, declared_at = self._now(), self._now()
        birth = a_node_birth(bd_seq=bd_seq, at=born_at, node=self.name)
        energy = a_metric(ENERGY, self.produced, alias=1, timestamp=declared_at)
        device = a_device_birth([energy], at=declared_at, node=self.name)
        self._seq = 2
        self._first(wire, self._note(birth, at=born_at) + self._note(device, at=declared_at))
        return wire

    def _send(self, wire: WirePublisher, count: int) -> None:
        packets = []
        for _ in range(count):
            at = self._now()
            reading = a_metric(value=self.produced, alias=1, timestamp=at)
            packets.append(self._note(device_data([reading], seq=self._seq % 256, at=at, node=self.name), at=at))
            self._seq += 1
            self.produced += 1
        wire.send(b"".join(packets))
        wire.collect(seconds=TICK_S)  # nothing comes, but for the end of the connection

    def say_last_words(self) -> None:
        """Connect once more, now that all is calm: what comes after a gap is what shows it."""
        self._wire = self._connect()  # stays connected: a death would be one more entry in the ledger
        self.connections += 1
        self._send(self._wire, 1)
        self.last_words = self.sent[-1].message_id

    def hang_up(self) -> None:
        """The very end, when nobody keeps accounts any more."""
        if self._wire is not None:
            self._wire.close()

    def _note(self, arrival: Arrival, *, at: int) -> bytes:
        # before it is sent: a message that may have left must be found or accounted for
        self.sent.append(Sent(self.name, at, message_id(arrival, has_own_time=True)))
        return publish_packet(arrival.topic, arrival.payload)


class JsonPlant(_Plant):
    """A client of the plain JSON family; `acknowledged` holds what the broker took over, and when."""

    def __init__(self, name: str, **options: object) -> None:
        super().__init__(name, **options)  # type: ignore[arg-type]
        self.acknowledged: dict[str, float] = {}
        self.resent = 0
        self._waiting: dict[int, tuple[str, bytes]] = {}
        self._packet_id = 0

    def is_unfinished(self) -> bool:
        return super().is_unfinished() or bool(self._waiting)

    def _connect(self) -> WirePublisher:
        wire = WirePublisher(self.port, client_id=self.name)
        again, self._waiting = list(self._waiting.values()), {}
        self.resent += len(again)
        self._first(wire, b"".join([self._packet(wire, identity, payload) for identity, payload in again]))
        return wire

    def _send(self, wire: WirePublisher, count: int) -> None:
        packets = []
        for _ in range(min(count, WINDOW - len(self._waiting))):
            number = self.produced
            payload = json.dumps({"timestamp": self._now(), "a": number, "b": number / 4}).encode()
            identity = message_id(Arrival(JSON_TOPIC, payload, 0), has_own_time=True)
            packets.append(self._packet(wire, identity, payload))
            self.produced += 1
        wire.send(b"".join(packets))
        for packet_id in wire.collect(seconds=TICK_S):
            assert isinstance(packet_id, int)
            identity, _ = self._waiting.pop(packet_id)
            self.acknowledged[identity] = time.time()

    def _packet(self, wire: WirePublisher, identity: str, payload: bytes) -> bytes:
        self._packet_id = self._packet_id % PACKET_IDS + 1
        self._waiting[self._packet_id] = (identity, payload)
        wire.expect(self._packet_id, self._packet_id)
        return publish_packet(JSON_TOPIC, payload, packet_id=self._packet_id)

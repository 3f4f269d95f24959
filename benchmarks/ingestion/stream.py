"""The stream every contestant reads: 10-metric Sparkplug B messages of ten edge nodes, as bytes ready to send.

Belongs here: births and data, with aliases or with names. Does not belong here: sending (publisher).

A message is a template with its times, values and sequence number patched in: two microseconds each, so that a long
run can be made while it is sent. Every message is different, for the collector drops what it has landed already.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ingest.arrival import Arrival
from ingest.sparkplug.datatypes import DataType
from ingest.sparkplug.metrics import Metric
from ingest.sparkplug.payload import encode_payload
from tests.builders.mqtt_wire import PACKET_IDS, publish_packet

GROUP = "benchmark"
NODES = 10
METRICS = 10
CHUNK = 64

_DOUBLES = tuple(f"Sensors/Temperature_{number}" for number in range(1, 7))
_COUNTERS = ("Counters/Good", "Counters/Energy")
_AT, _SEQ = 1_799_999_999_999, 0x7B
_SENTINELS = tuple(1_000.5 + number for number in range(len(_DOUBLES)))
_COUNTED = ((1 << 40) + 12_345, (1 << 40) + 54_321)


def births(*, at: int, with_aliases: bool) -> list[tuple[str, bytes]]:
    """Topic and payload of each edge node's NBIRTH and its device's DBIRTH."""
    found = []
    for node in range(NODES):
        own = [Metric(name="bdSeq", datatype=DataType.Int64, value=0, timestamp=at)]
        found.append((topic("NBIRTH", node), encode_payload(timestamp=at, seq=0, metrics=own)))
        declared = _metrics(at=at, with_names=True, with_aliases=with_aliases)
        found.append((topic("DBIRTH", node), encode_payload(timestamp=at, seq=1, metrics=declared)))
    return found


def birth_rows() -> int:
    """Readings that the births themselves land as."""
    return NODES * (1 + METRICS)


def topic(message_type: str, node: int) -> str:
    device = "" if message_type.startswith("N") else "/cnc_101"
    return f"spBv1.0/{GROUP}/{message_type}/line_{node}{device}"


class Data:
    """The DDATA messages of a stream; `payload(i)` is the i-th of all, edge nodes taking turns."""

    def __init__(self, *, at: int, with_aliases: bool, step_ms: float = 1.0) -> None:
        self.at, self.step_ms = at, step_ms
        metrics = _metrics(at=_AT, with_names=not with_aliases, with_aliases=with_aliases)
        # A DATA message with aliases leaves datatypes to the birth; without aliases every client writes them.
        self._body = encode_payload(timestamp=_AT, seq=_SEQ, metrics=metrics, with_datatypes=not with_aliases)[:-2]
        self._times = _places(self._body, _varint6(_AT), METRICS + 1)
        self._values = [_places(self._body, struct.pack("<d", value), 1)[0] for value in _SENTINELS]
        self._counts = [_places(self._body, _varint6(value), 1)[0] for value in _COUNTED]
        self._topics = [topic("DDATA", node) for node in range(NODES)]

    def topic(self, number: int) -> str:
        return self._topics[number % NODES]

    def payload(self, number: int, *, at: int | None = None) -> bytes:
        body = bytearray(self._body)
        at = int(self.at + number * self.step_ms) if at is None else at
        moment = _varint6(at)
        for place in self._times:
            body[place : place + 6] = moment
        for index, place in enumerate(self._values):
            struct.pack_into("<d", body, place, number * 0.25 + index)
        for place in self._counts:
            body[place : place + 6] = _varint6((1 << 40) + number)
        seq = (2 + number // NODES) % 256
        return bytes(body) + (bytes((0x18, seq)) if seq < 128 else bytes((0x18, seq & 0x7F | 0x80, 1)))

    def packet(self, number: int, *, at: int | None = None) -> bytes:
        return publish_packet(self.topic(number), self.payload(number, at=at), packet_id=number % PACKET_IDS + 1)

    def chunks(self, count: int, *, first: int = 0) -> Iterator[tuple[int, bytes]]:
        """Packets by the handful, as `WirePublisher.send_all` takes them."""
        for start in range(first, first + count, CHUNK):
            stop = min(start + CHUNK, first + count)
            yield stop - start, b"".join(self.packet(number) for number in range(start, stop))

    def arrivals(self, count: int, *, received_at: int, first: int = 0) -> list[Arrival]:
        """The same messages as the collector would hold them; `received_at` in µs."""
        return [
            Arrival(self.topic(number), self.payload(number), received_at, 1, number % PACKET_IDS + 1, 1)
            for number in range(first, first + count)
        ]


def _metrics(*, at: int, with_names: bool, with_aliases: bool) -> list[Metric]:
    described = [
        *((name, DataType.Double, value) for name, value in zip(_DOUBLES, _SENTINELS, strict=True)),
        *((name, DataType.Int64, value) for name, value in zip(_COUNTERS, _COUNTED, strict=True)),
        ("Status/Running", DataType.Boolean, True),
        ("Status/State", DataType.String, "executing"),
    ]
    return [
        Metric(
            name=name if with_names else None,
            alias=alias if with_aliases else None,
            datatype=datatype,
            value=value,
            timestamp=at,
        )
        for alias, (name, datatype, value) in enumerate(described, start=1)
    ]


def _varint6(value: int) -> bytes:
    """Numbers from 2^35 to 2^42, among them every time of this decade in ms, take six bytes."""
    return bytes(value >> shift & 0x7F | 0x80 for shift in (0, 7, 14, 21, 28)) + bytes((value >> 35,))


def _places(body: bytes, part: bytes, count: int) -> list[int]:
    found, start = [], body.find(part)
    while start >= 0:
        found.append(start)
        start = body.find(part, start + 1)
    if len(found) != count:
        raise AssertionError(f"the template holds {part.hex()} {len(found)} times, not {count}")
    return found

"""What arrives on an MQTT connection, framed many packets at a time.

Belongs here: cutting the bytes of a socket into PUBLISH packets and others, and one PUBACK for many.
Does not belong here: connecting, keeping alive, subscribing: paho does that, and gets every other packet byte for byte.

paho reads a packet with three or four `recv` calls and wraps it in objects that nobody here looks at: 34-40 CPU-µs per
QoS 1 message through aiomqtt, of which this leaves about 3. It leans on three names of paho 2 (`loop_read`,
`_sock_recv`, `_packet_queue`); `is_supported` says whether they are there, and aiomqtt's own way is taken where not.
"""

from __future__ import annotations

import ssl
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from paho.mqtt import client as paho

from ingest.arrival import Arrival

CHUNK_BYTES = 256 * 1024
CHUNKS_PER_READ = 4
"""After a MiB the event loop gets its turn."""

_PUBLISH, _PUBACK = 0x30, 0x40
_TOPICS_KEPT = 100_000


class Frames(NamedTuple):
    """What a stretch of bytes holds: arrivals, other packets whole, and how far it was complete."""

    arrivals: list[Arrival]
    others: list[bytes]
    end: int


class Framer:
    """Cuts packets; remembers topics, which come again and again."""

    def __init__(self, *, is_version_5: bool, connection: int) -> None:
        self._is_version_5 = is_version_5
        self._connection = connection
        self._topics: dict[bytes, str] = {}

    def cut(self, data: bytes, *, received_at: int) -> Frames:
        """Every complete packet in `data`; `received_at` in microseconds UTC. MQTT 3.1.1 and 5, section 3.3."""
        arrivals: list[Arrival] = []
        others: list[bytes] = []
        position, size = 0, len(data)
        while position + 2 <= size:
            length, body = data[position + 1], position + 2
            if length > 127:
                length, body = _variable_length(data, position + 1)
                if body == 0 and size - position > 4:  # no length has more than four bytes: paho ends the connection
                    return Frames(arrivals, [*others, data[position:]], size)
            end = body + length
            if body == 0 or end > size:
                break
            first = data[position]
            arrival = self._publish(data, first, body, end, received_at) if first & 0xF4 == _PUBLISH else None
            if arrival is not None:
                arrivals.append(arrival)
            else:
                others.append(data[position:end])
            position = end
        return Frames(arrivals, others, position)

    def _publish(self, data: bytes, first: int, body: int, end: int, received_at: int) -> Arrival | None:
        """A PUBLISH of QoS 0 or 1; None for what lies about its lengths or uses a topic alias we never allowed."""
        cut = body + 2 + (data[body] << 8 | data[body + 1]) if end - body > 2 else end + 1
        name = data[body + 2 : cut]
        packet_id = 0
        if first & 0x02:
            packet_id = int.from_bytes(data[cut : cut + 2], "big")
            cut += 2
        if self._is_version_5 and cut < end:
            properties, cut = _variable_length(data, cut) if data[cut] > 127 else (data[cut], cut + 1)
            cut += properties
        if cut > end or not name:
            return None
        topic = self._topics.get(name) or self._learn(name)
        return Arrival(topic, data[cut:end], received_at, first >> 1 & 1, packet_id, self._connection)

    def _learn(self, name: bytes) -> str:
        if len(self._topics) >= _TOPICS_KEPT:  # names come from the wire: bound what they can make us keep
            self._topics.clear()
        topic = self._topics[name] = name.decode("utf-8", "backslashreplace")
        return topic


class BulkReader:
    """Stands in for paho's `loop_read`: aiomqtt calls it whenever the socket is readable."""

    def __init__(self, client: Any, *, framer: Framer, deliver: Callable[[list[Arrival]], None]) -> None:
        self._client = client
        self._framer = framer
        self._deliver = deliver
        self._rest = b""
        self._parts: list[bytes] = []
        self._missing = 0
        self._handed = b""
        self._failure: OSError | None = None
        self._is_at_end = False
        client._sock_recv = self._hand  # paho reads only what is handed over
        client.loop_read = self.read

    def read(self, max_packets: int = 1) -> Any:  # noqa: ARG002  (paho's signature)
        """Take what the socket holds; returns paho's error code."""
        code: Any = paho.MQTT_ERR_SUCCESS
        for _ in range(CHUNKS_PER_READ):
            socket = self._client.socket()
            if socket is None:
                return paho.MQTT_ERR_NO_CONN
            try:
                chunk = socket.recv(CHUNK_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError):
                break
            except OSError as error:
                return self._end(error)
            code = self._take(chunk) if chunk else self._end(None)
            is_drained = len(chunk) < CHUNK_BYTES and not getattr(socket, "pending", lambda: 0)()
            if is_drained or code != paho.MQTT_ERR_SUCCESS:
                break
        return code

    def _take(self, chunk: bytes) -> Any:
        if self._missing > len(chunk):  # the middle of a packet larger than a chunk: join once, at its end
            self._parts.append(chunk)
            self._missing -= len(chunk)
            return paho.MQTT_ERR_SUCCESS
        data = b"".join((*self._parts, chunk)) if self._parts else chunk
        frames = self._framer.cut(data, received_at=_now())
        rest = data[frames.end :]
        self._parts = [rest] if rest else []
        self._missing = _missing(rest)
        if frames.arrivals:
            self._deliver(frames.arrivals)
        code: Any = paho.MQTT_ERR_SUCCESS
        for packet in frames.others:
            self._handed = packet
            code = paho.Client.loop_read(self._client)
            if code != paho.MQTT_ERR_SUCCESS:
                break
        return code

    def _end(self, error: OSError | None) -> Any:
        self._failure, self._is_at_end = error, True
        return paho.Client.loop_read(self._client)

    def _hand(self, size: int) -> bytes:
        if self._failure is not None:
            raise self._failure
        if not self._handed:
            if self._is_at_end:
                return b""  # what a socket says at its end
            raise BlockingIOError
        given, self._handed = self._handed[:size], self._handed[size:]
        return given


def is_supported(client: Any) -> bool:
    """Whether this paho has the three names the bulk reader leans on, and a plain or TLS socket under it."""
    has_names = all(hasattr(client, name) for name in ("loop_read", "_sock_recv", "_packet_queue"))
    return has_names and getattr(client, "_transport", "tcp") == "tcp"


def acknowledge_all(client: Any, packet_ids: Sequence[int]) -> None:
    """One write for many PUBACKs, in order (MQTT 3.1.1 and 5, section 3.4: reason code 0 may be left out)."""
    words = [0x40020000 | packet_id for packet_id in packet_ids]
    client._packet_queue(_PUBACK, struct.pack(f">{len(words)}I", *words), packet_ids[-1], 1)


def _variable_length(data: bytes, position: int) -> tuple[int, int]:
    """A variable byte integer and where it ends; (0, 0) where the data ends first."""
    value = shift = 0
    for offset in range(position, min(position + 4, len(data))):
        byte = data[offset]
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, offset + 1
    return 0, 0


def _missing(rest: bytes) -> int:
    """How many bytes the packet begun in `rest` still needs; 0 where not even its length is there."""
    if len(rest) < 2:
        return 0
    length, body = _variable_length(rest, 1)
    return max(body + length - len(rest), 0) if body else 0


def _now() -> int:
    return time.time_ns() // 1000

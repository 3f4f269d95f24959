"""MQTT 3.1.1 as bytes: a publisher fast enough never to be what a measurement measures.

Belongs here: CONNECT and PUBLISH packets, and a client that sends prepared packets within a window and knows exactly
which of them were acknowledged. Does not belong here: subscribing, or what the payloads say.

paho in a loop publishes some 10,000 messages a second and hides what was acknowledged when a connection dies.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator

CONNECT, CONNACK, PUBLISH, PUBACK, DISCONNECT = 0x10, 0x20, 0x30, 0x40, 0xE0
PACKET_IDS = 65_535


def remaining_length(size: int) -> bytes:
    """The variable-length size of a packet (MQTT 3.1.1, 2.2.3)."""
    out = bytearray()
    while True:
        size, digit = divmod(size, 128)
        out.append(digit | 0x80 if size else digit)
        if not size:
            return bytes(out)


def connect_packet(client_id: str, *, will: tuple[str, bytes] | None = None) -> bytes:
    """A clean session without keepalive; `will` is a topic and payload at QoS 1."""
    flags, tail = 0x02, _text(client_id)
    if will is not None:
        flags |= 0x04 | 0x08
        tail += _text(will[0]) + struct.pack(">H", len(will[1])) + will[1]
    body = _text("MQTT") + bytes((4, flags)) + struct.pack(">H", 0) + tail
    return bytes((CONNECT,)) + remaining_length(len(body)) + body


def publish_packet(topic: str, payload: bytes, *, packet_id: int = 0) -> bytes:
    """One PUBLISH: QoS 1 with a packet id, QoS 0 without."""
    name = _text(topic)
    body = name + (struct.pack(">H", packet_id) if packet_id else b"") + payload
    return bytes((PUBLISH | (0x02 if packet_id else 0),)) + remaining_length(len(body)) + body


class WirePublisher:
    """One connection that sends prepared packets; `acknowledged` counts the PUBACKs of its QoS-1 packets."""

    def __init__(self, port: int, *, client_id: str, will: tuple[str, bytes] | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket.sendall(connect_packet(client_id, will=will))
            self._await_welcome()
        except BaseException:
            self.socket.close()
            raise
        self.unacknowledged: OrderedDict[int, object] = OrderedDict()
        self.acknowledged = 0
        self._partial = b""

    def send(self, data: bytes) -> None:
        """Send as it is: QoS-0 packets, or packets whose ids were given to `expect`."""
        self.socket.sendall(data)

    def expect(self, packet_id: int, what: object) -> None:
        """Await the PUBACK of a packet about to be sent; `collect` returns `what` when it came."""
        self.unacknowledged[packet_id] = what

    def collect(self, *, seconds: float = 0.0) -> list[object]:
        """What was acknowledged since the last call, waiting up to `seconds` for the first of it."""
        done: list[object] = []
        if not select.select([self.socket], [], [], seconds)[0]:
            return done
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the broker closed the connection")
        data = self._partial + data
        whole = len(data) - len(data) % 4
        for offset in range(0, whole, 4):
            kind, _, packet_id = struct.unpack_from(">BBH", data, offset)
            if kind != PUBACK:
                raise ConnectionError(f"an unexpected packet of type {kind:#x}")
            self.acknowledged += 1
            done.append(self.unacknowledged.pop(packet_id, None))
        self._partial = data[whole:]
        return done

    def send_all(self, chunks: Iterable[tuple[int, bytes]], *, window: int = 1_000) -> int:
        """Send chunks of (packet count, bytes) with at most about `window` unacknowledged; returns the number sent."""
        sent, first = 0, self.acknowledged
        for count, data in chunks:
            self.socket.sendall(data)
            sent += count
            while sent - (self.acknowledged - first) > window:
                self.collect(seconds=30)
        while self.acknowledged - first < sent:
            if not self.collect(seconds=30):
                raise TimeoutError("the broker did not acknowledge within 30 s")
        return sent

    def close(self) -> None:
        """Leave in good order."""
        with contextlib.suppress(OSError):
            self.socket.sendall(bytes((DISCONNECT, 0)))
        self.socket.close()

    def break_off(self) -> None:
        """Leave without a word, as a crash would: the broker publishes the Will."""
        self.socket.close()

    def _await_welcome(self) -> None:
        answer = self._exactly(4)
        if answer[0] != CONNACK or answer[3] != 0:
            raise ConnectionError(f"the broker refused the connection: {answer.hex()}")

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the broker closed the connection")
            data += more
        return data


def paced(chunks: Iterable[tuple[int, bytes]], *, per_second: float) -> Iterator[tuple[int, bytes]]:
    """The same chunks, held back to a rate."""
    started, sent = time.monotonic(), 0
    for count, data in chunks:
        ahead = sent / per_second - (time.monotonic() - started)
        if ahead > 0:
            time.sleep(ahead)
        yield count, data
        sent += count


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack(">H", len(data)) + data

"""MQTT control packets as they lie on the wire, 3.1.1 and 5: only as much as tests look at.

Written from the two standards, independent of the client under test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

KINDS = {1: "CONNECT", 2: "CONNACK", 3: "PUBLISH", 4: "PUBACK", 8: "SUBSCRIBE", 9: "SUBACK", 14: "DISCONNECT"}

_PROPERTY_BYTES = {0x01: 1, 0x02: 4, 0x11: 4, 0x17: 1, 0x18: 4, 0x19: 1, 0x21: 2, 0x22: 2, 0x23: 2, 0x27: 4}
_SESSION_EXPIRY = 0x11


@dataclass(frozen=True, kw_only=True)
class Publication:
    """A message as it is published or left as a Will."""

    topic: str
    payload: bytes
    qos: int
    is_retained: bool


@dataclass(frozen=True, kw_only=True)
class Packet:
    """One packet: who sent it, when the proxy saw it (ms UTC), and what it says."""

    kind: str
    is_from_client: bool
    at: int
    client_id: str = ""
    protocol_level: int = 0
    is_clean: bool = False
    session_expiry_s: int = 0
    will: Publication | None = None
    filters: tuple[tuple[str, int], ...] = ()
    publication: Publication | None = None


class Stream:
    """One direction of one connection, cut into packets; `protocol_level` is learned from CONNECT by the pair."""

    def __init__(self, *, is_from_client: bool) -> None:
        self.is_from_client = is_from_client
        self.protocol_level = 0
        self._pending = b""

    def feed(self, data: bytes, *, at: int) -> Iterator[Packet]:
        """The packets that these bytes complete."""
        self._pending += data
        while (whole := _whole(self._pending)) is not None:
            first, body, self._pending = self._pending[0], self._pending[whole[0] : whole[1]], self._pending[whole[1] :]
            yield self._read(first, _Reader(body), at)

    def _read(self, first: int, reader: _Reader, at: int) -> Packet:
        kind = KINDS.get(first >> 4, "OTHER")
        if kind == "CONNECT":
            return self._connect(reader, at)
        if kind == "PUBLISH":
            qos = first >> 1 & 3
            topic = reader.text()
            if qos:
                reader.number(2)
            self._properties(reader)
            said = Publication(topic=topic, payload=reader.rest(), qos=qos, is_retained=bool(first & 1))
            return Packet(kind=kind, is_from_client=self.is_from_client, at=at, publication=said)
        if kind == "SUBSCRIBE":
            reader.number(2)
            self._properties(reader)
            filters = []
            while not reader.is_done:
                filters.append((reader.text(), reader.number(1) & 3))
            return Packet(kind=kind, is_from_client=self.is_from_client, at=at, filters=tuple(filters))
        return Packet(kind=kind, is_from_client=self.is_from_client, at=at)

    def _connect(self, reader: _Reader, at: int) -> Packet:
        reader.text()
        self.protocol_level = reader.number(1)
        flags = reader.number(1)
        reader.number(2)
        expiry = self._properties(reader).get(_SESSION_EXPIRY, 0)
        client_id = reader.text()
        will = None
        if flags & 4:
            self._properties(reader)
            topic, payload = reader.text(), reader.binary()
            will = Publication(topic=topic, payload=payload, qos=flags >> 3 & 3, is_retained=bool(flags & 32))
        return Packet(
            kind="CONNECT",
            is_from_client=True,
            at=at,
            client_id=client_id,
            protocol_level=self.protocol_level,
            is_clean=bool(flags & 2),
            session_expiry_s=expiry,
            will=will,
        )

    def _properties(self, reader: _Reader) -> dict[int, int]:
        found: dict[int, int] = {}
        if self.protocol_level < 5:
            return found
        inner = _Reader(reader.take(reader.variable()))
        while not inner.is_done:
            name = inner.number(1)
            if name in _PROPERTY_BYTES:
                found[name] = inner.number(_PROPERTY_BYTES[name])
            elif name == 0x26:  # user property: two texts
                inner.text(), inner.text()
            elif name == 0x0B:
                inner.variable()
            else:
                inner.binary()
        return found


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def is_done(self) -> bool:
        return self._at >= len(self._data)

    def take(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def binary(self) -> bytes:
        return self.take(self.number(2))

    def text(self) -> str:
        return self.binary().decode()

    def variable(self) -> int:
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                return value

    def rest(self) -> bytes:
        return self._data[self._at :]


def _whole(data: bytes) -> tuple[int, int] | None:
    """Where the body of the first packet begins and ends; None while bytes are missing."""
    length = shift = 0
    for position in range(1, min(len(data), 5)):
        length |= (data[position] & 127) << shift
        shift += 7
        if not data[position] & 128:
            end = position + 1 + length
            return (position + 1, end) if len(data) >= end else None
    return None

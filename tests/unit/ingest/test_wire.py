"""ingest.broker.wire: packets cut from a stream, whatever pieces the stream comes in."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from ingest.arrival import Arrival
from ingest.broker import wire

PINGRESP = b"\xd0\x00"


def a_length(value: int) -> bytes:
    encoded = b""
    while True:
        value, low = divmod(value, 128)
        encoded += bytes([low | (0x80 if value else 0)])
        if not value:
            return encoded


def a_publish(
    topic: bytes, payload: bytes, *, qos: int = 0, packet_id: int = 0, properties: bytes | None = None
) -> bytes:
    body = struct.pack(">H", len(topic)) + topic
    body += struct.pack(">H", packet_id) if qos else b""
    body += b"" if properties is None else a_length(len(properties)) + properties
    return bytes([0x30 | qos << 1]) + a_length(len(body + payload)) + body + payload


publishes = st.tuples(
    st.binary(min_size=1, max_size=40), st.binary(max_size=400), st.integers(0, 1), st.integers(1, 65_535)
)


class Socket:
    """Hands out a stream in the pieces it was given."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def recv(self, _size: int) -> bytes:
        if not self.pieces:
            raise BlockingIOError
        return self.pieces.pop(0)

    def pending(self) -> int:
        return len(self.pieces)

    def close(self) -> None:
        self.pieces = []


class Paho:
    """Paho's client, but for the socket and what it makes of packets that are no PUBLISH."""

    def __init__(self, socket: Socket, *, is_version_5: bool = False) -> None:
        protocol = paho.MQTTv5 if is_version_5 else paho.MQTTv311
        self.client: Any = paho.Client(CallbackAPIVersion.VERSION2, protocol=protocol)
        self.client._sock = socket
        self.handled: list[bytes] = []
        self.client._packet_handle = self._note
        self.arrivals: list[Arrival] = []
        framer = wire.Framer(is_version_5=is_version_5, connection=3)
        self.reader = wire.BulkReader(self.client, framer=framer, deliver=self.arrivals.extend)

    def _note(self) -> int:
        packet = self.client._in_packet
        self.handled.append(bytes([packet["command"]]) + bytes(packet["packet"]))
        return paho.MQTT_ERR_SUCCESS


@given(st.lists(publishes, max_size=12), st.booleans(), st.data())
def test_a_stream_gives_the_same_packets_whatever_pieces_it_comes_in(
    sent: list[tuple[bytes, bytes, int, int]], is_version_5: bool, data: st.DataObject
) -> None:
    properties = b"\x01\x01" * 70 if is_version_5 else None  # longer than one byte of length can say
    stream = b""
    for topic, payload, qos, packet_id in sent:
        stream += a_publish(topic, payload, qos=qos, packet_id=packet_id, properties=properties) + PINGRESP
    cuts = sorted(data.draw(st.sets(st.integers(1, max(len(stream) - 1, 1)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True) if stream[a:b]]
    peer = Paho(Socket(pieces), is_version_5=is_version_5)
    for _ in range(len(pieces) + 1):
        assert peer.reader.read() == paho.MQTT_ERR_SUCCESS
    expected = [(t.decode("utf-8", "backslashreplace"), p, q, i if q else 0, 3) for t, p, q, i in sent]
    assert [(a.topic, a.payload, a.qos, a.packet_id, a.connection) for a in peer.arrivals] == expected
    assert peer.handled == [b"\xd0"] * len(sent)


def test_a_packet_larger_than_many_pieces_is_joined_once() -> None:
    payload = bytes(range(256)) * 40_000
    stream = a_publish(b"a/b", payload, qos=1, packet_id=7)
    pieces = [stream[at : at + 100_000] for at in range(0, len(stream), 100_000)]
    peer = Paho(Socket(pieces))
    while peer.reader.read() == paho.MQTT_ERR_SUCCESS and not peer.arrivals:
        pass
    assert [(a.payload == payload, a.packet_id) for a in peer.arrivals] == [(True, 7)]


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(a_publish(b"", b"x", qos=1, packet_id=1), id="no topic"),
        pytest.param(b"\x30\x05\x00\x09a/bc"[:7], id="a topic longer than its packet"),
        pytest.param(b"\x34\x07\x00\x03a/b\x00\x01", id="QoS 2, which we never asked for"),
    ],
)
def test_what_is_no_ordinary_publish_goes_to_paho_whole(packet: bytes) -> None:
    peer = Paho(Socket([packet]))
    peer.reader.read()
    assert peer.arrivals == []
    assert peer.handled == [packet[:1] + packet[2:]]


def test_a_length_of_five_bytes_ends_the_connection() -> None:
    peer = Paho(Socket([b"\x30\xff\xff\xff\xff\x01abc"]))
    assert peer.reader.read() == paho.MQTT_ERR_PROTOCOL


def test_the_end_of_the_stream_is_told_to_paho() -> None:
    peer = Paho(Socket([b""]))
    assert peer.reader.read() == paho.MQTT_ERR_CONN_LOST


def test_acknowledgements_go_out_in_order_and_in_one_piece() -> None:
    sent: list[bytes] = []

    class Client:
        def _packet_queue(self, command: int, packet: bytes, mid: int, qos: int) -> None:
            assert (command, mid, qos) == (0x40, 65_535, 1)
            sent.append(packet)

    wire.acknowledge_all(Client(), [1, 258, 65_535])
    assert sent == [b"\x40\x02\x00\x01\x40\x02\x01\x02\x40\x02\xff\xff"]

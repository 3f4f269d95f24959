"""ingest.broker: what may be acknowledged, and when memory has had enough."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from ingest.arrival import Arrival
from ingest.broker import DurableLink, HostLink, connection, inbox
from ingest.errors import BrokerError, SessionTakenOver
from ingest.site import Broker


class RecordingClient:
    """Stands where aiomqtt's client is; remembers acknowledgements."""

    def __init__(self) -> None:
        self.acknowledged: list[tuple[int, int]] = []
        self._client = self

    def ack(self, packet_id: int, qos: int) -> None:
        self.acknowledged.append((packet_id, qos))


def a_link() -> tuple[DurableLink, RecordingClient]:
    link = DurableLink(Broker(url="mqtt://b"), client_id="c", filters=("a/#",), arrived=asyncio.Event())
    client: Any = RecordingClient()
    link._client, link._connection = client, 2
    return link, client


def an_arrival(packet_id: int, *, connection: int = 2, qos: int = 1) -> Arrival:
    return Arrival("a/b", b"", 0, qos, packet_id, connection)


def test_packet_ids_of_an_earlier_connection_are_never_acknowledged() -> None:
    link, client = a_link()
    link.acknowledge([an_arrival(7, connection=1), an_arrival(8), an_arrival(0, qos=0), an_arrival(9)])
    assert client.acknowledged == [(8, 1), (9, 1)]


def test_without_a_connection_nothing_is_acknowledged() -> None:
    link, client = a_link()
    link._client = None
    link.acknowledge([an_arrival(8)])
    assert client.acknowledged == []


def test_arrivals_are_taken_oldest_first_and_within_the_limit() -> None:
    link, _ = a_link()
    link.inbox.put([an_arrival(number) for number in range(5)])
    assert [a.packet_id for a in link.drain(3)] == [0, 1, 2]
    assert [a.packet_id for a in link.drain(99)] == [3, 4]


def test_a_broker_that_hands_our_session_over_ends_the_link() -> None:
    link, _ = a_link()
    lost = aiomqtt.MqttError("Disconnected during message iteration")
    lost.__cause__ = aiomqtt.MqttCodeError(ReasonCode(PacketTypes.DISCONNECT, "Session taken over"))
    with pytest.raises(SessionTakenOver, match="its own id"):
        link._raise_if_taken_over(lost)
    link._raise_if_taken_over(aiomqtt.MqttError("connection refused"))


class RecordingLoop:
    """Remembers which sockets are read."""

    def __init__(self) -> None:
        self.read: set[int] = {5}

    def remove_reader(self, descriptor: int) -> None:
        self.read.discard(descriptor)

    def add_reader(self, descriptor: int, _read: object) -> None:
        self.read.add(descriptor)


def test_a_full_inbox_stops_reading_until_half_of_it_is_landed(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = RecordingLoop()
    monkeypatch.setattr(inbox, "MOST_MESSAGES", 4)
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    link, client = a_link()
    client.socket = type("Socket", (), {"fileno": lambda self: 5})  # type: ignore[attr-defined]
    link._receive([an_arrival(number) for number in range(3)])
    assert loop.read == {5}
    link._receive([an_arrival(3)])
    assert loop.read == set()
    link.drain(1)
    assert loop.read == set()
    link.drain(1)
    assert loop.read == {5}


def test_a_few_huge_messages_fill_the_inbox_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST_BYTES", 10)
    box = inbox.Inbox(asyncio.Event())
    box.put([Arrival("a", b"123456", 0)])
    assert not box.is_full
    box.put([Arrival("a", b"123456", 0)])
    assert box.is_full
    assert len(box.take(5)) == 2
    assert box.has_room


def test_a_certificate_that_is_not_there_says_which_file_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANT_CA", "nowhere/ca.pem")
    broker = Broker(url="mqtts://b", ca_file_env="PLANT_CA")
    with pytest.raises(BrokerError, match=r"look at nowhere/ca\.pem"):
        connection.make_tls_context(broker)


@pytest.mark.parametrize(
    "topic",
    [
        "spBv1.0/hamburg/DCMD/milling_line/cnc_101",
        "spBv1.0/hamburg/NDATA/milling_line",
        "spBv1.0/STATE/other",
        "NCMD",
        "meridian/hamburg/x",
    ],
)
def test_a_host_refuses_to_send_anything_but_a_node_command(topic: str) -> None:
    """Above all no DCMD: this platform never writes to a device."""
    link = HostLink(
        Broker(url="mqtt://b"), client_id="h", state_topic="spBv1.0/STATE/h", state_payload=lambda **_: b"{}"
    )
    link.is_online = True
    with pytest.raises(ValueError, match="NCMD and nothing else"):
        link.command(topic, b"")
    assert link._commands.empty()
    link.command("spBv1.0/hamburg/NCMD/milling_line", b"")
    assert link._commands.qsize() == 1


def test_a_task_that_swallows_its_cancellation_is_cancelled_again() -> None:
    """As asyncio.wait_for does in Python 3.11 when the cancellation meets its result."""

    async def stubborn() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        await asyncio.sleep(3600)

    async def story() -> tuple[bool, bool]:
        tasks = {asyncio.create_task(stubborn()), asyncio.create_task(asyncio.sleep(3600))}
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await connection.cancel_all(tasks, again_after_s=0.01)
        return tuple(task.cancelled() for task in tasks)  # type: ignore[return-value]

    assert asyncio.run(story()) == (True, True)


def test_a_host_whose_subscription_is_refused_says_which_topic_to_grant() -> None:
    """A host that cannot hear its own STATE could not contradict who says it is offline."""
    link = HostLink(
        Broker(url="mqtt://b"),
        client_id="h",
        state_topic="spBv1.0/STATE/h",
        state_payload=lambda **_: b"{}",
        filters=("spBv1.0/g/NDEATH/+",),
    )
    asked: list[Any] = []

    class Refusing:
        async def subscribe(self, wanted: Any, timeout: float | None = None) -> list[int]:  # noqa: ASYNC109  (as aiomqtt has it)
            asked.extend(wanted)
            return [1, 128]

    client: Any = Refusing()
    with pytest.raises(BrokerError, match=r"'spBv1\.0/g/NDEATH/\+'.*grant reading it to h"):
        asyncio.run(link._subscribe(client))
    assert asked == [("spBv1.0/STATE/h", 1), ("spBv1.0/g/NDEATH/+", 0)]


def test_what_is_put_back_is_the_next_to_be_taken() -> None:
    box = inbox.Inbox(asyncio.Event())
    box.put([an_arrival(number) for number in range(4)])
    taken = box.take(3)
    box.put_back(taken[1:])
    assert [each.packet_id for each in box.take(9)] == [1, 2, 3]
    assert box.oldest_received_at is None

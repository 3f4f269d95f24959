"""The duties of a Sparkplug host application as checks over what it did on the wire.

Each check is one duty, or several that are one on the wire; docs/reference/sparkplug_host.md says which. A check raises
AssertionError when the duty was not kept: tests/integration/test_host_duties_mutation.py proves that of every one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ingest.sparkplug import sparkplug_b_pb2
from tests.integration.mqtt_packets import Packet, Publication

_wire: Any = sparkplug_b_pb2
NEAR_MS = 5_000
"""How far a "current" time may be from the moment its packet passed the proxy."""


@dataclass(frozen=True, kw_only=True)
class HostSession:
    """One connection of a host application, from CONNECT to its end, and who it says it is."""

    packets: tuple[Packet, ...]
    host_id: str = "lineshaft"
    group_id: str = "hamburg"
    edge_node_id: str = "milling_line"

    @property
    def state_topic(self) -> str:
        return f"spBv1.0/STATE/{self.host_id}"

    @property
    def sent(self) -> list[Packet]:
        return [packet for packet in self.packets if packet.is_from_client]

    @property
    def connect(self) -> Packet:
        return self.packets[0]

    @property
    def will(self) -> Publication:
        assert self.connect.will is not None, "no Will"
        return self.connect.will

    @property
    def births(self) -> list[tuple[Packet, Publication]]:
        return [each for each in self._published(self.state_topic) if json.loads(each[1].payload)["online"] is True]

    @property
    def deaths(self) -> list[tuple[Packet, Publication]]:
        return [each for each in self._published(self.state_topic) if json.loads(each[1].payload)["online"] is False]

    @property
    def commands(self) -> list[tuple[Packet, Publication]]:
        return [each for each in self._published("spBv1.0/") if not each[1].topic.startswith("spBv1.0/STATE/")]

    def _published(self, prefix: str) -> list[tuple[Packet, Publication]]:
        found = [(packet, packet.publication) for packet in self.sent if packet.publication is not None]
        return [(packet, said) for packet, said in found if said.topic.startswith(prefix)]


def state_of(payload: bytes, *, is_online: bool) -> int:
    """The timestamp of a STATE payload that is exactly `online` and `timestamp`."""
    document = json.loads(payload.decode("utf-8"))
    assert set(document) == {"online", "timestamp"}, document
    assert document["online"] is is_online, document
    assert type(document["timestamp"]) is int, document
    return int(document["timestamp"])


def check_session_is_clean(session: HostSession) -> None:
    assert session.connect.kind == "CONNECT"
    assert session.connect.is_clean
    assert session.connect.session_expiry_s == 0


def check_will_is_registered(session: HostSession) -> None:
    assert session.connect.will is not None


def check_will_topic(session: HostSession) -> None:
    assert session.will.topic == session.state_topic


def check_will_qos(session: HostSession) -> None:
    assert session.will.qos == 1


def check_will_is_retained(session: HostSession) -> None:
    assert session.will.is_retained


def check_will_payload(session: HostSession) -> None:
    state_of(session.will.payload, is_online=False)


def check_will_time_is_that_of_the_connect(session: HostSession) -> None:
    assert abs(state_of(session.will.payload, is_online=False) - session.connect.at) < NEAR_MS


def check_own_state_is_subscribed_before_the_birth(session: HostSession) -> None:
    assert session.state_topic in _filters_before_publishing(session)


def check_sparkplug_topics_are_subscribed_before_the_birth(session: HostSession) -> None:
    roots = (f"spBv1.0/{session.group_id}/", "spBv1.0/#")
    assert any(name.startswith(roots) for name in _filters_before_publishing(session))


def check_subscriptions_follow_the_connect_at_once(session: HostSession) -> None:
    kinds = [packet.kind for packet in session.sent]
    assert kinds[:2] == ["CONNECT", "SUBSCRIBE"], kinds


def check_birth_follows_the_subscriptions(session: HostSession) -> None:
    """At once after the broker granted them, nothing between."""
    kinds = [packet.kind for packet in session.packets]
    first = session.packets.index(session.births[0][0])
    assert "SUBACK" in kinds[:first], kinds[:first]
    between = [packet.kind for packet in session.packets[kinds.index("SUBACK") : first] if packet.is_from_client]
    assert set(between) <= {"PUBACK"}, between  # what is retained on the STATE topic is acknowledged meanwhile


def check_birth_is_the_first_publish(session: HostSession) -> None:
    first = next(packet.publication for packet in session.sent if packet.publication is not None)
    assert first.topic == session.state_topic
    assert json.loads(first.payload)["online"] is True


def check_birth_topic(session: HostSession) -> None:
    assert session.births
    assert {said.topic for _, said in session.births} == {session.state_topic}


def check_birth_qos(session: HostSession) -> None:
    assert {said.qos for _, said in session.births} == {1}


def check_birth_is_retained(session: HostSession) -> None:
    assert {said.is_retained for _, said in session.births} == {True}


def check_birth_payload(session: HostSession) -> None:
    assert session.births
    for _, said in session.births:
        state_of(said.payload, is_online=True)


def check_birth_time_is_that_of_the_will(session: HostSession) -> None:
    will = json.loads(session.will.payload)["timestamp"]
    assert json.loads(session.births[0][1].payload)["timestamp"] == will


def check_offline_is_contradicted_at_once_with_the_same_time(session: HostSession) -> None:
    """Needs a session in which somebody said "offline" under our id."""
    born = session.packets.index(session.births[0][0])
    own = {said.payload for _, said in session.deaths}
    heard = [
        position
        for position, packet in enumerate(session.packets)
        if position > born
        and not packet.is_from_client
        and packet.publication is not None
        and packet.publication.topic == session.state_topic
        and packet.publication.payload not in own
        and json.loads(packet.publication.payload)["online"] is False
    ]
    assert heard, "nobody said that this host is offline: the story is not whole"
    after = session.packets[heard[-1] :]
    said = [packet.publication for packet in after if packet.is_from_client and packet.publication is not None]
    assert said
    assert said[0].topic == session.state_topic
    assert json.loads(said[0].payload) == json.loads(session.births[0][1].payload)
    assert (said[0].qos, said[0].is_retained) == (1, True)


def check_death_is_published_before_the_disconnect(session: HostSession) -> None:
    assert session.deaths
    last = [packet for packet in session.sent if packet.kind in {"PUBLISH", "DISCONNECT"}][-2:]
    assert [packet.kind for packet in last] == ["PUBLISH", "DISCONNECT"]
    assert last[0] is session.deaths[-1][0]


def check_death_topic(session: HostSession) -> None:
    assert {said.topic for _, said in session.deaths} == {session.state_topic}


def check_death_qos(session: HostSession) -> None:
    assert {said.qos for _, said in session.deaths} == {1}


def check_death_is_retained(session: HostSession) -> None:
    assert {said.is_retained for _, said in session.deaths} == {True}


def check_death_payload(session: HostSession) -> None:
    assert session.deaths
    state_of(session.deaths[-1][1].payload, is_online=False)


def check_death_time_is_that_of_the_disconnect(session: HostSession) -> None:
    packet, said = session.deaths[-1]
    timestamp = json.loads(said.payload)["timestamp"]
    assert timestamp > json.loads(session.will.payload)["timestamp"]
    assert abs(timestamp - packet.at) < NEAR_MS


def check_only_node_commands_leave(session: HostSession) -> None:
    """And at least one did: the story holds a request for rebirth."""
    topics = {said.topic for _, said in session.commands}
    assert topics == {f"spBv1.0/{session.group_id}/NCMD/{session.edge_node_id}"}


def check_command_qos_and_retain(session: HostSession) -> None:
    assert {(said.qos, said.is_retained) for _, said in session.commands} == {(0, False)}


def check_command_has_its_time_and_no_seq(session: HostSession) -> None:
    for packet, payload in _commands(session):
        assert payload.HasField("timestamp")
        assert abs(payload.timestamp - packet.at) < NEAR_MS
        assert not payload.HasField("seq")


def check_rebirth_is_asked_by_name_with_true(session: HostSession) -> None:
    for _, payload in _commands(session):
        (metric,) = payload.metrics
        assert metric.name == "Node Control/Rebirth"
        assert not metric.HasField("alias")
        assert metric.datatype == 11
        assert metric.WhichOneof("value") == "boolean_value"
        assert metric.boolean_value is True


CHECKS: dict[str, Callable[[HostSession], None]] = {
    name: check for name, check in list(globals().items()) if name.startswith("check_")
}


def _filters_before_publishing(session: HostSession) -> set[str]:
    found: set[str] = set()
    for packet in session.sent:
        if packet.kind == "PUBLISH":
            break
        found |= {name for name, _ in packet.filters}
    return found


def _commands(session: HostSession) -> list[tuple[Packet, Any]]:
    found = [(packet, _wire.Payload.FromString(said.payload)) for packet, said in session.commands]
    assert found, "no command was sent: the story is not whole"
    return found

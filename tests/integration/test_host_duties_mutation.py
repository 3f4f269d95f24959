"""Every duty of the host has a check that fails when the duty is removed: the host is broken on purpose, one at a time.

Each mutation breaks what the host does between its code and the wire; the story is played against a real broker again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import aiomqtt
import pytest

from ingest.broker import host as host_module
from ingest.sparkplug import sparkplug_b_pb2
from ingest.sparkplug.host import rebirth_command, rebirth_topic, state_payload
from tests.integration.brokers import Mosquitto, a_mosquitto
from tests.integration.host_duties import CHECKS
from tests.integration.host_story import record_a_host

_wire: Any = sparkplug_b_pb2
Publish = Callable[..., Any]
ORIGINAL = host_module.make_client


class Mutation(NamedTuple):
    """What is broken, and the checks that must notice."""

    breaks: Callable[[pytest.MonkeyPatch], dict[str, Any]]
    noticed_by: tuple[str, ...]


def client_with(
    *,
    will: Callable[[aiomqtt.Will], aiomqtt.Will | None] = lambda will: will,
    is_persistent: bool = False,
    publish: Callable[[Publish, str, bytes, dict[str, Any]], Any] | None = None,
    subscribe: Callable[[Any, Any, aiomqtt.Client], Any] | None = None,
) -> Callable[[pytest.MonkeyPatch], dict[str, Any]]:
    """Break what the host's client is given to do."""

    def make(*args: Any, **options: Any) -> aiomqtt.Client:
        options["will"], options["is_persistent"] = will(options["will"]), is_persistent
        client = ORIGINAL(*args, **options)
        really_publish, really_subscribe = client.publish, client.subscribe

        async def publishing(topic: str, payload: bytes, **how: Any) -> None:
            if publish is None:
                await really_publish(topic, payload, **how)
            else:
                await publish(really_publish, topic, payload, how)

        async def subscribing(wanted: Any, **how: Any) -> Any:
            if subscribe is None:
                return await really_subscribe(wanted, **how)
            return await subscribe(really_subscribe, wanted, client)

        client.publish, client.subscribe = publishing, subscribing  # type: ignore[method-assign, assignment]
        return client

    def patch(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        monkeypatch.setattr(host_module, "make_client", make)
        return {}

    return patch


def will_with(**changes: Any) -> Callable[[pytest.MonkeyPatch], dict[str, Any]]:
    return client_with(
        will=lambda will: aiomqtt.Will(
            **({"topic": will.topic, "payload": will.payload, "qos": will.qos, "retain": will.retain} | changes)
        )
    )


def is_state(payload: bytes, *, is_online: bool) -> bool:
    return payload.startswith(b'{"online":true' if is_online else b'{"online":false')


def state_with(*, is_online: bool, **changes: Any) -> Callable[[pytest.MonkeyPatch], dict[str, Any]]:
    """Publish one kind of STATE with other options, or another topic."""

    async def publish(really: Publish, topic: str, payload: bytes, how: dict[str, Any]) -> None:
        if is_state(payload, is_online=is_online):
            await really(
                changes.get("topic", topic), payload, **(how | {k: v for k, v in changes.items() if k != "topic"})
            )
        else:
            await really(topic, payload, **how)

    return client_with(publish=publish)


def payload_with(change: Callable[[dict[str, Any]], Any]) -> Callable[[pytest.MonkeyPatch], dict[str, Any]]:
    def changed(**said: Any) -> bytes:
        document = json.loads(state_payload(**said))
        change(document)
        return json.dumps(document, separators=(",", ":")).encode()

    return lambda _monkeypatch: {"payload": changed}


def command_with(change: Callable[[Any], Any]) -> Callable[[pytest.MonkeyPatch], dict[str, Any]]:
    def changed(**said: Any) -> bytes:
        message = _wire.Payload.FromString(rebirth_command(**said))
        change(message)
        data: bytes = message.SerializeToString()
        return data

    return lambda _monkeypatch: {"command": changed}


def command_published_with(**changes: Any) -> Callable[[pytest.MonkeyPatch], dict[str, Any]]:
    async def publish(really: Publish, topic: str, payload: bytes, how: dict[str, Any]) -> None:
        await really(topic, payload, **(how | changes if "NCMD" in topic else how))

    return client_with(publish=publish)


async def without_death(really: Publish, topic: str, payload: bytes, how: dict[str, Any]) -> None:
    if not is_state(payload, is_online=False):
        await really(topic, payload, **how)


async def without_birth(really: Publish, topic: str, payload: bytes, how: dict[str, Any]) -> None:
    if not is_state(payload, is_online=True):
        await really(topic, payload, **how)


async def with_a_message_before_birth(really: Publish, topic: str, payload: bytes, how: dict[str, Any]) -> None:
    if is_state(payload, is_online=True):
        await really("meridian/hamburg/_lineshaft/hello", b"{}", qos=0)
    await really(topic, payload, **how)


def without_contradiction() -> Callable[[pytest.MonkeyPatch], dict[str, Any]]:
    births = 0

    async def publish(really: Publish, topic: str, payload: bytes, how: dict[str, Any]) -> None:
        nonlocal births
        births += is_state(payload, is_online=True)
        if births < 2 or not is_state(payload, is_online=True):
            await really(topic, payload, **how)

    return client_with(publish=publish)


def with_another_time_in_the_contradiction() -> Callable[[pytest.MonkeyPatch], dict[str, Any]]:
    births = 0

    async def publish(really: Publish, topic: str, payload: bytes, how: dict[str, Any]) -> None:
        nonlocal births
        births += is_state(payload, is_online=True)
        if births > 1 and is_state(payload, is_online=True):
            document = json.loads(payload)
            payload = state_payload(is_online=True, timestamp=document["timestamp"] + 1)
        await really(topic, payload, **how)

    return client_with(publish=publish)


def subscribing_after_the_birth() -> Callable[[pytest.MonkeyPatch], dict[str, Any]]:
    wanted_then: list[Any] = []

    async def subscribe(really: Any, wanted: Any, client: aiomqtt.Client) -> list[int]:
        wanted_then.append((really, wanted))
        return [0 for _ in wanted]

    async def publish(really: Publish, topic: str, payload: bytes, how: dict[str, Any]) -> None:
        await really(topic, payload, **how)
        while wanted_then:
            subscribing, wanted = wanted_then.pop()
            await subscribing(wanted)

    return client_with(publish=publish, subscribe=subscribe)


def subscribing_only(keep: Callable[[str], bool]) -> Callable[[pytest.MonkeyPatch], dict[str, Any]]:
    async def subscribe(really: Any, wanted: Any, client: aiomqtt.Client) -> Any:
        return await really([each for each in wanted if keep(each[0])])

    return client_with(subscribe=subscribe)


def device_topic(*, group_id: str, edge_node_id: str) -> str:
    return rebirth_topic(group_id=group_id, edge_node_id=edge_node_id).replace("NCMD", "DCMD") + "/cnc_101"


def commanding_a_device(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    def command(self: host_module.HostLink, topic: str, payload: bytes) -> None:
        self._commands.put_nowait((topic, payload))

    monkeypatch.setattr(host_module.HostLink, "command", command)
    return {"topic": device_topic}


def hanging_up_without_a_word(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    return client_with(publish=without_death)(monkeypatch)


def pinging_before_it_subscribes() -> Callable[[pytest.MonkeyPatch], dict[str, Any]]:
    async def subscribe(really: Any, wanted: Any, client: aiomqtt.Client) -> Any:
        await client.unsubscribe("something/else")
        return await really(wanted)

    return client_with(subscribe=subscribe)


def an_hour_ago(document: dict[str, Any]) -> None:
    document["timestamp"] -= 3_600_000


def birth_later_than_will(document: dict[str, Any]) -> None:
    document["timestamp"] += 7 if document["online"] else 0


def frozen_death() -> Callable[[pytest.MonkeyPatch], dict[str, Any]]:
    first: list[int] = []

    def payload(*, is_online: bool, timestamp: int) -> bytes:
        first.append(timestamp)
        return state_payload(is_online=is_online, timestamp=first[0])

    return lambda _monkeypatch: {"payload": payload}


def alias_instead_of_name(message: Any) -> None:
    message.metrics[0].ClearField("name")
    message.metrics[0].alias = 4


BOTH_PAYLOADS = ("check_will_payload", "check_birth_payload")
MUTATIONS: dict[str, Mutation] = {
    "a session that is kept": Mutation(client_with(is_persistent=True), ("check_session_is_clean",)),
    "no will": Mutation(client_with(will=lambda _: None), ("check_will_is_registered",)),
    "a will elsewhere": Mutation(will_with(topic="spBv1.0/STATE/other"), ("check_will_topic",)),
    "a will of QoS 0": Mutation(will_with(qos=0), ("check_will_qos",)),
    "a will that is not retained": Mutation(will_with(retain=False), ("check_will_is_retained",)),
    "a will that says online": Mutation(will_with(payload=b'{"online":true,"timestamp":1}'), ("check_will_payload",)),
    "a third member": Mutation(payload_with(lambda d: d.update(host="x")), (*BOTH_PAYLOADS, "check_death_payload")),
    "a time in text": Mutation(
        payload_with(lambda d: d.update(timestamp=str(d["timestamp"]))), (*BOTH_PAYLOADS, "check_death_payload")
    ),
    "a time of an hour ago": Mutation(
        payload_with(an_hour_ago),
        ("check_will_time_is_that_of_the_connect", "check_death_time_is_that_of_the_disconnect"),
    ),
    "a birth with another time": Mutation(
        payload_with(birth_later_than_will), ("check_birth_time_is_that_of_the_will",)
    ),
    "a death with the time of the birth": Mutation(frozen_death(), ("check_death_time_is_that_of_the_disconnect",)),
    "a birth elsewhere": Mutation(
        state_with(is_online=True, topic="spBv1.0/STATE/other"),
        ("check_birth_topic", "check_birth_is_the_first_publish"),
    ),
    "no birth": Mutation(
        client_with(publish=without_birth),
        ("check_birth_topic", "check_birth_payload", "check_birth_is_the_first_publish"),
    ),
    "a birth of QoS 0": Mutation(state_with(is_online=True, qos=0), ("check_birth_qos",)),
    "a birth that is not retained": Mutation(state_with(is_online=True, retain=False), ("check_birth_is_retained",)),
    "another message before the birth": Mutation(
        client_with(publish=with_a_message_before_birth),
        ("check_birth_is_the_first_publish", "check_birth_follows_the_subscriptions"),
    ),
    "no subscription to the own STATE": Mutation(
        subscribing_only(lambda name: "STATE" not in name),
        (
            "check_own_state_is_subscribed_before_the_birth",
            "check_offline_is_contradicted_at_once_with_the_same_time",
        ),
    ),
    "no subscription to Sparkplug topics": Mutation(
        subscribing_only(lambda name: "STATE" in name), ("check_sparkplug_topics_are_subscribed_before_the_birth",)
    ),
    "subscriptions after the birth": Mutation(
        subscribing_after_the_birth(),
        (
            "check_own_state_is_subscribed_before_the_birth",
            "check_sparkplug_topics_are_subscribed_before_the_birth",
            "check_subscriptions_follow_the_connect_at_once",
            "check_birth_follows_the_subscriptions",
        ),
    ),
    "something else before the subscriptions": Mutation(
        pinging_before_it_subscribes(), ("check_subscriptions_follow_the_connect_at_once",)
    ),
    "no contradiction": Mutation(
        without_contradiction(), ("check_offline_is_contradicted_at_once_with_the_same_time",)
    ),
    "a contradiction with another time": Mutation(
        with_another_time_in_the_contradiction(), ("check_offline_is_contradicted_at_once_with_the_same_time",)
    ),
    "no death before the disconnect": Mutation(
        hanging_up_without_a_word, ("check_death_is_published_before_the_disconnect", "check_death_payload")
    ),
    "a death elsewhere": Mutation(
        state_with(is_online=False, topic="spBv1.0/STATE/other"),
        ("check_death_topic", "check_death_is_published_before_the_disconnect"),
    ),
    "a death of QoS 0": Mutation(state_with(is_online=False, qos=0), ("check_death_qos",)),
    "a death that is not retained": Mutation(state_with(is_online=False, retain=False), ("check_death_is_retained",)),
    "a command to a device": Mutation(commanding_a_device, ("check_only_node_commands_leave",)),
    "a command of QoS 1": Mutation(command_published_with(qos=1), ("check_command_qos_and_retain",)),
    "a command that is retained": Mutation(command_published_with(retain=True), ("check_command_qos_and_retain",)),
    "a command with seq": Mutation(
        command_with(lambda message: setattr(message, "seq", 0)), ("check_command_has_its_time_and_no_seq",)
    ),
    "a command without time": Mutation(
        command_with(lambda message: message.ClearField("timestamp")), ("check_command_has_its_time_and_no_seq",)
    ),
    "a rebirth by alias": Mutation(command_with(alias_instead_of_name), ("check_rebirth_is_asked_by_name_with_true",)),
    "a rebirth under another name": Mutation(
        command_with(lambda message: setattr(message.metrics[0], "name", "Rebirth")),
        ("check_rebirth_is_asked_by_name_with_true",),
    ),
    "a rebirth that says false": Mutation(
        command_with(lambda message: setattr(message.metrics[0], "boolean_value", False)),
        ("check_rebirth_is_asked_by_name_with_true",),
    ),
    "a command without metrics": Mutation(
        command_with(lambda message: message.ClearField("metrics")), ("check_rebirth_is_asked_by_name_with_true",)
    ),
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with a_mosquitto(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_duty_that_is_removed_is_missed(broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    mutation = MUTATIONS[name]
    options = mutation.breaks(monkeypatch)
    session = asyncio.run(record_a_host(broker.port, patience_s=0.7, **options))
    for check in mutation.noticed_by:
        with pytest.raises((AssertionError, ValueError, KeyError, IndexError)):
            CHECKS[check](session)


def test_every_check_is_proved_by_a_mutation() -> None:
    assert {check for mutation in MUTATIONS.values() for check in mutation.noticed_by} == set(CHECKS)

"""The duties of a Sparkplug host application, as they lie on the wire between it and a real broker."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from ingest.broker import HostLink
from ingest.broker.connection import cancel_all
from ingest.collector import collect
from ingest.site import Site
from ingest.sparkplug import sparkplug_b_pb2
from ingest.sparkplug.host import state_payload, state_topic
from tests.builders.sparkplug import a_device_birth, a_metric, a_node_birth, a_site, device_data
from tests.integration.brokers import Mosquitto, a_mosquitto
from tests.integration.host_duties import (
    CHECKS,
    HostSession,
    check_birth_time_is_that_of_the_will,
    check_rebirth_is_asked_by_name_with_true,
)
from tests.integration.host_story import record_a_host
from tests.integration.mqtt_packets import Packet
from tests.integration.recording_proxy import Recording, a_recording_proxy

_wire: Any = sparkplug_b_pb2
HOST, LANDING = "-host-lineshaft", "lineshaft-collector-hamburg"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with a_mosquitto(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module", params=["3.1.1", "5"])
def session(broker: Mosquitto, request: pytest.FixtureRequest) -> HostSession:
    return asyncio.run(record_a_host(broker.port, protocol=request.param))


@pytest.mark.parametrize("name", CHECKS)
def test_the_host_keeps_its_duty_on_the_wire(session: HostSession, name: str) -> None:
    CHECKS[name](session)


@asynccontextmanager
async def collecting(*sites: Site, home: Path) -> AsyncIterator[asyncio.Event]:
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(collect(sites, home=home, stop=stop, on_ready=ready.set, batch_seconds=0.1))
    try:
        await asyncio.wait_for(ready.wait(), 20)
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 20)


async def until(condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within twenty seconds"
        await asyncio.sleep(0.02)


def published(packets: list[Packet]) -> list[str]:
    return [packet.publication.topic for packet in packets if packet.is_from_client and packet.publication is not None]


def is_born(recording: Recording) -> bool:
    return any(published(packets) for packets in recording.of(HOST))


def test_the_landing_subscription_stands_before_any_edge_node_is_told_online(broker: Mosquitto, tmp_path: Path) -> None:
    """Durable mode: what the host owes by subscribing, the landing client keeps, and earlier."""

    async def story() -> Recording:
        async with a_recording_proxy(broker.port) as recording:
            async with collecting(a_site(broker={"url": recording.url}), home=tmp_path / "home"):
                await until(lambda: is_born(recording))
            return recording

    recording = asyncio.run(story())
    (landing,), (host,) = recording.of(LANDING), recording.of(HOST)
    granted_at = next(packet.at for packet in landing if packet.kind == "SUBACK")
    wanted = next(packet.filters for packet in landing if packet.kind == "SUBSCRIBE")
    assert ("spBv1.0/hamburg/#", 1) in wanted
    assert granted_at <= host[0].at
    assert landing[0].will is None
    assert published(landing) == []
    assert not landing[0].is_clean


def test_a_gap_that_outlives_the_reorder_timeout_is_answered_by_a_rebirth_request(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """Filled in time, nothing is asked; not filled, the edge node gets its NCMD."""
    now = time.time_ns() // 1_000_000

    async def story() -> tuple[list[str], HostSession]:
        async with a_recording_proxy(broker.port) as recording:
            site = a_site(broker={"url": recording.url}, reorder_timeout_s=1.0)
            async with collecting(site, home=tmp_path / "home"):
                await until(lambda: is_born(recording))
                async with aiomqtt.Client("127.0.0.1", broker.port) as edge:
                    for arrival in (
                        a_node_birth(at=now),
                        a_device_birth([a_metric("a", 1, alias=1, timestamp=now)], at=now),
                        *(device_data([a_metric(value=s, alias=1)], seq=s, at=now + s) for s in (2, 4, 3)),
                    ):
                        await edge.publish(arrival.topic, arrival.payload, qos=1)
                    await asyncio.sleep(2.5)
                    before = published(recording.of(HOST)[0])
                    lost = device_data([a_metric(value=9, alias=1)], seq=9, at=now + 9)
                    await edge.publish(lost.topic, lost.payload, qos=1)
                    await until(lambda: len(published(recording.of(HOST)[0])) > len(before))
            return before, HostSession(packets=tuple(recording.of(HOST)[0]))

    before, session = asyncio.run(story())
    assert set(before) == {"spBv1.0/STATE/lineshaft"}
    assert published(list(session.packets))[len(before)] == "spBv1.0/hamburg/NCMD/milling_line"
    check_rebirth_is_asked_by_name_with_true(session)


def test_each_broker_gets_its_own_birth_with_its_own_time(broker: Mosquitto, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()

    async def story(second: Mosquitto) -> tuple[Recording, Recording]:
        async with a_recording_proxy(broker.port) as one, a_recording_proxy(second.port) as two:
            sites = [
                a_site(broker={"url": one.url}),
                a_site(site_id="bremen", group_id="bremen", broker={"url": two.url}),
            ]
            async with collecting(*sites, home=tmp_path / "home"):
                await until(lambda: is_born(one) and is_born(two))
                await until(lambda: len(published(one.of(HOST)[0])) == 1)
                second.restart()  # a new connection there, and nothing here
                await until(lambda: len(two.of(HOST)) > 1 and published(two.of(HOST)[-1]))
            return one, two

    with a_mosquitto(tmp_path / "second") as second:
        one, two = asyncio.run(story(second))
    sessions = [HostSession(packets=tuple(packets)) for packets in (*one.of(HOST), *two.of(HOST)) if published(packets)]
    for session in sessions:
        check_birth_time_is_that_of_the_will(session)
        assert published(list(session.packets))[0] == "spBv1.0/STATE/lineshaft"
    assert len(one.of(HOST)) == 1
    times = [json.loads(session.will.payload)["timestamp"] for session in sessions]
    assert times[-1] > times[1]


def test_a_site_may_have_its_host_subscribe_everything(broker: Mosquitto, tmp_path: Path) -> None:
    async def story() -> Recording:
        async with a_recording_proxy(broker.port) as recording:
            site = a_site(broker={"url": recording.url}, host_subscription="everything")
            async with collecting(site, home=tmp_path / "home"):
                await until(lambda: is_born(recording))
            return recording

    (host,) = asyncio.run(story()).of(HOST)
    wanted = next(packet.filters for packet in host if packet.kind == "SUBSCRIBE")
    assert wanted == (("spBv1.0/STATE/lineshaft", 1), ("spBv1.0/#", 0))


def test_a_second_host_under_our_id_is_noticed(broker: Mosquitto) -> None:
    async def story() -> bool:
        host = HostLink(
            a_site(broker={"url": broker.url}).broker,
            client_id="lineshaft-one",
            state_topic=state_topic("contested"),
            state_payload=state_payload,
        )
        host.is_healthy.set()
        life = asyncio.create_task(host.run())
        await until(lambda: host.is_online)
        async with aiomqtt.Client("127.0.0.1", broker.port) as other:
            await other.publish(state_topic("contested"), state_payload(is_online=True, timestamp=7), qos=1)
            await until(lambda: host.is_contested)
        await cancel_all({life})
        return host.is_contested

    assert asyncio.run(story())

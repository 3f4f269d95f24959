"""One life of a host application behind a recording proxy: birth, contradiction, a request for rebirth, farewell."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Literal

import aiomqtt

from ingest.broker import HostLink
from ingest.broker.connection import cancel_all
from ingest.site import Broker
from ingest.sparkplug.host import rebirth_command, rebirth_topic, state_payload, state_topic
from tests.builders.sparkplug import a_site
from tests.integration.host_duties import HostSession
from tests.integration.recording_proxy import Recording, a_recording_proxy

PATIENCE_S = 3.0


async def record_a_host(
    broker_port: int,
    *,
    protocol: Literal["3.1.1", "5"] = "5",
    payload: Callable[..., bytes] = state_payload,
    command: Callable[..., bytes] = rebirth_command,
    topic: Callable[..., str] = rebirth_topic,
    patience_s: float = PATIENCE_S,
) -> HostSession:
    """What a HostLink does on the wire; a step that does not come is waited for no longer than `patience_s`."""
    site = a_site()
    async with a_recording_proxy(broker_port) as recording:
        host = HostLink(
            Broker(url=recording.url, protocol=protocol),
            client_id="lineshaft-test-host",
            state_topic=state_topic(site.host_id),
            state_payload=payload,
            filters=site.host_filters,
        )
        host.is_healthy.set()
        life = asyncio.create_task(host.run())
        await _until(lambda: host.is_online and bool(_sent(recording)), patience_s)
        async with aiomqtt.Client("127.0.0.1", broker_port) as stranger:
            said = len(_sent(recording))
            await stranger.publish(
                state_topic(site.host_id), '{ "online" :\tfalse, "timestamp": 1 }', qos=1, retain=True
            )
            await _until(lambda: len(_sent(recording)) > said, patience_s)
        said = len(_sent(recording))
        host.command(
            topic(group_id=site.group_id or "", edge_node_id="milling_line"),
            command(timestamp=time.time_ns() // 1_000_000),
        )
        await _until(lambda: len(_sent(recording)) > said, patience_s)
        await cancel_all({life})
        await _until(lambda: recording.connections[0][-1].kind == "DISCONNECT", patience_s)
        return HostSession(packets=tuple(recording.connections[0]))


def _sent(recording: Recording) -> list[object]:
    if not recording.connections:
        return []
    return [packet for packet in recording.connections[0] if packet.is_from_client and packet.kind == "PUBLISH"]


async def _until(condition: Callable[[], bool], patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110  (what it waits for is on the wire)
        await asyncio.sleep(0.01)

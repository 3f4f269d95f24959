"""The clean session of a Sparkplug host application: Will, birth, STATE, commands.

Belongs here: the connection a host speaks over. Does not belong here: what it says (ingest.sparkplug.host), when a
rebirth is asked for (ingest.sparkplug.session).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress

import aiomqtt
import structlog

from ingest.broker.connection import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    cancel_all,
    connected,
    make_client,
    publish_confirmed,
    reason_of,
    subscribe,
    until_disconnected,
)
from ingest.broker.inbox import Inbox, queue_type
from ingest.errors import LeaseLost, SubscriptionRefused
from ingest.lease import Fence, unfenced
from ingest.site import Broker
from ingest.sparkplug.host import parse_state

log = structlog.get_logger(__name__)


class HostLink:
    """The clean session of a Sparkplug host application: Will, birth, commands.

    Connected only while `is_healthy` is set: an edge node that is told "online" stops buffering, so STATE follows the
    health of landing. Each connection has its own timestamp, shared by its Will and its birth.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        client_id: str,
        state_topic: str,
        state_payload: Callable[..., bytes],
        filters: tuple[str, ...] = (),
        fence: Fence = unfenced,
    ) -> None:
        self.broker = broker
        self._fence = fence
        self.client_id = client_id
        self.filters = filters
        """Sparkplug topics subscribed beside STATE before the birth; what they bring is dropped (docs/adr/0005)."""
        self.is_healthy = asyncio.Event()
        self.is_online = False
        self.is_contested = False
        """Whether another host application was heard saying "online" under our id, which must be unique."""
        self._state_topic = state_topic
        self._state_payload = state_payload
        self._commands: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    def command(self, topic: str, payload: bytes) -> None:
        """Send a command when online; one that waits too long is worth nothing and is dropped with the connection.

        Raises ValueError for anything but an NCMD: this host never writes to a device (reliability: no DCMD right).
        """
        if topic.split("/")[2:3] != ["NCMD"]:
            raise ValueError(f"a host sends NCMD and nothing else to the plant, not {topic!r}")
        if self.is_online:
            self._commands.put_nowait((topic, payload))

    async def run(self) -> None:
        """Be online whenever landing is healthy; on cancellation say goodbye first."""
        pause = FIRST_PAUSE_S
        while True:
            await self.is_healthy.wait()
            self._fence()
            try:
                await self._be_online()
                pause = FIRST_PAUSE_S
            except SubscriptionRefused as error:  # landing goes on: the plant only believes that nobody listens
                log.error("subscription_refused", url=self.broker.url, client_id=self.client_id, reason=str(error))  # noqa: TRY400  (one clear line)
                await asyncio.sleep(LONGEST_PAUSE_S)
            except aiomqtt.MqttError as error:
                log.warning(
                    "host_unreachable",
                    url=self.broker.url,
                    client_id=self.client_id,
                    reason=reason_of(error, self.broker),
                )
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  (spreads reconnects)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            finally:
                self.is_online = False

    async def _be_online(self) -> None:
        born_at = time.time_ns() // 1_000_000
        birth = self._state_payload(is_online=True, timestamp=born_at)
        will = aiomqtt.Will(self._state_topic, self._state_payload(is_online=False, timestamp=born_at), 1, True)
        heard = asyncio.Event()
        inbox = Inbox(heard)
        client = make_client(
            self.broker,
            client_id=self.client_id,
            is_persistent=False,
            on_message=queue_type(inbox.put, connection=0),
            will=will,
        )
        async with connected(client):
            await self._subscribe(client)
            await publish_confirmed(client, self._state_topic, birth, broker=self.broker)
            self.is_online = True
            log.info("host_online", url=self.broker.url, topic=self._state_topic)
            tasks = {
                asyncio.create_task(until_disconnected(client), name="host-connection"),
                asyncio.create_task(self._send_commands(client), name="host-commands"),
                asyncio.create_task(self._assert_state(client, heard, inbox, birth, born_at), name="host-state"),
                asyncio.create_task(_until_clear(self.is_healthy), name="host-health"),
            }
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                self.is_online = False
                await cancel_all(tasks)
                farewell = self._state_payload(is_online=False, timestamp=time.time_ns() // 1_000_000)
                with suppress(aiomqtt.MqttError, LeaseLost):  # who was replaced says nothing of its successor's state
                    self._fence()
                    await client.publish(self._state_topic, farewell, qos=1, retain=True, timeout=2)

    async def _send_commands(self, client: aiomqtt.Client) -> None:
        while True:
            topic, payload = await self._commands.get()
            await client.publish(topic, payload, qos=0, retain=False)

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        """The own STATE topic and the Sparkplug topics, in one packet, before anything is published."""
        wanted = [(self._state_topic, 1), *((name, 0) for name in self.filters)]
        await subscribe(client, wanted, broker=self.broker, client_id=self.client_id)

    async def _assert_state(
        self, client: aiomqtt.Client, heard: asyncio.Event, inbox: Inbox, birth: bytes, born_at: int
    ) -> None:
        """Contradict at once whoever says that we are offline (our own Will of a former connection, for instance)."""
        is_born = False  # whether the broker has echoed our birth: what comes earlier is retained and of the past
        while True:
            await heard.wait()
            heard.clear()
            for arrival in inbox.take(1000):
                state = parse_state(arrival.payload) if arrival.topic == self._state_topic else None
                if state is None:
                    continue
                if not state.is_online:
                    await client.publish(self._state_topic, birth, qos=1, retain=True)
                elif state.timestamp == born_at:
                    is_born = True
                elif is_born:
                    self.is_contested = True
                    log.error("host_id_contested", topic=self._state_topic, hint="give each host its own host_id")


async def _until_clear(event: asyncio.Event) -> None:
    while event.is_set():  # noqa: ASYNC110  (an Event has no "wait until cleared")
        await asyncio.sleep(0.05)

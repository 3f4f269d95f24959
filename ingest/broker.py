"""The network: a session that survives us, acknowledged by hand; and the clean one a Sparkplug host must use.

Belongs here: everything that touches aiomqtt. It is the only module of the collector that does (the simulator is a
plant and has its own client). Does not belong here: what messages mean, when they are durable.

The recipe of `DurableLink` and its traps (measured: acknowledging on receipt, aiomqtt's default, lost 4-5 % of messages
under kill -9; this lost none of 122,503 over 60 kills):

1. Manual acknowledgement is switched on before connecting, never after: one message per connect would be acknowledged
   behind our back.
2. The subscription runs beside reading, not before it: with a long queue at the broker, waiting for the SUBACK first
   times out, reconnects and starts again, for ever.
3. No timeout around `anext(messages)`: a cancelled one may lose the message just taken. Here aiomqtt's queue is
   replaced by one that hands over at once, and `anext` only serves to learn that the connection ended.
4. Packet ids belong to a connection. An acknowledgement never crosses into the next one.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import aiomqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.arrival import Arrival
from ingest.errors import BrokerError, SessionTakenOver
from ingest.site import Broker

log = structlog.get_logger(__name__)

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 15.0
SETTLED_S = 10.0
CONTESTED_AFTER = 3
"""Connections that were lost right after they stood, one after the other: somebody else carries our identity."""
SUBSCRIBE_TIMEOUT_S = 300.0
MAX_PENDING = 200_000
"""Messages waiting to be landed before the connection is closed: the broker keeps what memory should not."""

_TAKEN_OVER = 142


class DurableLink:
    """One persistent session with one broker.

    Arrivals collect in memory until `drain` takes them; `acknowledge` says they are durable. `run` connects and
    reconnects until cancelled.
    """

    def __init__(self, broker: Broker, *, client_id: str, filters: tuple[str, ...], arrived: asyncio.Event) -> None:
        self.broker = broker
        self.client_id = client_id
        self.filters = filters
        self.arrivals: deque[Arrival] = deque()
        self.is_ready = asyncio.Event()
        self.last_error: str | None = None
        self._arrived = arrived
        self._overflown = asyncio.Event()
        self._connection = 0
        self._client: aiomqtt.Client | None = None

    async def run(self) -> None:
        """Hold the connection; returns never, raises SessionTakenOver when another client carries our identity."""
        pause, short_lives = FIRST_PAUSE_S, 0
        while True:
            began = time.monotonic()
            try:
                await self._hold_connection()
            except aiomqtt.MqttError as error:
                self._raise_if_taken_over(error)
                self.last_error = _reason(error)
                log.warning("connection_lost", url=self.broker.url, client_id=self.client_id, reason=self.last_error)
            finally:
                self._client = None
                was_ready = self.is_ready.is_set()
                self.is_ready.clear()
            if time.monotonic() - began > SETTLED_S:
                pause, short_lives = FIRST_PAUSE_S, 0
            elif was_ready:
                short_lives += 1
                if (
                    short_lives >= CONTESTED_AFTER
                ):  # mosquitto 2.0.11 closes without a word when it hands a session over
                    log.error("session_contested", client_id=self.client_id, hint="is another collector using this id?")
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  (spreads reconnects, keeps no secret)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def drain(self, limit: int) -> list[Arrival]:
        """Take up to `limit` arrivals, oldest first."""
        arrivals = self.arrivals
        taken = [arrivals.popleft() for _ in range(min(limit, len(arrivals)))]
        if len(arrivals) < MAX_PENDING // 2:
            self._overflown.clear()
        return taken

    def acknowledge(self, arrivals: Iterable[Arrival]) -> None:
        """Tell the broker, in order, that these are durable; those of an earlier connection will come again."""
        client = self._client
        if client is None:
            return
        ack = client._client.ack  # aiomqtt 2.5 offers no manual acknowledgement of its own
        for arrival in arrivals:
            if arrival.qos and arrival.connection == self._connection:
                ack(arrival.packet_id, arrival.qos)

    async def _hold_connection(self) -> None:
        self._connection += 1
        client = _client(
            self.broker,
            client_id=self.client_id,
            is_persistent=True,
            on_message=_collector_into(self.arrivals, self._arrived, self._overflown, self._connection),
        )
        client._client.manual_ack_set(True)  # before connecting, never after
        async with client:
            self._client = client
            ending = asyncio.create_task(_until_disconnected(client), name=f"{self.client_id}-connection")
            subscribing = asyncio.create_task(self._subscribe(client), name=f"{self.client_id}-subscription")
            overflowing = asyncio.create_task(self._overflown.wait(), name=f"{self.client_id}-overflow")
            tasks = {ending, subscribing, overflowing}
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if subscribing in done:
                    subscribing.result()
                    self.is_ready.set()
                    self.last_error = None
                    log.info("collecting", url=self.broker.url, client_id=self.client_id, filters=self.filters)
                    done, _ = await asyncio.wait({ending, overflowing}, return_when=asyncio.FIRST_COMPLETED)
                if ending in done:
                    ending.result()
                log.warning("connection_closed_to_catch_up", client_id=self.client_id, waiting=len(self.arrivals))
            finally:
                self._client = None
                await _cancel(tasks)
        await self._caught_up()

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        codes = await client.subscribe([(name, 1) for name in self.filters], timeout=SUBSCRIBE_TIMEOUT_S)
        for name, code in zip(self.filters, codes, strict=False):
            if _is_refusal(code):
                raise BrokerError(
                    f"{self.broker.url} refuses the subscription {name!r} ({code}): grant it to {self.client_id}",
                    url=self.broker.url,
                )

    async def _caught_up(self) -> None:
        while len(self.arrivals) > MAX_PENDING // 2:  # noqa: ASYNC110  (a rare state, not worth an Event per drain)
            await asyncio.sleep(0.1)

    def _raise_if_taken_over(self, error: aiomqtt.MqttError) -> None:
        cause = error.__cause__
        code = getattr(cause if cause is not None else error, "rc", None)
        if getattr(code, "value", code) == _TAKEN_OVER:
            raise SessionTakenOver(
                f"another client connected to {self.broker.url} as {self.client_id!r}: give each collector its own id",
                url=self.broker.url,
            ) from error


class HostLink:
    """The clean session of a Sparkplug host application: Will, birth, commands.

    Connected only while `is_healthy` is set: an edge node that is told "online" stops buffering, so STATE follows the
    health of landing. Each connection has its own timestamp, shared by its Will and its birth.
    """

    def __init__(
        self, broker: Broker, *, client_id: str, state_topic: str, state_payload: Callable[..., bytes]
    ) -> None:
        self.broker = broker
        self.client_id = client_id
        self.is_healthy = asyncio.Event()
        self.is_online = False
        self._state_topic = state_topic
        self._state_payload = state_payload
        self._commands: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self._inbox: deque[Arrival] = deque()

    def command(self, topic: str, payload: bytes) -> None:
        """Send a command when online; one that waits too long is worth nothing and is dropped with the connection."""
        if self.is_online:
            self._commands.put_nowait((topic, payload))

    async def run(self) -> None:
        """Be online whenever landing is healthy; on cancellation say goodbye first."""
        pause = FIRST_PAUSE_S
        while True:
            await self.is_healthy.wait()
            try:
                await self._be_online()
                pause = FIRST_PAUSE_S
            except aiomqtt.MqttError as error:
                log.warning("host_unreachable", url=self.broker.url, client_id=self.client_id, reason=_reason(error))
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  (spreads reconnects)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            finally:
                self.is_online = False

    async def _be_online(self) -> None:
        born_at = time.time_ns() // 1_000_000
        birth = self._state_payload(is_online=True, timestamp=born_at)
        will = aiomqtt.Will(self._state_topic, self._state_payload(is_online=False, timestamp=born_at), 1, True)
        heard = asyncio.Event()
        self._inbox.clear()
        client = _client(
            self.broker,
            client_id=self.client_id,
            is_persistent=False,
            on_message=_collector_into(self._inbox, heard, asyncio.Event(), 0),
            will=will,
        )
        async with client:
            await client.subscribe(self._state_topic, qos=1)
            await client.publish(self._state_topic, birth, qos=1, retain=True)
            self.is_online = True
            log.info("host_online", url=self.broker.url, topic=self._state_topic)
            tasks = {
                asyncio.create_task(_until_disconnected(client), name="host-connection"),
                asyncio.create_task(self._send_commands(client), name="host-commands"),
                asyncio.create_task(self._assert_state(client, heard, birth), name="host-state"),
                asyncio.create_task(_until_clear(self.is_healthy), name="host-health"),
            }
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                self.is_online = False
                await _cancel(tasks)
                farewell = self._state_payload(is_online=False, timestamp=time.time_ns() // 1_000_000)
                with suppress(aiomqtt.MqttError):
                    await client.publish(self._state_topic, farewell, qos=1, retain=True, timeout=2)

    async def _send_commands(self, client: aiomqtt.Client) -> None:
        while True:
            topic, payload = await self._commands.get()
            await client.publish(topic, payload, qos=0, retain=False)

    async def _assert_state(self, client: aiomqtt.Client, heard: asyncio.Event, birth: bytes) -> None:
        """Contradict at once whoever says that we are offline (our own Will of a former connection, for instance)."""
        while True:
            await heard.wait()
            heard.clear()
            while self._inbox:
                if b'"online":false' in self._inbox.popleft().payload.replace(b" ", b""):
                    await client.publish(self._state_topic, birth, qos=1, retain=True)


def _client(
    broker: Broker,
    *,
    client_id: str,
    is_persistent: bool,
    on_message: type[asyncio.Queue[aiomqtt.Message]],
    will: aiomqtt.Will | None = None,
) -> aiomqtt.Client:
    options: dict[str, Any] = {}
    if broker.protocol == "5":
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = broker.session_expiry_s if is_persistent else 0
        properties.ReceiveMaximum = broker.receive_maximum
        options = {
            "protocol": aiomqtt.ProtocolVersion.V5,
            "clean_start": not is_persistent,
            "properties": properties,
        }
    else:
        options = {"protocol": aiomqtt.ProtocolVersion.V311, "clean_session": not is_persistent}
    return aiomqtt.Client(
        broker.host,
        broker.port,
        identifier=client_id,
        username=broker.secret(broker.username_env),
        password=broker.secret(broker.password_env),
        keepalive=broker.keepalive_s,
        tls_context=_tls_context(broker) if broker.is_encrypted else None,
        queue_type=on_message,
        will=will,
        **options,
    )


def _tls_context(broker: Broker) -> ssl.SSLContext:
    authority = broker.secret(broker.ca_file_env)
    certificate, key = broker.secret(broker.client_cert_file_env), broker.secret(broker.client_key_file_env)
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except OSError as error:
        files = ", ".join(path for path in (authority, certificate, key) if path)
        raise BrokerError(
            f"the TLS files for {broker.url} cannot be used ({error.strerror or error}): look at {files}",
            url=broker.url,
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _collector_into(
    arrivals: deque[Arrival], arrived: asyncio.Event, overflown: asyncio.Event, connection: int
) -> type[asyncio.Queue[aiomqtt.Message]]:
    """A queue type, as aiomqtt wants one, that appends to `arrivals` at once and costs no task per message."""

    class ArrivalQueue(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            payload = item.payload if isinstance(item.payload, bytes) else bytes(str(item.payload), "utf-8")
            arrivals.append(Arrival(item.topic.value, payload, time.time_ns() // 1000, item.qos, item.mid, connection))
            arrived.set()
            if len(arrivals) > MAX_PENDING:
                overflown.set()

    return ArrivalQueue


async def _until_disconnected(client: aiomqtt.Client) -> None:
    # The queue never yields, so this only ends by the error that tells of the end of the connection.
    await anext(client.messages)


async def _until_clear(event: asyncio.Event) -> None:
    while event.is_set():  # noqa: ASYNC110  (an Event has no "wait until cleared")
        await asyncio.sleep(0.05)


async def _cancel(tasks: set[asyncio.Task[None]] | set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _is_refusal(code: Any) -> bool:
    return bool(code.is_failure) if hasattr(code, "is_failure") else int(code) >= 128


def _reason(error: BaseException) -> str:
    return str(error.__cause__ or error)

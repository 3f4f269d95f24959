"""The session that survives us: at-least-once arrivals, acknowledged by hand.

Belongs here: the persistent session of one site's landing client. Does not belong here: what messages mean, when they
are durable, what a Sparkplug host says (host).

The recipe and its traps (measured: acknowledging on receipt, aiomqtt's default, lost 4-5 % of messages under kill -9;
this lost none of 122,503 over 60 kills):

1. Manual acknowledgement is switched on before connecting, never after: one message per connect would be acknowledged
   behind our back.
2. The subscription runs beside reading, not before it: with a long queue at the broker, waiting for the SUBACK first
   times out, reconnects and starts again, for ever.
3. No timeout around `anext(messages)`: a cancelled one may lose the message just taken. Here messages never pass
   through aiomqtt's queue (wire, inbox), and `anext` only serves to learn that the connection ended.
4. Packet ids belong to a connection. An acknowledgement never crosses into the next one.
5. The receive window bounds what the broker sends ahead; where a broker disregards it (mosquitto 2.0.11 with a
   backlog, and QoS 0), a full inbox stops reading the socket, and TCP says the rest.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import aiomqtt
import structlog

from ingest.arrival import Arrival
from ingest.broker import wire
from ingest.broker.connection import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    cancel_all,
    connected,
    make_client,
    reason_of,
    require_settings,
    subscribe,
    until_disconnected,
)
from ingest.broker.inbox import Inbox, queue_type
from ingest.errors import SessionTakenOver, SubscriptionRefused
from ingest.lease import Fence, unfenced
from ingest.site import Broker

log = structlog.get_logger(__name__)

SETTLED_S = 10.0
CONTESTED_AFTER = 3
"""Connections that were lost right after they stood, one after the other: somebody else carries our identity."""
SUBSCRIBE_TIMEOUT_S = 300.0

_TAKEN_OVER = 142


class Outage(NamedTuple):
    """A time in which this link heard nothing, in ms UTC."""

    from_at: int
    until_at: int
    is_own_absence: bool
    """Whether the collector was not running, rather than the broker out of reach."""


class DurableLink:
    """One persistent session with one broker.

    Arrivals collect in the inbox until `drain` takes them; `acknowledge` says they are durable. `run` connects and
    reconnects until cancelled.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        client_id: str,
        filters: tuple[str, ...],
        arrived: asyncio.Event,
        fence: Fence = unfenced,
    ) -> None:
        self.broker = broker
        self._fence = fence
        self.client_id = client_id
        self.filters = filters
        self.inbox = Inbox(arrived)
        self.is_ready = asyncio.Event()
        self.last_error: str | None = None
        self.outages: list[Outage] = []
        """Times without a subscription that are over and that nobody has noted yet."""
        self._lost_at: int | None = None
        self._is_own_absence = False
        self._connection = 0
        self._client: aiomqtt.Client | None = None
        self._paused_on: int | None = None

    async def run(self) -> None:
        """Hold the connection; returns never.

        Raises:
            BrokerError: a setting that the environment must hold is missing.
            SessionTakenOver: another client carries our identity.
            LeaseLost: `fence` raised it before connecting; who is fenced off must not take the session back.
        """
        require_settings(self.broker)
        pause, short_lives = FIRST_PAUSE_S, 0
        while True:
            self._fence()
            began = time.monotonic()
            try:
                await self._hold_connection()
            except SubscriptionRefused as error:  # the other sites of this collector go on
                self.last_error, pause = str(error), LONGEST_PAUSE_S
                log.error("subscription_refused", url=self.broker.url, client_id=self.client_id, reason=str(error))  # noqa: TRY400  (one clear line)
            except aiomqtt.MqttError as error:
                self._raise_if_taken_over(error)
                self.last_error = reason_of(error, self.broker)
                log.warning("connection_lost", url=self.broker.url, client_id=self.client_id, reason=self.last_error)
            finally:
                self._client = None
                was_ready = self.is_ready.is_set()
                self.is_ready.clear()
                if was_ready:
                    self._lost_at = _now()
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

    def missed_since(self, at: int) -> None:
        """Nothing was heard since then (ms UTC), before this process began; it is an outage once the link stands."""
        self._lost_at, self._is_own_absence = at, True

    def drain(self, limit: int) -> list[Arrival]:
        """Take up to `limit` arrivals, oldest first."""
        taken = self.inbox.take(limit)
        if self._paused_on is not None and self.inbox.has_room:
            self._read_on()
        return taken

    def acknowledge(self, arrivals: Iterable[Arrival]) -> None:
        """Tell the broker, in order, that these are durable; those of an earlier connection will come again."""
        client, connection = self._client, self._connection
        if client is None:
            return
        packet_ids = [each.packet_id for each in arrivals if each.qos and each.connection == connection]
        if packet_ids and wire.is_supported(client._client):
            wire.acknowledge_all(client._client, packet_ids)
            return
        for packet_id in packet_ids:  # aiomqtt 2.5 offers no manual acknowledgement of its own
            client._client.ack(packet_id, 1)

    async def _hold_connection(self) -> None:
        self._connection += 1
        self._paused_on = None
        client = make_client(
            self.broker,
            client_id=self.client_id,
            is_persistent=True,
            on_message=queue_type(self._receive, connection=self._connection),
        )
        client._client.manual_ack_set(True)  # before connecting, never after
        if wire.is_supported(client._client):
            framer = wire.Framer(is_version_5=self.broker.protocol == "5", connection=self._connection)
            wire.BulkReader(client._client, framer=framer, deliver=self._receive)
        async with connected(client):
            self._client = client
            ending = asyncio.create_task(until_disconnected(client), name=f"{self.client_id}-connection")
            subscribing = asyncio.create_task(self._subscribe(client), name=f"{self.client_id}-subscription")
            tasks = {ending, subscribing}
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if subscribing in done:
                    subscribing.result()
                    self.is_ready.set()
                    if self._lost_at is not None:
                        self.outages.append(Outage(self._lost_at, _now(), self._is_own_absence))
                        self._lost_at, self._is_own_absence = None, False
                    self.last_error = None
                    log.info("collecting", url=self.broker.url, client_id=self.client_id, filters=self.filters)
                await ending
            finally:
                self._client = None
                await cancel_all(tasks)

    def _receive(self, arrivals: list[Arrival]) -> None:
        self.inbox.put(arrivals)
        if self.inbox.is_full and self._paused_on is None and self._client is not None:
            socket: Any = self._client._client.socket()
            if socket is not None:
                self._paused_on = socket.fileno()
                asyncio.get_running_loop().remove_reader(self._paused_on)
                log.warning("reading_paused", client_id=self.client_id, waiting=len(self.inbox))

    def _read_on(self) -> None:
        """Read again, as aiomqtt does; a pause longer than the keep-alive has ended the connection meanwhile."""
        paused_on, self._paused_on = self._paused_on, None
        client = self._client
        socket: Any = client._client.socket() if client is not None else None
        if client is None or socket is None or socket.fileno() != paused_on:
            return

        def read() -> None:
            try:
                client._client.loop_read()
            except Exception as error:  # noqa: BLE001  (whatever breaks the connection is told to whoever waits for it)
                if not client._disconnected.done():
                    client._disconnected.set_exception(error)

        asyncio.get_running_loop().add_reader(paused_on, read)
        log.info("reading_again", client_id=self.client_id)

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        wanted = [(name, 1) for name in self.filters]
        await subscribe(client, wanted, broker=self.broker, client_id=self.client_id, timeout_s=SUBSCRIBE_TIMEOUT_S)

    def _raise_if_taken_over(self, error: aiomqtt.MqttError) -> None:
        cause = error.__cause__
        code = getattr(cause if cause is not None else error, "rc", None)
        if getattr(code, "value", code) == _TAKEN_OVER:
            raise SessionTakenOver(
                f"another client connected to {self.broker.url} as {self.client_id!r}: give each collector its own id",
                url=self.broker.url,
            ) from error


def _now() -> int:
    return time.time_ns() // 1_000_000

"""The session that survives us: at-least-once arrivals, acknowledged by hand.

Belongs here: the persistent session of one site's landing client. Does not belong here: what messages mean, when they
are durable, what a Sparkplug host says (host).

The recipe and its traps (measured: acknowledging on receipt, aiomqtt's default, lost 4-5 % of messages
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
import time
from collections import deque
from collections.abc import Iterable

import aiomqtt
import structlog

from ingest.arrival import Arrival
from ingest.broker.connection import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    cancel_all,
    is_refusal,
    make_client,
    reason_of,
    until_disconnected,
)
from ingest.broker.inbox import MAX_PENDING, collector_into
from ingest.errors import BrokerError, SessionTakenOver
from ingest.site import Broker

log = structlog.get_logger(__name__)

SETTLED_S = 10.0
CONTESTED_AFTER = 3
"""Connections that were lost right after they stood, one after the other: somebody else carries our identity."""
SUBSCRIBE_TIMEOUT_S = 300.0

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
                self.last_error = reason_of(error)
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
        client = make_client(
            self.broker,
            client_id=self.client_id,
            is_persistent=True,
            on_message=collector_into(self.arrivals, self._arrived, self._overflown, self._connection),
        )
        client._client.manual_ack_set(True)  # before connecting, never after
        async with client:
            self._client = client
            ending = asyncio.create_task(until_disconnected(client), name=f"{self.client_id}-connection")
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
                await cancel_all(tasks)
        await self._caught_up()

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        codes = await client.subscribe([(name, 1) for name in self.filters], timeout=SUBSCRIBE_TIMEOUT_S)
        for name, code in zip(self.filters, codes, strict=False):
            if is_refusal(code):
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

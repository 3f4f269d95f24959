"""Where arrivals wait between the socket and the landing.

Belongs here: turning what aiomqtt hands over into arrivals at once. Does not belong here: connecting, acknowledging.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

import aiomqtt

from ingest.arrival import Arrival

MAX_PENDING = 200_000
"""Messages waiting to be landed before the connection is closed: the broker keeps what memory should not."""


def collector_into(
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

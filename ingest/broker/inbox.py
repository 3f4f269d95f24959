"""Where arrivals wait between the socket and the landing: bounded, or the broker keeps them.

Belongs here: the queue of one link, how full it may become, and the way aiomqtt hands messages over where packets are
not framed in bulk. Does not belong here: connecting, acknowledging.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import aiomqtt

from ingest.arrival import Arrival

MOST_MESSAGES = 100_000
MOST_BYTES = 64 * 1024 * 1024
"""More than this waits at the broker: the socket is not read until half of it is landed."""


class Inbox:
    """Arrivals in order; `is_full` says that reading should pause, `has_room` that it may go on."""

    def __init__(self, arrived: asyncio.Event) -> None:
        self._arrivals: list[Arrival] = []
        self._bytes = 0
        self._arrived = arrived

    def __len__(self) -> int:
        return len(self._arrivals)

    @property
    def is_full(self) -> bool:
        """Whether memory has had enough."""
        return len(self._arrivals) >= MOST_MESSAGES or self._bytes >= MOST_BYTES

    @property
    def has_room(self) -> bool:
        """Whether half of what made it full has gone."""
        return len(self._arrivals) <= MOST_MESSAGES // 2 and self._bytes <= MOST_BYTES // 2

    @property
    def oldest_received_at(self) -> int | None:
        """When the arrival that waits longest came, in microseconds UTC."""
        try:
            return self._arrivals[0].received_at
        except IndexError:  # asked from the monitor's thread, between one look and the next
            return None

    def put(self, arrivals: list[Arrival]) -> None:
        """Add at the end and say so."""
        self._arrivals += arrivals
        self._bytes += sum(len(arrival.payload) for arrival in arrivals)
        self._arrived.set()

    def put_back(self, arrivals: list[Arrival]) -> None:
        """Give back what was taken and not used; it is the next to be taken."""
        self._arrivals[:0] = arrivals
        self._bytes += sum(len(arrival.payload) for arrival in arrivals)
        if arrivals:
            self._arrived.set()

    def take(self, limit: int) -> list[Arrival]:
        """Up to `limit` arrivals, oldest first."""
        taken = self._arrivals[:limit]
        del self._arrivals[:limit]
        self._bytes -= sum(len(arrival.payload) for arrival in taken)
        return taken


def queue_type(put: Callable[[list[Arrival]], None], *, connection: int) -> type[asyncio.Queue[aiomqtt.Message]]:
    """A queue type, as aiomqtt wants one, that hands over at once and costs no task per message."""

    class ArrivalQueue(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            payload = item.payload if isinstance(item.payload, bytes) else bytes(str(item.payload), "utf-8")
            received_at = time.time_ns() // 1000
            put([Arrival(item.topic.value, payload, received_at, item.qos, item.mid, connection)])

    return ArrivalQueue

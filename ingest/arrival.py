"""One message as it came off the wire.

Belongs here: the tuple every reader takes, its identity, and the flags a row may carry.
Does not belong here: decoding it, acknowledging it.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple


class Arrival(NamedTuple):
    """A received message; `connection` and `packet_id` are what its acknowledgement needs."""

    topic: str
    payload: bytes
    received_at: int
    """Microseconds UTC."""
    qos: int = 0
    packet_id: int = 0
    connection: int = 0


def message_id(arrival: Arrival, *, has_own_time: bool) -> str:
    """What makes a message itself: 32 hex characters over topic and payload.

    A readable payload without a time of its own may rightly be sent twice; there the time of receipt is part of the
    identity, and a redelivery after a crash counts as a second message.
    """
    digest = hashlib.blake2b(arrival.topic.encode("utf-8", "replace"), digest_size=16)
    digest.update(b"\0")
    digest.update(arrival.payload)
    if not has_own_time:
        digest.update(str(arrival.received_at).encode())
    return digest.hexdigest()

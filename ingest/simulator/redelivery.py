"""Redelivery: a client that saw no acknowledgement sends a QoS 1 message again, byte for byte.

Belongs here: choosing which messages travel twice. Does not belong here: noticing it (the warehouse does, by
message_id).
"""

from __future__ import annotations

import numpy as np

from ingest.simulator.actions import Publish


def with_redeliveries(published: list[Publish], *, ratio: float, rng: np.random.Generator) -> list[Publish]:
    """The same messages, some of them twice in a row. Payloads without a time of their own are left alone."""
    if ratio <= 0:
        return published
    doubled: list[Publish] = []
    for message in published:
        doubled.append(message)
        if message.qos == 1 and message.payload.endswith(b"}") and rng.random() < ratio:
            doubled.append(message)
    return doubled

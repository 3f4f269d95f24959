"""The duties of a Sparkplug host application, as payloads: STATE and the rebirth command.

Belongs here: what a host says. Does not belong here: the connection it says it over (ingest.broker.HostLink), when to
ask for a rebirth (session, rebirth).
"""

from __future__ import annotations

import json
from typing import NamedTuple

from ingest.sparkplug.datatypes import DataType
from ingest.sparkplug.metrics import Metric
from ingest.sparkplug.payload import REBIRTH, encode_payload
from ingest.sparkplug.topic import node_topic, state_topic

__all__ = ["HostState", "parse_state", "rebirth_command", "rebirth_topic", "state_payload", "state_topic"]


class HostState(NamedTuple):
    """What a STATE message says; `timestamp` in ms UTC, None where it is missing or no whole number."""

    is_online: bool
    timestamp: int | None


def state_payload(*, is_online: bool, timestamp: int) -> bytes:
    """The JSON of a STATE message, exactly these two members; `timestamp` in ms UTC."""
    return json.dumps({"online": is_online, "timestamp": timestamp}, separators=(",", ":")).encode()


def parse_state(payload: bytes) -> HostState | None:
    """What a STATE message says, however it is spaced; None when it is no STATE of Sparkplug 3."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not isinstance(document.get("online"), bool):
        return None
    timestamp = document.get("timestamp")
    is_time = isinstance(timestamp, int) and not isinstance(timestamp, bool)
    return HostState(document["online"], timestamp if is_time else None)


def rebirth_topic(*, group_id: str, edge_node_id: str) -> str:
    """Where an edge node listens for commands."""
    return node_topic(group_id=group_id, message_type="NCMD", edge_node_id=edge_node_id)


def rebirth_command(*, timestamp: int, metric: str = REBIRTH) -> bytes:
    """Ask for a rebirth: by name, never by alias; without seq. `metric` is the name the node declared."""
    value = Metric(name=metric, datatype=DataType.Boolean, value=True, timestamp=timestamp)
    return encode_payload(timestamp=timestamp, seq=None, metrics=[value])

"""Sparkplug topics: what a topic says about its message.

Belongs here: the grammar `spBv1.0/<group_id>/<TYPE>/<edge_node_id>[/<device_id>]`.
Does not belong here: the namespace of JSON payloads (ingest.uns).
"""

from __future__ import annotations

from typing import NamedTuple

from ingest.errors import TopicError

NAMESPACE = "spBv1.0"
NODE_TYPES = frozenset({"NBIRTH", "NDATA", "NDEATH", "NCMD"})
DEVICE_TYPES = frozenset({"DBIRTH", "DDATA", "DDEATH", "DCMD"})
COMMANDS = frozenset({"NCMD", "DCMD"})


class SparkplugTopic(NamedTuple):
    """A parsed topic; `device_id` is '' for node messages."""

    group_id: str
    message_type: str
    edge_node_id: str
    device_id: str


def parse_topic(topic: str) -> SparkplugTopic:
    """The parts of a Sparkplug topic of an edge node."""
    parts = topic.split("/")
    if len(parts) >= 4 and parts[0] == NAMESPACE and all(parts):
        message_type = parts[2]
        if message_type in NODE_TYPES and len(parts) == 4:
            return SparkplugTopic(parts[1], message_type, parts[3], "")
        if message_type in DEVICE_TYPES and len(parts) == 5:
            return SparkplugTopic(parts[1], message_type, parts[3], parts[4])
    raise TopicError("this is no Sparkplug topic of an edge node or device", topic=topic)


def node_topic(*, group_id: str, message_type: str, edge_node_id: str, device_id: str = "") -> str:
    """The topic of one edge node's or device's message."""
    root = f"{NAMESPACE}/{group_id}/{message_type}/{edge_node_id}"
    return f"{root}/{device_id}" if device_id else root


def state_topic(host_id: str) -> str:
    """Where a host application says whether it is online."""
    return f"{NAMESPACE}/STATE/{host_id}"

"""ISA-95 topic paths: what `<enterprise>/<site>/...` says about its message.

Belongs here: the grammar of telemetry and event topics. Does not belong here: Sparkplug's (ingest.sparkplug.topic).

`meridian/monterrey/mecanizado/linea_fresado/cnc_201/husillo` is a reading called `husillo` of the device
`mecanizado/linea_fresado/cnc_201`; `meridian/monterrey/_event/work_order` is an event of that type.
"""

from __future__ import annotations

from typing import NamedTuple

from ingest.errors import TopicError

EVENT_LEVEL = "_event"


class UnsTopic(NamedTuple):
    """A parsed topic: an event has an `event_type`, telemetry a device path and a leaf."""

    event_type: str | None
    device_id: str
    leaf: str


def parse_topic(topic: str, *, namespace: str) -> UnsTopic:
    """The parts of a topic below `<enterprise>/<site>`."""
    if not topic.startswith(namespace + "/"):
        raise TopicError(f"the topic lies outside {namespace}/", topic=topic)
    path = topic[len(namespace) + 1 :]
    levels = path.split("/")
    if not all(levels):
        raise TopicError("the topic has an empty level", topic=topic)
    if levels[0] == EVENT_LEVEL:
        if len(levels) != 2:
            raise TopicError(f"an event topic is {namespace}/{EVENT_LEVEL}/<event_type>", topic=topic)
        return UnsTopic(levels[1], "", "")
    if len(levels) < 2:
        raise TopicError("a telemetry topic names a device and a leaf", topic=topic)
    device_id, _, leaf = path.rpartition("/")
    return UnsTopic(None, device_id, leaf)

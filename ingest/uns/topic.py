"""JSON topics: what their levels say about the message, by the site's own form.

Belongs here: the grammar of telemetry and event topics, plain and UMH. Does not belong here: Sparkplug's
(ingest.sparkplug.topic), the settings (dialect).

Plain, without declared levels: `meridian/monterrey/mecanizado/linea_fresado/cnc_201/husillo` is the metric `husillo` of
the device `mecanizado/linea_fresado/cnc_201`; every level but the last is equipment. With three levels declared,
`…/cnc_201/husillo/motor` is the metric `husillo/motor` of the same device.

UMH: `umh/v1/acme/cologne/milling/cnc_1/_pump_v1/motor/speed` is the metric `_pump_v1/motor/speed` of the device
`milling/cnc_1`. The contract belongs to the name: `_raw/speed` and `_pump_v1/speed` of one machine are two metrics.

`…/_event/work_order`, at any depth, is an event of that type.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ingest.errors import TopicError
from ingest.patterns import compile_any
from ingest.uns.dialect import DEFAULT_FORM, PayloadFamily, PayloadForm, Topics

EVENT_LEVEL = "_event"

_REMEMBERED, _LONGEST_REMEMBERED = 20_000, 512
"""Topics are hostile input: what they can make us keep is bounded, at some 20 MB."""


class UnsTopic(NamedTuple):
    """A parsed topic: an event has an `event_type`, telemetry a device and the part of its metrics' names."""

    event_type: str | None
    device_id: str
    metric: str
    """What the topic says of a metric's name; '' when the payload's members say all of it."""
    flag: str = ""
    """`shallow_topic`: less equipment than declared, or none. `no_contract`: a UMH topic without its `_contract`."""
    form: PayloadForm = DEFAULT_FORM
    is_ignored: bool = False

    def named_by_its_last_level(self) -> UnsTopic:
        """For a payload without members on a topic that is all equipment: the last level is what was measured."""
        if self.metric or not self.device_id:
            return self
        device_id, _, metric = self.device_id.rpartition("/")
        return self._replace(device_id=device_id, metric=metric, flag="shallow_topic")


class TopicReader:
    """Reads one site's topics; a topic comes again and again, so what it says is remembered."""

    def __init__(
        self, *, roots: Sequence[str], family: PayloadFamily, topics: Topics, payloads: Sequence[PayloadForm]
    ) -> None:
        self._roots = tuple(f"{root}/" for root in roots)
        self._is_umh = family == "umh"
        self._depth = len(topics.levels)
        self._ignored = compile_any(topics.ignore)
        forms = [*payloads, PayloadForm()]
        self._forms = [(compile_any([form.topic]), form.settled(family)) for form in forms]
        self._known: dict[str, UnsTopic] = {}

    def read(self, topic: str) -> UnsTopic:
        """What a topic says; TopicError when it lies outside the site's roots or has an empty level."""
        found = self._known.get(topic)
        if found is None:
            found = self._read(topic)
            if len(topic) <= _LONGEST_REMEMBERED:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[topic] = found
        return found

    def _read(self, topic: str) -> UnsTopic:
        root = next((root for root in self._roots if topic.startswith(root)), None)
        if root is None:
            raise TopicError(f"the topic lies outside {' '.join(self._roots)}", topic=topic)
        path = topic[len(root) :]
        levels = path.split("/")
        if not all(levels):
            raise TopicError("the topic has an empty level", topic=topic)
        form = next(form for pattern, form in self._forms if _matches(pattern, path))
        if _matches(self._ignored, path):
            return UnsTopic(None, "", "", form=form, is_ignored=True)
        if EVENT_LEVEL in levels:
            if levels.index(EVENT_LEVEL) != len(levels) - 2:
                raise TopicError(f"an event topic ends in {EVENT_LEVEL}/<event_type>", topic=topic)
            return UnsTopic(levels[-1], "", "", form=form)
        if self._is_umh:
            contract = next((index for index, level in enumerate(levels) if level.startswith("_")), None)
            if contract is not None:
                return UnsTopic(None, "/".join(levels[:contract]), "/".join(levels[contract:]), form=form)
            return UnsTopic(None, "/".join(levels[:-1]), levels[-1], "no_contract", form)
        if self._depth and len(levels) >= self._depth:
            return UnsTopic(None, "/".join(levels[: self._depth]), "/".join(levels[self._depth :]), form=form)
        is_shallow = self._depth or len(levels) == 1
        return UnsTopic(None, "/".join(levels[:-1]), levels[-1], "shallow_topic" if is_shallow else "", form)


def _matches(pattern: re.Pattern[str] | None, path: str) -> bool:
    return pattern is not None and pattern.match(path) is not None

"""What MQTT clients of a plant do, one after the other: the vocabulary between plan and publisher.

Belongs here: the actions. Does not belong here: deciding on them (edge_node, json_site, mes_events, cmapss) or
carrying them out (publisher).

A Sparkplug message carries its planned seq beside its metrics, because a rebirth that a host asks for on the way moves
every seq after it; without rebirths the bytes depend on the scenario and its seed alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.sparkplug.metrics import Metric
from ingest.sparkplug.payload import encode_payload


@dataclass(frozen=True, kw_only=True, slots=True)
class Will:
    """What the broker says when a connection is lost."""

    topic: str
    payload: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Connect:
    """Open a connection; a Sparkplug edge node also listens for commands."""

    at_ms: int
    client_id: str
    will: Will | None = None
    command_topic: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Publish:
    """Publish bytes."""

    at_ms: int
    client_id: str
    topic: str
    payload: bytes
    qos: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishSparkplug:
    """Publish a birth or data message of an edge node, QoS 0."""

    at_ms: int
    client_id: str
    topic: str
    seq: int
    metrics: tuple[Metric, ...]
    is_birth: bool

    def encode(self, *, seq: int) -> bytes:
        """The bytes on the wire; births carry names, aliases and datatypes, data carries aliases alone."""
        return encode_payload(timestamp=self.at_ms, seq=seq, metrics=self.metrics, with_datatypes=self.is_birth)


@dataclass(frozen=True, kw_only=True, slots=True)
class Drop:
    """Cut the connection without a goodbye: the broker publishes the will."""

    at_ms: int
    client_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Disconnect:
    """Close the connection properly: the broker forgets the will."""

    at_ms: int
    client_id: str


Action = Connect | Publish | PublishSparkplug | Drop | Disconnect

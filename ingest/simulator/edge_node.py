"""A correct Sparkplug edge node: birth, data, death, aliases, seq and bd_seq.

Belongs here: turning what an edge node has to say into actions that obey the specification. Does not belong here: where
the values come from (sparkplug_site, cmapss), the connection itself (publisher).
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.simulator.actions import Action, Connect, Disconnect, Drop, Publish, PublishSparkplug, Will
from ingest.sparkplug.datatypes import DataType
from ingest.sparkplug.metrics import Metric
from ingest.sparkplug.payload import BD_SEQ, REBIRTH, encode_payload
from ingest.sparkplug.topic import node_topic


@dataclass(kw_only=True)
class EdgeNode:
    """One edge node's side of its sessions; every method returns the actions it takes."""

    group_id: str
    edge_node_id: str
    client_id: str
    bd_seq: int = -1
    _seq: int = 0

    def connect(self, *, at_ms: int, metrics: tuple[Metric, ...] = ()) -> list[Action]:
        """Open a session: CONNECT with the NDEATH as will, then NBIRTH."""
        self.bd_seq = (self.bd_seq + 1) % 256
        self._seq = 0
        own = (
            Metric(name=BD_SEQ, datatype=DataType.Int64, value=self.bd_seq, timestamp=at_ms),
            Metric(name=REBIRTH, datatype=DataType.Boolean, value=False, timestamp=at_ms),
        )
        return [
            Connect(
                at_ms=at_ms,
                client_id=self.client_id,
                will=Will(topic=self._topic("NDEATH"), payload=self._death(at_ms)),
                command_topic=self._topic("NCMD"),
            ),
            self._publish(at_ms, "NBIRTH", "", (*own, *metrics), is_birth=True),
        ]

    def device_birth(self, *, at_ms: int, device_id: str, metrics: tuple[Metric, ...]) -> list[Action]:
        """Introduce a device: names, aliases, datatypes, units, present values."""
        return [self._publish(at_ms, "DBIRTH", device_id, metrics, is_birth=True)]

    def data(self, *, at_ms: int, metrics: tuple[Metric, ...], device_id: str = "") -> list[Action]:
        """Say how values changed, by alias."""
        return [self._publish(at_ms, "DDATA" if device_id else "NDATA", device_id, metrics, is_birth=False)]

    def lose_connection(self, *, at_ms: int) -> list[Action]:
        """Be cut off; the broker publishes the will."""
        return [Drop(at_ms=at_ms, client_id=self.client_id)]

    def stop(self, *, at_ms: int) -> list[Action]:
        """Stop on purpose: NDEATH first, then DISCONNECT."""
        death = Publish(
            at_ms=at_ms, client_id=self.client_id, topic=self._topic("NDEATH"), payload=self._death(at_ms), qos=1
        )
        return [death, Disconnect(at_ms=at_ms, client_id=self.client_id)]

    def _publish(
        self, at_ms: int, message_type: str, device_id: str, metrics: tuple[Metric, ...], *, is_birth: bool
    ) -> PublishSparkplug:
        seq, self._seq = self._seq, (self._seq + 1) % 256
        return PublishSparkplug(
            at_ms=at_ms,
            client_id=self.client_id,
            topic=self._topic(message_type, device_id),
            seq=seq,
            metrics=metrics,
            is_birth=is_birth,
        )

    def _death(self, at_ms: int) -> bytes:
        bd_seq = Metric(name=BD_SEQ, datatype=DataType.Int64, value=self.bd_seq, timestamp=at_ms)
        return encode_payload(timestamp=at_ms, seq=None, metrics=(bd_seq,))

    def _topic(self, message_type: str, device_id: str = "") -> str:
        return node_topic(
            group_id=self.group_id, message_type=message_type, edge_node_id=self.edge_node_id, device_id=device_id
        )

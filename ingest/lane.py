"""One site's way through the collector: its link, its decoder, its picture of now, and what waits for a birth.

Belongs here: what is kept per site between batches. Does not belong here: the order of the steps (collector).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.arrival import Arrival
from ingest.broker import DurableLink, HostLink
from ingest.current_state import CurrentState
from ingest.decoder import DecodedBatch, SiteDecoder
from ingest.loss_ledger import Loss, append_loss
from ingest.monitoring import SiteStatus
from ingest.quarantine.replays import WAITING_REASONS
from ingest.site import Site
from ingest.sparkplug.topic import parse_topic


@dataclass(slots=True)
class Lane:
    """One site's way through the collector."""

    site: Site
    link: DurableLink
    decoder: SiteDecoder
    state: CurrentState
    host: HostLink | None
    taken: list[Arrival] = field(default_factory=list)
    nameless: set[str] = field(default_factory=set)
    """Edge nodes of which something waits in quarantine for a birth."""

    def note_outages(self, batch: DecodedBatch) -> None:
        """Enter into the ledger when nobody listened to the site."""
        while self.link.outages:
            outage = self.link.outages.pop(0)
            loss = Loss(
                edge_node_id="",
                loss_kind="collector_offline" if outage.is_own_absence else "broker_unreachable",
                received_at=outage.until_at,
                detail="what the broker kept meanwhile comes late; the rest is lost",
                from_at=outage.from_at,
                until_at=outage.until_at,
            )
            append_loss(batch.rows, loss)

    def born_with_messages_waiting(self, batch: DecodedBatch) -> set[str]:
        """Edge nodes whose birth has just landed and of which messages waited for it."""
        quarantined = batch.rows.quarantine.lists
        for reason, topic in zip(quarantined["reason"], quarantined["topic"], strict=True):
            if reason in WAITING_REASONS:
                self.nameless.add(parse_topic(topic).edge_node_id)
        if not self.nameless:
            return set()
        messages = batch.rows.messages.lists
        born = {
            edge_node_id
            for message_type, edge_node_id in zip(messages["message_type"], messages["edge_node_id"], strict=True)
            if message_type in {"NBIRTH", "DBIRTH"}
        }
        return born & self.nameless

    def status(self) -> SiteStatus:
        """What the monitor asks for, from a thread of its own: each value is read once and may be a moment old."""
        taken, inbox = list(self.taken[:1]), self.link.inbox
        waiting_count = len(inbox)
        return SiteStatus(
            is_subscribed=self.link.is_ready.is_set(),
            is_host_online=None if self.host is None else self.host.is_online,
            waiting_count=waiting_count,
            unacknowledged_count=len(self.taken) + waiting_count,
            oldest_received_at=taken[0].received_at if taken else inbox.oldest_received_at,
        )

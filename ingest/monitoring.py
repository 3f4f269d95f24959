"""How a collector is doing, as numbers: what came, what landed, what waits, what is wrong.

Belongs here: the object the collector tells, and its answers to /metrics (Prometheus) and /healthz.
Does not belong here: the HTTP server (monitoring_server), deciding what to do about it (collector).

The collector calls it in the event loop; answers are given in the server's thread. Every field is replaced whole, so no
lock is needed: an answer may be a batch behind, never half a batch.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from ingest.decoder import DecodedBatch

STALLED_AFTER_S = 60.0
"""Messages that wait longer than this without a batch landing make a collector unhealthy."""
BATCH_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True, kw_only=True)
class SiteBatch:
    """What one site contributed to a landed batch."""

    message_count: int = 0
    reading_count: int = 0
    event_count: int = 0
    redelivered_count: int = 0
    estimated_lost_count: int = 0
    gap_count: int = 0
    drift_count: int = 0
    rebirth_count: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    """Messages by the reason they were refused for."""
    newest_event_at: int | None = None
    """Microseconds since 1970 UTC."""


@dataclass(frozen=True, kw_only=True)
class SiteStatus:
    """A site's links, as they are at the moment of the question."""

    is_subscribed: bool
    is_host_online: bool | None
    """None where no Sparkplug host speaks for the site."""
    waiting_count: int
    """Received and not yet part of a batch."""
    unacknowledged_count: int
    """Received and not yet acknowledged: waiting, or part of the batch that is landing."""
    oldest_received_at: int | None
    """When the oldest of these was received: microseconds since 1970 UTC."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """Whether the collector does its work; each reason is one sentence on what keeps it from it."""

    is_healthy: bool
    reasons: tuple[str, ...]
    batch_age_s: float
    """How long the oldest message that is not acknowledged has been waiting; 0 when none is."""
    seconds_since_batch: float | None
    is_disk_refusing: bool
    sites: Mapping[str, SiteStatus]


class Monitor:
    """One collector's numbers since it started."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._started_at = clock()
        self._totals: dict[str, Counter[str]] = {}
        self._quarantined: Counter[tuple[str, str]] = Counter()
        self._newest_event_at: dict[str, int] = {}
        self._last_batch_at: float | None = None
        self._is_disk_refusing = False
        self._refusals = 0
        self._batch_seconds = [0] * len(BATCH_SECONDS)
        self._batch_count = 0
        self._batch_sum_s = 0.0
        self._status: Callable[[], Mapping[str, SiteStatus]] = dict

    def watch(self, status: Callable[[], Mapping[str, SiteStatus]]) -> None:
        """Learn where to ask for the links' state; called once, before the collector runs."""
        self._status = status

    def note_batch(self, sites: Mapping[str, SiteBatch], *, seconds: float) -> None:
        """A batch is durable and acknowledged."""
        for site_id, batch in sites.items():
            total = self._totals.setdefault(site_id, Counter())
            for name in _TOTALS:
                total[name] += getattr(batch, name)
            for reason, count in batch.quarantined.items():
                self._quarantined[site_id, reason] += count
            if batch.newest_event_at is not None:
                self._newest_event_at[site_id] = max(self._newest_event_at.get(site_id, 0), batch.newest_event_at)
        self._batch_count += 1
        self._batch_sum_s += seconds
        for index, bound in enumerate(BATCH_SECONDS):
            self._batch_seconds[index] += seconds <= bound
        self._last_batch_at = self._clock()
        self._is_disk_refusing = False

    def note_refusal(self) -> None:
        """The disk refused a batch; nothing is acknowledged until it takes one."""
        self._is_disk_refusing = True
        self._refusals += 1

    def health(self) -> Health:
        """Whether every site is subscribed, the disk takes batches, and what came does not wait too long."""
        now = self._clock()
        sites = dict(self._status())
        reasons = [f"{site_id} is not subscribed" for site_id, each in sorted(sites.items()) if not each.is_subscribed]
        if self._is_disk_refusing:
            reasons.append("the disk refuses batches")
        oldest = [each.oldest_received_at for each in sites.values() if each.oldest_received_at is not None]
        batch_age_s = max(now - min(oldest) / 1e6, 0.0) if oldest else 0.0
        if batch_age_s > STALLED_AFTER_S:
            reasons.append(f"the oldest message has been waiting for {batch_age_s:.0f} s to be landed")
        return Health(
            is_healthy=not reasons,
            reasons=tuple(reasons),
            batch_age_s=batch_age_s,
            seconds_since_batch=None if self._last_batch_at is None else now - self._last_batch_at,
            is_disk_refusing=self._is_disk_refusing,
            sites=sites,
        )

    def collect(self) -> Iterator[Metric]:
        """Everything as Prometheus' metrics; the form its client library asks for."""
        yield from self._counters()
        yield from self._gauges(self.health())
        yield self._histogram()

    def _counters(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily

        for name, (metric, help_text) in _TOTALS.items():
            family = CounterMetricFamily(metric, help_text, labels=["site"])
            for site_id, total in sorted(self._totals.items()):
                family.add_metric([site_id], total[name])
            yield family
        family = CounterMetricFamily(
            "lineshaft_messages_quarantined", "Messages that could not be read.", labels=["site", "reason"]
        )
        for (site_id, reason), count in sorted(self._quarantined.items()):
            family.add_metric([site_id, reason], count)
        yield family
        yield CounterMetricFamily("lineshaft_landing_refused", "Batches that the disk refused.", value=self._refusals)

    def _gauges(self, health: Health) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        now = self._clock()
        yield GaugeMetricFamily("lineshaft_healthy", "1 while /healthz says 200.", value=int(health.is_healthy))
        yield GaugeMetricFamily(
            "lineshaft_disk_refusing", "1 while the disk refuses batches.", value=int(health.is_disk_refusing)
        )
        yield GaugeMetricFamily(
            "lineshaft_batch_age_seconds",
            "How long the oldest message that is not acknowledged has been waiting.",
            value=health.batch_age_s,
        )
        yield GaugeMetricFamily(
            "lineshaft_seconds_since_batch",
            "Since a batch last landed, or since the collector started.",
            value=now - (self._last_batch_at or self._started_at),
        )
        lag = GaugeMetricFamily(
            "lineshaft_event_lag_seconds", "Between now and the newest event that landed.", labels=["site"]
        )
        for site_id, newest in sorted(self._newest_event_at.items()):
            lag.add_metric([site_id], now - newest / 1e6)
        yield lag
        yield from _link_gauges(health.sites)

    def _histogram(self) -> Metric:
        from prometheus_client.core import HistogramMetricFamily

        buckets: list[tuple[str, float]] = [
            (str(bound), count) for bound, count in zip(BATCH_SECONDS, self._batch_seconds, strict=True)
        ]
        return HistogramMetricFamily(
            "lineshaft_batch_duration_seconds",
            "From taking a batch to its acknowledgement.",
            buckets=[*buckets, ("+Inf", self._batch_count)],
            sum_value=self._batch_sum_s,
        )


def measure(batch: DecodedBatch) -> SiteBatch:
    """What a decoded batch of one site adds to its numbers."""
    rows = batch.rows
    return SiteBatch(
        message_count=len(rows.messages),
        reading_count=len(rows.readings),
        event_count=len(rows.events),
        redelivered_count=batch.redelivered_count,
        estimated_lost_count=sum(count or 0 for count in rows.losses.lists["estimated_count"]),
        gap_count=len(rows.losses),
        drift_count=len(rows.drifts),
        rebirth_count=len(batch.rebirths),
        quarantined=Counter(rows.quarantine.lists["reason"]),
        newest_event_at=max(rows.messages.lists["event_at"], default=None),
    )


def _link_gauges(sites: Mapping[str, SiteStatus]) -> Iterable[Any]:
    from prometheus_client.core import GaugeMetricFamily

    for name, help_text, value in _LINKS:
        family = GaugeMetricFamily(name, help_text, labels=["site"])
        for site_id, status in sorted(sites.items()):
            found = value(status)
            if found is not None:
                family.add_metric([site_id], int(found))
        yield family


_TOTALS = {
    "message_count": ("lineshaft_messages_landed", "Messages that landed."),
    "reading_count": ("lineshaft_readings_landed", "Readings that landed."),
    "event_count": ("lineshaft_events_landed", "Events that landed."),
    "redelivered_count": ("lineshaft_messages_redelivered", "Messages that came again and were recognised."),
    "gap_count": ("lineshaft_gaps", "Entries of the loss ledger."),
    "estimated_lost_count": ("lineshaft_messages_lost_estimated", "Messages missing, as the loss ledger estimates."),
    "drift_count": ("lineshaft_schema_drifts", "Metrics whose type or unit a birth changed."),
    "rebirth_count": ("lineshaft_rebirths_requested", "Rebirths asked for."),
}
"""Prometheus' text form adds `_total` to the name of a counter."""

_LINKS: tuple[tuple[str, str, Callable[[SiteStatus], int | bool | None]], ...] = (
    ("lineshaft_subscribed", "1 while the site's subscription stands.", lambda status: status.is_subscribed),
    ("lineshaft_host_online", "1 while STATE says online.", lambda status: status.is_host_online),
    ("lineshaft_messages_waiting", "Received, not yet part of a batch.", lambda status: status.waiting_count),
    (
        "lineshaft_messages_unacknowledged",
        "Received, not yet durable and acknowledged.",
        lambda status: status.unacknowledged_count,
    ),
)

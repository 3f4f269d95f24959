"""What changed its shape: metrics that a birth declares differently than before, as rows.

Belongs here: the row of one change. Does not belong here: noticing it (sparkplug.definitions), writing files (landing).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from ingest.records import SiteRows

DriftKind = Literal["datatype", "unit", "case_conflict"]
"""`datatype` and `unit`: what the previous birth of the metric said, and what is said now. `case_conflict`: two metrics
of one birth, two devices of one node or two edge nodes whose ids differ by case only."""

NO_METRIC = -1
"""`metric_index` of a drift that concerns an id, not a metric."""


class Drift(NamedTuple):
    """One change. It is told once, by the message that brought it, not by every message after it."""

    edge_node_id: str
    device_id: str
    metric_name: str
    metric_index: int
    drift_kind: DriftKind
    before: str | None
    after: str | None


def append_drift(rows: SiteRows, drift: Drift, *, message_id: str, event_at: int, received_at: int, day: int) -> None:
    """Write one change into a site's batch; times in microseconds, filed under the `day` of its message."""
    rows.drifts.append(
        day, message_id=message_id, site_id=rows.site_id, **drift._asdict(), event_at=event_at, received_at=received_at
    )

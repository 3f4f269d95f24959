"""What is missing: gaps, deaths, unanswered silence, as rows that a coverage ratio can be computed from.

Belongs here: the row and the estimate of how many messages a gap swallowed.
Does not belong here: noticing a gap (sparkplug.session), writing files (landing).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ingest.records import MICROSECONDS_PER_DAY, SiteRows

LossKind = Literal[
    "seq_gap", "time_gap", "backfill", "death", "rebirth_requested", "stale", "collector_offline", "broker_unreachable"
]
"""`seq_gap` and `time_gap`: messages of a session that never came, seen in `seq` or only in the clock; `backfill`: one
of them came after all. `death` and `stale`: an edge node was away. `collector_offline` and `broker_unreachable`: nobody
listened (edge_node_id '')."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """One entry of the ledger; times in ms UTC. A count is an estimate: edges report by exception.

    `estimated_count` is what is still missing, `filled_count` what came late; both together were expected.
    """

    edge_node_id: str
    loss_kind: LossKind
    received_at: int
    detail: str
    bd_seq: int | None = None
    birth_at: int | None = None
    first_missing_seq: int | None = None
    last_missing_seq: int | None = None
    estimated_count: int | None = None
    filled_count: int | None = None
    from_at: int | None = None
    until_at: int | None = None


def lost_between(*, before_seq: int, before_at: int, after_seq: int, after_at: int, period_ms: float | None) -> int:
    """How many messages are missing between two arrivals of one edge-node session.

    The sequence is exact but counts modulo 256; the clock is coarse but unbounded. `period_ms` is the usual time
    between two messages, None where there is none (irregular edges): then the sequence alone decides.
    """
    by_seq = (after_seq - before_seq - 1) % 256
    if not period_ms:
        return by_seq
    by_time = max(round((after_at - before_at) / period_ms) - 1, 0)
    return int(by_seq + 256 * max(round((by_time - by_seq) / 256), 0))


def append_loss(rows: SiteRows, loss: Loss) -> None:
    """Write one entry into a site's batch, filed under the day it was noticed."""
    rows.losses.append(
        loss.received_at * 1000 // MICROSECONDS_PER_DAY,
        site_id=rows.site_id,
        edge_node_id=loss.edge_node_id,
        bd_seq=loss.bd_seq,
        birth_at=_microseconds(loss.birth_at),
        loss_kind=loss.loss_kind,
        first_missing_seq=loss.first_missing_seq,
        last_missing_seq=loss.last_missing_seq,
        estimated_count=loss.estimated_count,
        filled_count=loss.filled_count,
        from_at=_microseconds(loss.from_at),
        until_at=_microseconds(loss.until_at),
        received_at=loss.received_at * 1000,
        detail=loss.detail,
    )


def _microseconds(milliseconds: int | None) -> int | None:
    # a clock that runs wild must not stop a batch: beyond the year 9999 there is no time to write
    return None if milliseconds is None or not 0 <= milliseconds < 253_402_300_800_000 else milliseconds * 1000

"""What was sent against what was found and what the loss ledger says.

Belongs here: the comparison, as pure functions. Does not belong here: publishing, killing, reading files.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

NO_SPAN = frozenset({"rebirth_requested", "death"})


class Sent(NamedTuple):
    """One Sparkplug message of an edge node: when by its own clock (ms UTC), and what makes it itself."""

    edge_node_id: str
    at: int
    message_id: str


class LedgerEntry(NamedTuple):
    """One row of the loss ledger; times in ms UTC. Without an edge node it speaks of all of a site."""

    edge_node_id: str
    loss_kind: str
    from_at: int | None
    until_at: int | None
    estimated_count: int | None


@dataclass(frozen=True, kw_only=True)
class LossAccount:
    """Losses, those of them that no ledger entry covers, and how tight the ledger's entries are.

    `covered_count` is how many messages, lost or not, lie within an entry: far above the losses, the ledger would
    be right by claiming too much.
    """

    sent_count: int
    lost_count: int
    unaccounted: tuple[Sent, ...]
    covered_count: int
    estimated_count: int


def account_for(sent: Iterable[Sent], *, found: Collection[str], ledger: Iterable[LedgerEntry]) -> LossAccount:
    """Every message that was not found must lie within the span of a ledger entry of its edge node.

    A request for a rebirth is no statement that something is missing. A death says when the host heard of it, which may
    be long after the node is back: how long the node was away is what the entry at its next birth says. Neither covers
    anything here.
    """
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    estimated = 0
    for entry in ledger:
        if entry.loss_kind in NO_SPAN or entry.from_at is None or entry.until_at is None:
            continue
        spans[entry.edge_node_id].append((entry.from_at, entry.until_at))
        estimated += entry.estimated_count or 0
    merged = {edge_node_id: _merge(each) for edge_node_id, each in spans.items()}
    count, lost, covered, unaccounted = 0, 0, 0, []
    for message in sent:
        is_covered = any(_covers(merged.get(name, []), message.at) for name in (message.edge_node_id, ""))
        is_lost = message.message_id not in found
        count, lost, covered = count + 1, lost + is_lost, covered + is_covered
        if is_lost and not is_covered:
            unaccounted.append(message)
    return LossAccount(
        sent_count=count,
        lost_count=lost,
        unaccounted=tuple(unaccounted),
        covered_count=covered,
        estimated_count=estimated,
    )


def _merge(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return merged


def _covers(spans: list[tuple[int, int]], at: int) -> bool:
    place = bisect_right(spans, (at, 1 << 62)) - 1
    return place >= 0 and spans[place][0] <= at <= spans[place][1]

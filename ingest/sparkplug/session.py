"""The life of edge nodes as a host sees it: a pure state machine over message headers.

Belongs here: births, sessions, deaths, gaps in `seq`, suspicion, when a rebirth should be asked for.
Does not belong here: sockets, clocks, files, values. Time comes in as an argument (ms UTC), consequences go out in
`Effects`.

Rules that matter: a session is (edge node, bd_seq, birth time), because some clients restart bd_seq; `seq` belongs to
the edge node, over node and device messages alike; aliases live as long as their birth; a
death whose bd_seq matches no birth makes a node suspect, never offline at once and never ignored for ever.

Whose clock: order within a session is judged by the node's own time. A time that runs ahead of ours by more than
`AHEAD_MS` in a birth, or by more than a day in data, is no time to compare with, and that of receipt stands in: one
wild stamp would make all that follows look late.

Cost of a message in order, as most are: 0.8 µs of processor time, so every message of a plant may pass here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from ingest.loss_ledger import Loss, LossKind, lost_between
from ingest.schema_drift import Drift
from ingest.sparkplug.cadence import BLOCK, TURN
from ingest.sparkplug.definitions import (
    BirthMetric,
    MetricDefinition,
    case_conflicts,
    definitions_of,
    drifts_between,
    id_conflict,
)
from ingest.sparkplug.edge_node import EdgeNode, Gap

__all__ = ["BirthMetric", "EdgeNode", "Effects", "Gap", "Header", "MetricDefinition", "Sessions"]

AHEAD_MS = 60_000
DAY_MS = 86_400_000
EARLIEST_MS = 946_684_800_000  # 2000-01-01: older clocks were never set


class Header(NamedTuple):
    """What the machine needs of a message."""

    message_type: str
    edge_node_id: str
    device_id: str
    seq: int | None
    bd_seq: int | None
    at: int | None
    received_at: int


class Effects:
    """What one step asks of the world outside. A plain class: one is made for every message."""

    __slots__ = ("drifts", "flags", "losses", "rebirths", "stale", "stale_after")

    def __init__(self) -> None:
        self.losses: list[Loss] = []
        self.rebirths: list[str] = []
        self.stale: list[tuple[str, str | None, int]] = []
        """(edge_node_id, device_id or None for the node with all its devices, since when)."""
        self.flags: list[str] = []
        self.drifts: list[Drift] = []
        self.stale_after: int | None = None
        """Since when what the message itself says is stale, too: it speaks without a birth in force, or is a death."""


class Sessions:
    """All edge nodes of one site.

    `reorder_timeout_ms`: how long numbers missing in `seq` may be merely late. `probe_timeout_ms`: how long a suspect
    has to speak. With `ask_for_rebirth` off nothing is ever asked of the plant.
    """

    def __init__(
        self, *, reorder_timeout_ms: int = 5_000, probe_timeout_ms: int = 30_000, ask_for_rebirth: bool = True
    ) -> None:
        self.nodes: dict[str, EdgeNode] = {}
        self.reorder_timeout_ms = reorder_timeout_ms
        self.probe_timeout_ms = probe_timeout_ms
        self.ask_for_rebirth = ask_for_rebirth
        self.births_changed = False

    def node(self, edge_node_id: str) -> EdgeNode:
        """The edge node, new if never heard of."""
        found = self.nodes.get(edge_node_id)
        if found is None:
            found = self.nodes[edge_node_id] = EdgeNode(edge_node_id)
        return found

    def observe(self, header: Header, metrics: Iterable[BirthMetric] = ()) -> Effects:
        """Take one message; `metrics` are given for births."""
        effects = Effects()
        node = self.nodes.get(header.edge_node_id) or self.node(header.edge_node_id)
        match header.message_type:
            case "DDATA" | "NDATA":
                self._sequence(node, header, effects)
                self._require_birth(node, header, effects)
            case "NBIRTH":
                self._node_birth(node, header, list(metrics), effects)
            case "NDEATH":
                self._node_death(node, header, effects)
            case "DBIRTH":
                self._sequence(node, header, effects)
                self._require_birth(node, header, effects)
                self._device_birth(node, header, list(metrics), effects)
            case "DDEATH":
                self._sequence(node, header, effects)
                self._require_birth(node, header, effects)
                self._device_death(node, header, effects)
            case _:
                self._sequence(node, header, effects)
        return effects

    def request_rebirth(self, edge_node_id: str, now: int, effects: Effects, *, why: str) -> None:
        """Ask for a rebirth unless that is switched off, or this node was asked recently or has stopped answering."""
        node = self.node(edge_node_id)
        if self.ask_for_rebirth and node.rebirth.may_ask(now):
            node.rebirth = node.rebirth.asked(now)
            effects.rebirths.append(edge_node_id)
            effects.losses.append(_loss(node, "rebirth_requested", now=now, from_at=node.last_at, detail=why))

    def expire(self, now: int) -> Effects:
        """Let time pass: gaps nobody filled become losses, suspects nobody heard of go offline."""
        effects = Effects()
        for node in self.nodes.values():
            if node.gaps:
                self._expire_gaps(node, now, effects)
            if node.suspect_until is not None and node.suspect_until <= now:
                _go_offline(node, now, effects, detail="a death of another bd_seq, and no answer to a rebirth request")
        return effects

    def _expire_gaps(self, node: EdgeNode, now: int, effects: Effects) -> None:
        expired = [gap for gap in node.gaps if gap.expires_at <= now]
        if not expired:
            return
        node.gaps = [gap for gap in node.gaps if gap.expires_at > now]
        node.closed_gaps.extend(expired)
        effects.losses.extend(gap.remaining() for gap in expired)
        self.request_rebirth(node.edge_node_id, now, effects, why="sequence numbers stayed missing")

    def _node_birth(self, node: EdgeNode, header: Header, metrics: list[BirthMetric], effects: Effects) -> None:
        at = header.at if header.at is not None else header.received_at
        started_at = _birth_time(header)
        is_rebirth = node.is_online and node.bd_seq == header.bd_seq
        if node.is_online and not is_rebirth and node.started_at is not None:
            if started_at < node.started_at and _is_earlier_session(header.bd_seq, than=node.bd_seq):
                effects.flags.append("older_birth")  # a birth overtaken by its successor changes nothing
                return
            effects.losses.append(_silence(node, header, started_at, detail="a new session without a death"))
        elif not node.is_online and node.last_at is not None and node.birth_at is not None:
            effects.losses.append(_silence(node, header, started_at, detail="offline until this birth"))
        effects.losses.extend(gap.remaining() for gap in node.gaps)
        if is_rebirth:
            effects.flags.append("rebirth")
        if header.bd_seq is None:
            effects.flags.append("no_bd_seq")
        if node.birth_at is None:
            effects.drifts += id_conflict(node.edge_node_id, "", given=node.edge_node_id, others=self.nodes)
        self._declare(node, "", metrics, effects)
        node.bd_seq, node.birth_at, node.is_online = header.bd_seq, at, True
        node.started_at, node.seq, node.last_at = started_at, header.seq, started_at
        node.cadence.begin(started_at)
        node.suspect_until, node.gaps = None, []
        node.closed_gaps.clear()
        node.devices = dict.fromkeys(node.devices, False)  # devices stay stale until their own birth
        node.rebirth = node.rebirth.answered()
        effects.stale.append((node.edge_node_id, None, started_at))

    def _device_birth(self, node: EdgeNode, header: Header, metrics: list[BirthMetric], effects: Effects) -> None:
        device_id = header.device_id
        if device_id not in node.devices:
            others = node.devices
            effects.drifts += id_conflict(node.edge_node_id, device_id, given=device_id, others=others)
        node.devices[device_id] = node.is_online
        self._declare(node, device_id, metrics, effects)

    def _device_death(self, node: EdgeNode, header: Header, effects: Effects) -> None:
        node.devices[header.device_id] = False
        at = header.at
        if at is None or at > header.received_at + DAY_MS:
            at = header.received_at
        effects.stale.append((node.edge_node_id, header.device_id, at))

    def _declare(self, node: EdgeNode, device_id: str, metrics: list[BirthMetric], effects: Effects) -> None:
        self.births_changed = True
        definitions = definitions_of(device_id, metrics)
        if definitions is None:
            effects.flags.append("malformed_birth")  # the last good names stay in force
            return
        known = node.known.get(device_id, {})
        effects.drifts += drifts_between(node.edge_node_id, known, metrics, device_id=device_id)
        effects.drifts += [
            drift
            for drift in case_conflicts(node.edge_node_id, metrics, device_id=device_id)
            if drift.before not in known or drift.after not in known  # told by the birth that brought them together
        ]
        if node.declare(device_id, definitions):
            effects.flags.append("alias_reused")
        if any(drift.drift_kind == "case_conflict" for drift in effects.drifts):
            effects.flags.append("case_conflict")

    def _node_death(self, node: EdgeNode, header: Header, effects: Effects) -> None:
        if not node.is_online:
            effects.stale_after = header.received_at
            return  # a second death of the same session says nothing new
        if header.bd_seq == node.bd_seq:
            effects.stale_after = header.received_at  # the bd_seq it carries is no sign of life
            # Its timestamp is that of the CONNECT and must not be used for matching: only the receive time counts.
            _go_offline(node, header.received_at, effects, detail="")
            return
        effects.flags.append("unmatched_death")
        if node.suspect_until is None:
            node.suspect_until = header.received_at + self.probe_timeout_ms
        self.request_rebirth(
            node.edge_node_id, header.received_at, effects, why=f"a death of bd_seq {header.bd_seq} matches no birth"
        )

    def _require_birth(self, node: EdgeNode, header: Header, effects: Effects) -> None:
        """Flag what speaks without a birth in force, and ask for one."""
        device_id = header.device_id
        if node.is_online and (not device_id or node.devices.get(device_id) or header.message_type == "DBIRTH"):
            return
        if node.birth_at is None:
            flag, why = "no_birth", "data before any birth"
        elif not node.is_online:
            flag, why = "offline", "data from a node that is offline"
        else:
            flag, why = "device_offline", f"data of device {device_id!r} without a birth in this session"
        at = header.at
        effects.stale_after = at if at is not None and at <= header.received_at + DAY_MS else header.received_at
        effects.flags.append(flag)
        if flag != "device_offline" or header.message_type != "DDEATH":  # a second death of a device asks for nothing
            self.request_rebirth(node.edge_node_id, header.received_at, effects, why=why)

    def _sequence(self, node: EdgeNode, header: Header, effects: Effects) -> None:
        at, seq = header.at, header.seq
        if at is None or at > header.received_at + DAY_MS:
            at = header.received_at
        node.suspect_until = None  # whoever speaks is alive
        if seq is None:
            effects.flags.append("no_seq")
        elif node.seq is None or seq == (node.seq + 1) % TURN:
            node.seq = seq
            cadence = node.cadence
            cadence.count += 1
            if node.last_at is None or not 0 <= at - node.last_at < cadence.limit_ms:
                self._break_in_time(node, header, at, effects)
            elif cadence.count >= BLOCK:
                cadence.end_block(at)
            node.last_at = at
        elif self._fills_gap(node, header, at, effects) or _is_late(node, seq, at):
            effects.flags.append("out_of_order")
            if node.started_at is not None and at < node.started_at:
                effects.flags.append("before_birth")  # its aliases may be those of the session before
        else:
            self._gap(node, header, at)

    @staticmethod
    def _break_in_time(node: EdgeNode, header: Header, at: int, effects: Effects) -> None:
        """An unbroken sequence and a clock that jumped: back, or over a pause that whole turns may have fallen into."""
        before_at, cadence = node.last_at, node.cadence
        cadence.begin(at)
        if node.started_at is not None and at < node.started_at:
            node.started_at = at  # in order after its birth, it tells that the birth's clock ran ahead
        if before_at is None or at < before_at:
            return
        turns = cadence.missing_turns(at - before_at)
        if turns:
            loss = _loss(node, "time_gap", now=header.received_at, from_at=before_at, until_at=at)
            effects.losses.append(
                replace(loss, estimated_count=TURN * turns, detail=f"{turns} whole turns of the sequence, by the clock")
            )

    def _gap(self, node: EdgeNode, header: Header, at: int) -> None:
        assert node.seq is not None  # noqa: S101  (the caller compared with it)
        assert header.seq is not None  # noqa: S101
        before_at = node.last_at if node.last_at is not None else at
        lost = lost_between(
            before_seq=node.seq,
            before_at=before_at,
            after_seq=header.seq,
            after_at=at,
            period_ms=node.cadence.steady_period_ms,
        )
        missing = [(node.seq + 1 + i) % TURN for i in range((header.seq - node.seq - 1) % TURN)]
        loss = replace(
            _loss(node, "seq_gap", now=header.received_at, from_at=before_at, until_at=at),
            first_missing_seq=missing[0] if missing else None,
            last_missing_seq=missing[-1] if missing else None,
            estimated_count=lost,
        )
        node.gaps.append(Gap(missing=missing, expires_at=header.received_at + self.reorder_timeout_ms, loss=loss))
        node.seq, node.last_at = header.seq, max(at, before_at)
        node.cadence.begin(node.last_at)

    @staticmethod
    def _fills_gap(node: EdgeNode, header: Header, at: int, effects: Effects) -> bool:
        seq = header.seq
        for gap in node.gaps:
            # younger than what closed the gap, it belongs to the next turn of the sequence
            if seq in gap.missing and at <= (gap.loss.until_at or 0):
                gap.missing.remove(seq)
                gap.filled_count += 1
                if not gap.missing and gap.filled_count >= (gap.loss.estimated_count or 0):
                    node.gaps.remove(gap)  # the timer ends with it
                return True
        for gap in node.closed_gaps:
            if seq in gap.missing and (gap.loss.from_at or 0) <= at <= (gap.loss.until_at or 0):
                gap.missing.remove(seq)
                effects.losses.append(
                    replace(
                        gap.loss,
                        loss_kind="backfill",
                        received_at=header.received_at,
                        first_missing_seq=seq,
                        last_missing_seq=seq,
                        estimated_count=0,
                        filled_count=1,
                        detail="came after the reorder timeout",
                    )
                )
                return True
        return False


def _birth_time(header: Header) -> int:
    """The birth's own time where it can be compared with, else that of receipt."""
    at = header.at
    return at if at is not None and EARLIEST_MS <= at <= header.received_at + AHEAD_MS else header.received_at


def _is_earlier_session(bd_seq: int | None, *, than: int | None) -> bool:
    """Whether bd_seq counts below another; a clock set back at a reboot must not hide the session it begins."""
    return bd_seq is None or than is None or 0 < (than - bd_seq) % TURN < TURN // 2


def _is_late(node: EdgeNode, seq: int, at: int) -> bool:
    if node.started_at is not None and at < node.started_at:
        return True
    assert node.seq is not None  # noqa: S101  (the caller compared with it)
    return node.last_at is not None and at <= node.last_at and (node.seq - seq) % TURN < TURN // 2


def _go_offline(node: EdgeNode, now: int, effects: Effects, *, detail: str) -> None:
    node.is_online, node.suspect_until = False, None
    node.devices = dict.fromkeys(node.devices, False)
    effects.losses.append(_loss(node, "death", now=now, from_at=node.last_at, until_at=now, detail=detail))
    effects.stale.append((node.edge_node_id, None, now))


def _silence(node: EdgeNode, header: Header, until_at: int, *, detail: str) -> Loss:
    return _loss(node, "stale", now=header.received_at, from_at=node.last_at, until_at=until_at, detail=detail)


def _loss(
    node: EdgeNode, kind: LossKind, *, now: int, from_at: int | None, until_at: int | None = None, detail: str = ""
) -> Loss:
    return Loss(
        edge_node_id=node.edge_node_id,
        loss_kind=kind,
        received_at=now,
        detail=detail,
        bd_seq=node.bd_seq,
        birth_at=node.birth_at,
        from_at=from_at,
        until_at=until_at,
    )

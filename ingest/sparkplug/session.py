"""The life of edge nodes as a host sees it: a pure state machine over message headers.

Belongs here: births and what they name, sessions, deaths, gaps in `seq`, suspicion, when a rebirth should be asked for.
Does not belong here: sockets, clocks, files, values. Time comes in as an argument (ms UTC), consequences go out in
`Effects`.

Rules that matter: a session is (edge node, bd_seq, birth time), because some clients restart bd_seq; `seq` belongs to
the edge node, over node and device messages alike; aliases live as long as their birth; a
death whose bd_seq matches no birth makes a node suspect, never offline at once and never ignored for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ingest.loss_ledger import Loss, LossKind, lost_between
from ingest.sparkplug.rebirth import RebirthPolicy

PREFIXES = ("DATA/", "ATTR/", "CMD/")
"""Folders that mqtt-spb-wrapper puts before names in births and leaves out in DATA."""


class MetricDefinition(NamedTuple):
    """What a birth says about one metric."""

    device_id: str
    name: str
    datatype: int
    source_unit: str | None


class BirthMetric(NamedTuple):
    """One metric as a birth message carries it."""

    name: str
    alias: int | None
    datatype: int
    source_unit: str | None


class Header(NamedTuple):
    """What the machine needs of a message."""

    message_type: str
    edge_node_id: str
    device_id: str
    seq: int | None
    bd_seq: int | None
    at: int | None
    received_at: int


@dataclass(slots=True)
class Effects:
    """What one step asks of the world outside."""

    losses: list[Loss] = field(default_factory=list)
    rebirths: list[str] = field(default_factory=list)
    stale: list[tuple[str, str | None, int]] = field(default_factory=list)
    """(edge_node_id, device_id or None for the node with all its devices, since when)."""
    flags: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Gap:
    """Sequence numbers still missing, and when we stop hoping that they are merely late."""

    missing: list[int]
    expires_at: int
    loss: Loss
    filled_count: int = 0

    def remaining(self) -> Loss:
        """The loss, less what arrived late."""
        return replace(self.loss, estimated_count=max((self.loss.estimated_count or 0) - self.filled_count, 0))


@dataclass(slots=True)
class EdgeNode:
    """Everything remembered of one edge node."""

    edge_node_id: str
    bd_seq: int | None = None
    birth_at: int | None = None
    is_online: bool = False
    suspect_until: int | None = None
    seq: int | None = None
    last_at: int | None = None
    period_ms: float | None = None
    deviation_ms: float = 0.0
    aliases: dict[tuple[str, int], MetricDefinition] = field(default_factory=dict)
    names: dict[str, dict[str, MetricDefinition]] = field(default_factory=dict)
    definitions_version: int = 0
    """Grows whenever `names` or `aliases` change: what was derived from them may be kept as long as it stands still."""
    gaps: list[Gap] = field(default_factory=list)
    rebirth: RebirthPolicy = field(default_factory=RebirthPolicy)

    def by_alias(self, device_id: str, alias: int) -> MetricDefinition | None:
        """The metric an alias stands for in the current birth of its device.

        Aliases are unique per edge node by the specification; looked up per device, a client that numbers each device
        from one is read all the same and never mistaken.
        """
        return self.aliases.get((device_id, alias))

    def by_name(self, device_id: str, name: str) -> tuple[MetricDefinition | None, bool]:
        """The metric of this name, and whether it was found only behind one of the known prefixes."""
        known = self.names.get(device_id)
        if known is None:
            return None, False
        found = known.get(name)
        if found is not None:
            return found, False
        for prefix in PREFIXES:
            found = known.get(prefix + name)
            if found is not None:
                return found, True
        return None, False

    @property
    def rebirth_metric(self) -> str:
        """The name under which this node declared its rebirth switch."""
        for name in self.names.get("", ()):
            if name.endswith("Node Control/Rebirth"):
                return name
        return "Node Control/Rebirth"


class Sessions:
    """All edge nodes of one site."""

    def __init__(self, *, reorder_timeout_ms: int = 5_000, probe_timeout_ms: int = 30_000) -> None:
        self.nodes: dict[str, EdgeNode] = {}
        self.reorder_timeout_ms = reorder_timeout_ms
        self.probe_timeout_ms = probe_timeout_ms
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
        node = self.node(header.edge_node_id)
        match header.message_type:
            case "NBIRTH":
                self._node_birth(node, header, list(metrics), effects)
            case "NDEATH":
                self._node_death(node, header, effects)
            case "DBIRTH":
                self._sequence(node, header, effects)
                self._device_birth(node, header, list(metrics), effects)
            case "DDEATH":
                self._sequence(node, header, effects)
                effects.stale.append((node.edge_node_id, header.device_id, header.at or header.received_at))
            case _:
                self._sequence(node, header, effects)
        return effects

    def request_rebirth(self, edge_node_id: str, now: int, effects: Effects, *, why: str) -> None:
        """Ask for a rebirth unless this node was asked recently or has stopped answering."""
        node = self.node(edge_node_id)
        if node.rebirth.may_ask(now):
            node.rebirth = node.rebirth.asked(now)
            effects.rebirths.append(edge_node_id)
            effects.losses.append(self._loss(node, "rebirth_requested", now=now, from_at=node.last_at, detail=why))

    def expire(self, now: int) -> Effects:
        """Let time pass: gaps nobody filled become losses, suspects nobody heard of go offline."""
        effects = Effects()
        for node in self.nodes.values():
            expired = [gap for gap in node.gaps if gap.expires_at <= now]
            if expired:
                node.gaps = [gap for gap in node.gaps if gap.expires_at > now]
                effects.losses.extend(gap.remaining() for gap in expired)
                self.request_rebirth(node.edge_node_id, now, effects, why="sequence numbers stayed missing")
            if node.suspect_until is not None and node.suspect_until <= now:
                self._offline(
                    node, now, effects, detail="a death of another bd_seq, and no answer to a rebirth request"
                )
        return effects

    def _node_birth(self, node: EdgeNode, header: Header, metrics: list[BirthMetric], effects: Effects) -> None:
        at = header.at if header.at is not None else header.received_at
        if node.is_online and node.bd_seq != header.bd_seq and node.birth_at is not None:
            if header.at is not None and header.at < node.birth_at:
                effects.flags.append("older_birth")  # a birth overtaken by its successor changes nothing
                return
            effects.losses.append(self._silence(node, header, at, detail="a new session without a death"))
        elif not node.is_online and node.last_at is not None and node.birth_at is not None:
            effects.losses.append(self._silence(node, header, at, detail="offline until this birth"))
        effects.losses.extend(gap.remaining() for gap in node.gaps)
        definitions = _definitions("", metrics)
        if header.bd_seq is None:
            effects.flags.append("no_bd_seq")
        if definitions is None:
            effects.flags.append("malformed_birth")  # the last good names stay in force
        else:
            node.names = {"": definitions.by_name}
            node.aliases = definitions.by_alias
            node.definitions_version += 1
        node.bd_seq, node.birth_at, node.is_online = header.bd_seq, at, True
        node.seq, node.last_at = header.seq, at
        node.suspect_until, node.gaps = None, []
        node.rebirth = RebirthPolicy()
        self.births_changed = True
        effects.stale.append((node.edge_node_id, None, at))  # devices stay stale until their own birth

    def _device_birth(self, node: EdgeNode, header: Header, metrics: list[BirthMetric], effects: Effects) -> None:
        definitions = _definitions(header.device_id, metrics)
        if definitions is None:
            effects.flags.append("malformed_birth")
            return
        kept = {key: known for key, known in node.aliases.items() if key[0] != header.device_id}
        if {alias for _, alias in kept} & {alias for _, alias in definitions.by_alias}:
            effects.flags.append("alias_reused")
        node.aliases = kept | definitions.by_alias
        node.names[header.device_id] = definitions.by_name
        node.definitions_version += 1
        self.births_changed = True

    def _node_death(self, node: EdgeNode, header: Header, effects: Effects) -> None:
        if not node.is_online:
            return  # a second death of the same session says nothing new
        if header.bd_seq == node.bd_seq:
            # Its timestamp is that of the CONNECT and must not be used for matching: only the receive time counts.
            self._offline(node, header.received_at, effects, detail="")
            return
        effects.flags.append("unmatched_death")
        if node.suspect_until is None:
            node.suspect_until = header.received_at + self.probe_timeout_ms
        self.request_rebirth(
            node.edge_node_id, header.received_at, effects, why=f"a death of bd_seq {header.bd_seq} matches no birth"
        )

    def _offline(self, node: EdgeNode, now: int, effects: Effects, *, detail: str) -> None:
        node.is_online, node.suspect_until = False, None
        effects.losses.append(self._loss(node, "death", now=now, from_at=node.last_at, until_at=now, detail=detail))
        effects.stale.append((node.edge_node_id, None, now))

    def _sequence(self, node: EdgeNode, header: Header, effects: Effects) -> None:
        at = header.at if header.at is not None else header.received_at
        node.suspect_until = None  # whoever speaks is alive
        if node.birth_at is None:
            effects.flags.append("no_birth")
            self.request_rebirth(node.edge_node_id, header.received_at, effects, why="data before any birth")
        elif not node.is_online:
            effects.flags.append("offline")
            self.request_rebirth(node.edge_node_id, header.received_at, effects, why="data from a node that is offline")
        if header.seq is None:
            effects.flags.append("no_seq")
        elif node.seq is None or header.seq == (node.seq + 1) % 256:
            self._in_order(node, header, at)
        elif self._fills_gap(node, header.seq, at) or self._is_late(node, header.seq, at):
            effects.flags.append("out_of_order")
        else:
            self._gap(node, header, at)

    def _in_order(self, node: EdgeNode, header: Header, at: int) -> None:
        # A whole turn of 256 lost messages shows in the clock only; edges that report by exception pause for a weekend
        # and would look the same, so an unbroken sequence is believed.
        if node.last_at is not None and at > node.last_at:
            step = float(at - node.last_at)
            if node.period_ms is None:
                node.period_ms, node.deviation_ms = step, step
            else:
                node.deviation_ms += (abs(step - node.period_ms) - node.deviation_ms) / 16
                node.period_ms += (step - node.period_ms) / 16
        node.seq, node.last_at = header.seq, max(at, node.last_at or at)

    def _gap(self, node: EdgeNode, header: Header, at: int) -> None:
        assert node.seq is not None  # noqa: S101  (the caller compared with it)
        assert header.seq is not None  # noqa: S101
        before_at = node.last_at if node.last_at is not None else at
        lost = lost_between(
            before_seq=node.seq, before_at=before_at, after_seq=header.seq, after_at=at, period_ms=_usual(node)
        )
        missing = [(node.seq + 1 + i) % 256 for i in range((header.seq - node.seq - 1) % 256)]
        loss = replace(
            self._loss(node, "seq_gap", now=header.received_at, from_at=before_at, until_at=at),
            first_missing_seq=missing[0] if missing else None,
            last_missing_seq=missing[-1] if missing else None,
            estimated_count=lost,
        )
        node.gaps.append(Gap(missing=missing, expires_at=header.received_at + self.reorder_timeout_ms, loss=loss))
        node.seq, node.last_at = header.seq, max(at, before_at)

    @staticmethod
    def _fills_gap(node: EdgeNode, seq: int, at: int) -> bool:
        for gap in node.gaps:
            # younger than what closed the gap, it belongs to the next turn of the sequence
            if seq in gap.missing and at <= (gap.loss.until_at or 0):
                gap.missing.remove(seq)
                gap.filled_count += 1
                if not gap.missing:
                    node.gaps.remove(gap)
                return True
        return False

    def _is_late(self, node: EdgeNode, seq: int, at: int) -> bool:
        if node.birth_at is not None and at < node.birth_at:
            return True
        assert node.seq is not None  # noqa: S101  (the caller compared with it)
        return node.last_at is not None and at <= node.last_at and (node.seq - seq) % 256 < 128

    def _silence(self, node: EdgeNode, header: Header, until_at: int, *, detail: str) -> Loss:
        return self._loss(node, "stale", now=header.received_at, from_at=node.last_at, until_at=until_at, detail=detail)

    @staticmethod
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


class _Definitions(NamedTuple):
    by_name: dict[str, MetricDefinition]
    by_alias: dict[tuple[str, int], MetricDefinition]


def _definitions(device_id: str, metrics: list[BirthMetric]) -> _Definitions | None:
    """The maps a birth declares; None when it is ambiguous."""
    by_name: dict[str, MetricDefinition] = {}
    by_alias: dict[tuple[str, int], MetricDefinition] = {}
    for metric in metrics:
        definition = MetricDefinition(device_id, metric.name, metric.datatype, metric.source_unit)
        if not metric.name or (metric.alias is not None and (device_id, metric.alias) in by_alias):
            return None
        by_name[metric.name] = definition
        if metric.alias is not None:
            by_alias[device_id, metric.alias] = definition
    return _Definitions(by_name, by_alias)


def _usual(node: EdgeNode) -> float | None:
    """The node's period, if it has a steady one."""
    if node.period_ms is None or node.period_ms <= 0 or node.deviation_ms > node.period_ms / 4:
        return None
    return node.period_ms

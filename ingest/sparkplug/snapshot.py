"""What is known of edge nodes, written down: alias maps survive a kill because they belong to the commit record.

Belongs here: sessions to JSON and back. Does not belong here: when to write (collector), where (landing).

Two parts, because they change at different speeds: `births` (names and aliases, only when a birth came) go to a file of
their own; `positions` (last seq, open gaps) are small and travel in every manifest.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ingest.loss_ledger import Loss
from ingest.sparkplug.cadence import Cadence
from ingest.sparkplug.definitions import MetricDefinition
from ingest.sparkplug.edge_node import EdgeNode, Gap
from ingest.sparkplug.rebirth import RebirthPolicy
from ingest.sparkplug.session import Sessions


def births(sessions: Sessions) -> list[dict[str, Any]]:
    """Every edge node's names and aliases, as JSON values."""
    return [
        {
            "edge_node_id": node.edge_node_id,
            "names": [list(definition) for known in node.names.values() for definition in known.values()],
            "devices": list(node.names),
            "aliases": [[*key, definition.name] for key, definition in node.aliases.items()],
            "known": [
                list(definition)
                for device_id, known in node.known.items()
                for name, definition in known.items()
                if node.names.get(device_id, {}).get(name) is not definition
            ],
            "data_drifts": sorted(node.data_drifts),
        }
        for node in sessions.nodes.values()
    ]


def positions(sessions: Sessions) -> dict[str, Any]:
    """Where every edge node's session stands, as JSON values."""
    return {
        node.edge_node_id: {
            "bd_seq": node.bd_seq,
            "birth_at": node.birth_at,
            "started_at": node.started_at,
            "is_online": node.is_online,
            "devices": node.devices,
            "suspect_until": node.suspect_until,
            "seq": node.seq,
            "last_at": node.last_at,
            "gaps": [asdict(gap) for gap in node.gaps],
            "closed_gaps": [asdict(gap) for gap in node.closed_gaps],
            "cadence": node.cadence.written(),
            "rebirth": asdict(node.rebirth),
        }
        for node in sessions.nodes.values()
    }


def restore(sessions: Sessions, *, births: list[dict[str, Any]], positions: dict[str, Any]) -> None:
    """Bring sessions back to where a commit left them; what an older version did not write has its first value."""
    for entry in births:
        _restore_births(sessions.node(entry["edge_node_id"]), entry)
    for edge_node_id, position in positions.items():
        _restore_position(sessions.node(edge_node_id), position)


def _restore_births(node: EdgeNode, entry: dict[str, Any]) -> None:
    node.names = {device_id: {} for device_id in entry["devices"]}
    for device_id, name, datatype, source_unit in entry["names"]:
        node.names[device_id][name] = MetricDefinition(device_id, name, datatype, source_unit)
    node.aliases = {(device_id, alias): node.names[device_id][name] for device_id, alias, name in entry["aliases"]}
    node.known = dict(node.names)
    for device_id, name, datatype, source_unit in entry.get("known", ()):
        known = node.known.get(device_id, {})
        if known is node.names.get(device_id):  # what is in force must not grow by what is only remembered
            known = dict(known)
        known[name] = MetricDefinition(device_id, name, datatype, source_unit)
        node.known[device_id] = known
    node.data_drifts = {(d, name, before, after) for d, name, before, after in entry.get("data_drifts", ())}
    node.definitions_version += 1


def _restore_position(node: EdgeNode, position: dict[str, Any]) -> None:
    node.bd_seq, node.birth_at = position["bd_seq"], position["birth_at"]
    node.started_at = position.get("started_at", node.birth_at)
    node.is_online, node.suspect_until = position["is_online"], position["suspect_until"]
    node.devices = dict(position.get("devices") or dict.fromkeys(filter(None, node.names), node.is_online))
    node.seq, node.last_at = position["seq"], position["last_at"]
    node.gaps = [_gap(gap) for gap in position["gaps"]]
    node.closed_gaps.extend(_gap(gap) for gap in position.get("closed_gaps", ()))
    node.cadence = Cadence.read(position.get("cadence", ()))
    node.rebirth = RebirthPolicy(**position.get("rebirth", {}))


def _gap(written: dict[str, Any]) -> Gap:
    return Gap(**{**written, "loss": Loss(**written["loss"])})

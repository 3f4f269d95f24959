"""What is known of edge nodes, written down: alias maps survive a kill because they belong to the commit record.

Belongs here: sessions to JSON and back. Does not belong here: when to write (collector), where (landing).

Two parts, because they change at different speeds: `births` (names and aliases, only when a birth came) go to a file of
their own; `positions` (last seq, open gaps) are small and travel in every manifest.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ingest.loss_ledger import Loss
from ingest.sparkplug.session import EdgeNode, Gap, MetricDefinition, Sessions


def births(sessions: Sessions) -> list[dict[str, Any]]:
    """Every edge node's names and aliases, as JSON values."""
    return [
        {
            "edge_node_id": node.edge_node_id,
            "names": [list(definition) for known in node.names.values() for definition in known.values()],
            "devices": list(node.names),
            "aliases": [[*key, definition.name] for key, definition in node.aliases.items()],
        }
        for node in sessions.nodes.values()
    ]


def positions(sessions: Sessions) -> dict[str, Any]:
    """Where every edge node's session stands, as JSON values."""
    return {
        node.edge_node_id: {
            "bd_seq": node.bd_seq,
            "birth_at": node.birth_at,
            "is_online": node.is_online,
            "suspect_until": node.suspect_until,
            "seq": node.seq,
            "last_at": node.last_at,
            "gaps": [asdict(gap) for gap in node.gaps],
        }
        for node in sessions.nodes.values()
    }


def restore(sessions: Sessions, *, births: list[dict[str, Any]], positions: dict[str, Any]) -> None:
    """Bring sessions back to where a commit left them."""
    for entry in births:
        node = sessions.node(entry["edge_node_id"])
        node.names = {device_id: {} for device_id in entry["devices"]}
        for device_id, name, datatype, source_unit in entry["names"]:
            node.names[device_id][name] = MetricDefinition(device_id, name, datatype, source_unit)
        node.aliases = {(device_id, alias): node.names[device_id][name] for device_id, alias, name in entry["aliases"]}
        node.definitions_version += 1
    for edge_node_id, position in positions.items():
        _restore_position(sessions.node(edge_node_id), position)


def _restore_position(node: EdgeNode, position: dict[str, Any]) -> None:
    node.bd_seq, node.birth_at = position["bd_seq"], position["birth_at"]
    node.is_online, node.suspect_until = position["is_online"], position["suspect_until"]
    node.seq, node.last_at = position["seq"], position["last_at"]
    node.gaps = [Gap(**{**gap, "loss": Loss(**gap["loss"])}) for gap in position["gaps"]]

"""What births declare, as arrays: names, datatypes and units looked up for thousands of metrics at once.

Belongs here: one device's definitions, and those of all devices of a batch one behind the other.
Does not belong here: what a birth changes (edge_node, definitions).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.sparkplug.edge_node import EdgeNode

Ints = npt.NDArray[np.int64]

_HIGHEST_ALIAS = 2**31


class DeviceDefinitions:
    """What one device's births declare, as arrays: looked up for thousands of metrics at once."""

    __slots__ = ("aliases", "by_alias", "by_name", "datatypes", "names", "units", "version")

    def __init__(self, node: EdgeNode, device_id: str) -> None:
        self.version = node.definitions_version
        known = list(node.names.get(device_id, {}).values())
        declared = {name: position for position, name in enumerate(node.names.get(device_id, {}))}
        aliases = []
        for (owner, alias), definition in node.aliases.items():
            if owner == device_id and alias < _HIGHEST_ALIAS:
                aliases.append((alias, len(known)))
                known.append(definition)
        aliases.sort()
        self.names = [definition.name for definition in known]
        self.units = [definition.source_unit for definition in known]
        self.datatypes = np.array([definition.datatype for definition in known], np.int64)
        self.by_name = declared
        self.aliases = np.array([alias for alias, _ in aliases], np.int64)
        self.by_alias = np.array([position for _, position in aliases], np.int64)


class DefinitionBlocks:
    """The definitions of all devices of a batch, one block after the other, and each row's block."""

    def __init__(self, found: list[DeviceDefinitions], of_row: Ints) -> None:
        self._found = found
        self.of_row = of_row
        sizes = [len(each.names) for each in found]
        self.starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self.names = pa.array([name for each in found for name in each.names], pa.string())
        self.units = pa.array([unit for each in found for unit in each.units], pa.string())
        self.datatypes = _joined([each.datatypes for each in found])

    def by_alias(self, aliases: npt.NDArray[np.uint64]) -> Ints:
        """The place of each row's definition, -1 where its alias has none."""
        keys = _joined([(place << 32) + each.aliases for place, each in enumerate(self._found)])
        places = _joined([self.starts[place] + each.by_alias for place, each in enumerate(self._found)])
        if not len(keys):
            return np.full(len(aliases), -1)
        wanted = (self.of_row << 32) + np.minimum(aliases, _HIGHEST_ALIAS).astype(np.int64)
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        found: Ints = np.where(keys[at] == wanted, places[at], -1)
        return found

    def by_name(self, names: pa.Array, rows: Ints) -> Ints:
        """The place of the definition of each of `rows`, -1 where no birth has exactly that name."""
        encoded = names.take(pa.array(rows)).dictionary_encode()
        words = encoded.dictionary.to_pylist()
        wanted = (self.of_row[rows] << 32) + np.asarray(encoded.indices).astype(np.int64)
        unique, inverse = np.unique(wanted, return_inverse=True)
        places = []
        for key in unique.tolist():
            position = self._found[key >> 32].by_name.get(words[key & 0xFFFFFFFF])
            places.append(-1 if position is None else int(self.starts[key >> 32]) + position)
        found: Ints = np.array(places, np.int64)[inverse]
        return found


def _joined(parts: list[npt.NDArray[np.int64]]) -> Ints:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)

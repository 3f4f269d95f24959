"""One edge node: everything a host remembers of it.

Belongs here: its session's position, its definitions in force, its devices, its open gaps.
Does not belong here: how messages change them (session), files (snapshot).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from ingest.loss_ledger import Loss
from ingest.sparkplug.cadence import Cadence
from ingest.sparkplug.definitions import Definitions, MetricDefinition, remember
from ingest.sparkplug.payload import REBIRTH
from ingest.sparkplug.rebirth import RebirthPolicy

DATA_FOLDER = "DATA/"
"""Where a name stands in several folders of a birth, DATA speaks of the one of its own name."""

CLOSED_GAPS = 8
"""They travel in every manifest."""
MAX_DATA_DRIFTS = 10_000


@dataclass(slots=True)
class Gap:
    """Sequence numbers still missing, and when we stop hoping that they are merely late."""

    missing: list[int]
    expires_at: int
    loss: Loss
    filled_count: int = 0

    def remaining(self) -> Loss:
        """The loss, less what arrived late."""
        missing = max((self.loss.estimated_count or 0) - self.filled_count, 0)
        return replace(self.loss, estimated_count=missing, filled_count=self.filled_count)


@dataclass(slots=True)
class EdgeNode:
    """Everything remembered of one edge node; times in ms UTC.

    `birth_at` is what its birth said and names the session; `started_at` is the same moment for comparing, by our clock
    where the birth's ran ahead.
    """

    edge_node_id: str
    bd_seq: int | None = None
    birth_at: int | None = None
    started_at: int | None = None
    is_online: bool = False
    suspect_until: int | None = None
    seq: int | None = None
    last_at: int | None = None
    devices: dict[str, bool] = field(default_factory=dict)
    """Whether each device has a birth in force."""
    aliases: dict[tuple[str, int], MetricDefinition] = field(default_factory=dict)
    names: dict[str, dict[str, MetricDefinition]] = field(default_factory=dict)
    definitions_version: int = 0
    """Grows whenever `names` or `aliases` change: what was derived from them may be kept as long as it stands still."""
    known: dict[str, dict[str, MetricDefinition]] = field(default_factory=dict)
    """The last definition of every metric ever declared, over births, sessions and restarts: drift is judged by it."""
    data_drifts: set[tuple[str, str, int, int]] = field(default_factory=set)
    """Datatypes that DATA contradicted, told already: (device_id, name, of the birth, of DATA)."""
    gaps: list[Gap] = field(default_factory=list)
    closed_gaps: deque[Gap] = field(default_factory=lambda: deque(maxlen=CLOSED_GAPS))
    """Gaps that became losses: what arrives even later is a backfill."""
    cadence: Cadence = field(default_factory=Cadence)
    rebirth: RebirthPolicy = field(default_factory=RebirthPolicy)
    _bare_names: dict[str, tuple[dict[str, MetricDefinition] | None, dict[str, MetricDefinition | None]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def by_alias(self, device_id: str, alias: int) -> MetricDefinition | None:
        """The metric an alias stands for in the current birth of its device.

        Aliases are unique per edge node by the specification; looked up per device, a client that numbers each device
        from one is read all the same and never mistaken.
        """
        return self.aliases.get((device_id, alias))

    def by_name(self, device_id: str, name: str) -> tuple[MetricDefinition | None, bool]:
        """The metric of this name, and whether only its birth puts the name into a folder.

        Some clients (mqtt-spb-wrapper: `DATA/temp`, then `temp`) sort a birth's names into folders and leave the folder
        out in DATA. Such a name is found where one metric alone bears it after its first folder, or does so in `DATA/`;
        any other choice would be a guess.
        """
        known = self.names.get(device_id)
        if known is None:
            return None, False
        found = known.get(name)
        if found is not None:
            return found, False
        if (found := known.get(DATA_FOLDER + name)) is None:
            found = self._without_folder(device_id, known).get(name)
        return found, found is not None

    def _without_folder(self, device_id: str, known: dict[str, MetricDefinition]) -> dict[str, MetricDefinition | None]:
        """A birth's names less their first folder; None where several share one. Made once per birth."""
        made_of, bare = self._bare_names.get(device_id, (None, {}))
        if made_of is not known:
            bare = {}
            for name, definition in known.items():
                _, folder_end, rest = name.partition("/")
                if folder_end:
                    bare[rest] = None if rest in bare else definition
            self._bare_names[device_id] = (known, bare)
        return bare

    @property
    def rebirth_metric(self) -> str:
        """The name under which this node declared its rebirth switch."""
        known = self.names.get("", {})
        if REBIRTH in known:
            return REBIRTH
        return next((name for name in known if name.endswith(f"/{REBIRTH}")), REBIRTH)

    def declare(self, device_id: str, definitions: Definitions) -> bool:
        """Put a birth's definitions in force; returns whether it claims an alias that another device holds.

        A node's birth (`device_id` '') ends every alias and name of its devices: they live as long as the session.
        """
        is_reused = False
        if device_id:
            kept = {key: known for key, known in self.aliases.items() if key[0] != device_id}
            is_reused = not {alias for _, alias in kept}.isdisjoint(alias for _, alias in definitions.by_alias)
            self.aliases = kept | definitions.by_alias
            self.names[device_id] = definitions.by_name
        else:
            self.names, self.aliases = {"": definitions.by_name}, definitions.by_alias
        self.known[device_id] = remember(self.known.get(device_id, {}), definitions.by_name)
        self.definitions_version += 1
        return is_reused

    def is_first_contradiction(self, definition: MetricDefinition, datatype: int) -> bool:
        """Whether DATA is the first to give this metric a datatype that its birth did not; it is told once."""
        key = (definition.device_id, definition.name, definition.datatype, datatype)
        if key in self.data_drifts or len(self.data_drifts) >= MAX_DATA_DRIFTS:
            return False
        self.data_drifts.add(key)
        return True

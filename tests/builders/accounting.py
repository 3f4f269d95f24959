"""What must hold whatever arrives: everything accounted for once, committed below the root, neighbours unharmed.

Belongs here: the laws and the way through decoder and landing that a collector takes. Does not belong here: the input.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from ingest.arrival import Arrival
from ingest.decoder import DecodedBatch, SiteDecoder
from ingest.landing import Landing, Manifest
from ingest.records import SiteRows
from ingest.site import Site
from ingest.sparkplug import snapshot
from ingest.verification import find_fault
from tests.builders.sparkplug import MARCH_1, RECEIVED_AT, a_metric, a_node_birth, an_arrival, encode_payload

COMMAND = re.compile(r"spBv1\.0/hamburg/(NCMD/[^/]+|DCMD/[^/]+/[^/]+)", re.DOTALL)
NEIGHBOUR = "good_neighbour"
NEIGHBOURS_TOPIC = f"spBv1.0/hamburg/NDATA/{NEIGHBOUR}"
LONGEST_TOPIC = 1_024


class Ledger:
    """One site's way from arrivals to committed files, counting; laws are asserted at every step."""

    def __init__(self, site: Site, home: Path) -> None:
        self.site = site
        self.home = home
        self.decoder = SiteDecoder(site)
        self.landing = Landing(home, collector_id="hostile")
        self.counts: Counter[str] = Counter()
        self._clock = self._seq = 0
        self._seen: set[tuple[str, bytes]] = set()

    def take(self, hostile: Iterable[tuple[str, bytes]]) -> DecodedBatch:
        """Decode and commit them between neighbours that must land whole."""
        arrivals = [Arrival(topic, payload, RECEIVED_AT + self._tick()) for topic, payload in hostile]
        mixed = [arrival for each in arrivals for arrival in (each, self._neighbour())]
        batch = self.decoder.decode([self._birth(), *mixed], now=MARCH_1 + self._clock)
        self._account(mixed, batch)
        manifest = self._commit(batch.rows)
        self._look_at_files(manifest, batch.rows)
        return batch

    def _account(self, arrivals: Sequence[Arrival], batch: DecodedBatch) -> None:
        rows = batch.rows
        commands = sum(is_silent(arrival, self.site) for arrival in arrivals)
        landed = len(rows.messages) - 1  # less the neighbour's birth
        assert landed + len(rows.quarantine) + batch.redelivered_count + commands == len(arrivals)
        repeated = sum((arrival.topic, arrival.payload) in self._seen for arrival in arrivals)
        self._seen.update((arrival.topic, arrival.payload) for arrival in arrivals)
        assert batch.redelivered_count <= repeated + len(arrivals) - len({each[:2] for each in arrivals})
        identifiers = rows.messages.lists["message_id"] + rows.quarantine.lists["message_id"]
        assert len(set(identifiers)) == len(identifiers)
        readings = rows.readings.table().select(["message_id", "topic", "value_decimal"]).to_pylist()
        assert {row["message_id"] for row in readings} <= set(rows.messages.lists["message_id"])
        assert all(rows.quarantine.lists["reason"])
        assert all(rows.quarantine.lists["detail"])
        assert "decoder_error" not in rows.quarantine.lists["reason"], rows.quarantine.lists["detail"]
        neighbours = [arrival for arrival in arrivals if arrival.topic == NEIGHBOURS_TOPIC]
        expected = len(neighbours)
        said = sorted(row["value_decimal"] for row in readings if row["topic"] == NEIGHBOURS_TOPIC)
        assert said == [arrival.received_at - RECEIVED_AT for arrival in neighbours]
        self.counts.update(arrivals=len(arrivals) - expected, landed=landed - expected, neighbours=expected)
        self.counts.update(commands=commands, redelivered=batch.redelivered_count, readings=len(rows.readings))
        self.counts.update(f"refused: {reason}" for reason in rows.quarantine.lists["reason"])

    def _commit(self, rows: SiteRows) -> Manifest:
        """As the collector does it."""
        site_id, sessions = self.site.site_id, self.decoder.sessions
        births = json.dumps({site_id: snapshot.births(sessions)}, ensure_ascii=False).encode("utf-8", "replace")
        return self.landing.commit([rows], births=births, edge_nodes={site_id: snapshot.positions(sessions)})

    def _look_at_files(self, manifest: Manifest, rows: SiteRows) -> None:
        roots = [(self.home / name).resolve() for name in ("landing", "quarantine")]
        for file in manifest.files:
            path = (self.home / file.path).resolve()
            assert any(path.is_relative_to(root) for root in roots)
            assert find_fault(file, home=self.home) is None
        counts = Counter({file.kind: 0 for file in manifest.files})
        for file in manifest.files:
            counts[file.kind] += file.row_count
        assert counts == Counter({columns.kind: len(columns) for columns in rows.columns() if len(columns)})

    def _tick(self) -> int:
        self._clock += 1
        return self._clock

    def _birth(self) -> Arrival:
        at = MARCH_1 + self._tick()
        self._seq = 0
        return a_node_birth(bd_seq=0, at=at, node=NEIGHBOUR, metrics=[a_metric("count", 0, alias=1)])

    def _neighbour(self) -> Arrival:
        number = self._tick()
        self._seq = (self._seq + 1) % 256
        payload = encode_payload(timestamp=MARCH_1 + number, seq=self._seq, metrics=[a_metric(value=number, alias=1)])
        return an_arrival(NEIGHBOURS_TOPIC, payload, received_at=RECEIVED_AT + number)


def is_silent(arrival: Arrival, site: Site) -> bool:
    """Whether a message is, by rule, no message of the plant: a command, or what the platform says itself."""
    topic = arrival.topic
    if len(topic) > LONGEST_TOPIC or re.search("[\ud800-\udfff]", topic):
        return False  # refused before anybody asks what it is
    return COMMAND.fullmatch(topic) is not None or topic.startswith(f"{site.namespace}/_lineshaft/")

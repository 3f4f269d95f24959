"""What a collector inherits from the one before it: names behind aliases, positions, and what was landed last.

Belongs here: reading that from the manifests of every collector of a home. Does not belong here: what one collector
knows of itself (collector, from its own chain), who may take over (standby).

A replaced collector may finish writing one batch after its successor began. Its manifest is the younger by name and
the older by its lease's token: the token decides. The batch itself does no harm: it was never acknowledged, so the
successor landed the same messages, and what lands twice is kept once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow.parquet as pq

from ingest.decoder import SiteDecoder
from ingest.landing import Manifest, manifests_backwards
from ingest.manifest_volumes import MANIFESTS
from ingest.sparkplug import snapshot

REMEMBERED = 20_000
_OWNER = slice(21, 29)
"""Where a manifest's name bears its collector's mark: after twenty digits of time and a dash."""


def succeed(decoders: Iterable[SiteDecoder], *, home: Path) -> None:
    """Bring each site's decoder to where the last active collector of this home left it."""
    newest = newest_by_lease(home)
    recent: list[str] | None = None
    for decoder in decoders:
        recent = recent_message_ids(home, limit=REMEMBERED) if recent is None else recent
        decoder.remember(recent)
        site_id = decoder.site.site_id
        for manifest in newest:
            if site_id in manifest.edge_nodes:
                snapshot.restore(
                    decoder.sessions,
                    births=_births(home, manifest).get(site_id, []),
                    positions=manifest.edge_nodes[site_id],
                )
                decoder.sessions.births_changed = True  # the heir's own chain must name them before it is inherited
                break


def newest_by_lease(home: Path) -> list[Manifest]:
    """The newest manifest of every collector, that of the latest holder of the lease first."""
    marks = {path.name[_OWNER] for path in (home / MANIFESTS).glob("*.json")}
    found = [manifest for mark in marks for manifest in _first(manifests_backwards(home, owner=mark))]
    return sorted(found, key=lambda manifest: (manifest.lease_token or 0, manifest.path), reverse=True)


def recent_message_ids(home: Path, *, limit: int) -> list[str]:
    """Ids of the newest landed messages of all collectors, newest last: what a broker may deliver again."""
    batches: list[list[str]] = []
    for manifest in manifests_backwards(home):
        for file in manifest.files:
            if file.kind not in {"messages", "quarantine"}:
                continue
            path = home / file.path
            if not path.is_file():  # compacted or past its time, and so is everything older
                return _oldest_first(batches)
            # An open file, not a data set to discover: a take-over waits for hundreds of these.
            batches.append(pq.ParquetFile(path).read(columns=["message_id"])[0].to_pylist())
        if sum(map(len, batches)) >= limit:
            break
    return _oldest_first(batches)


def _oldest_first(batches: list[list[str]]) -> list[str]:
    return [identifier for batch in reversed(batches) for identifier in batch]


def _births(home: Path, manifest: Manifest) -> dict[str, list[dict[str, object]]]:
    """Each site's births as that manifest commits them; none where the file is gone with the collector's later ones."""
    path = home / manifest.births if manifest.births else None
    if path is None or not path.is_file():
        return {}
    births: dict[str, list[dict[str, object]]] = json.loads(path.read_bytes())
    return births


def _first(manifests: Iterator[Manifest]) -> list[Manifest]:
    found = next(manifests, None)
    return [] if found is None else [found]

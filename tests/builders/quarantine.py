"""Quarantined messages for tests: arrivals decoded and landed as a collector does it, and what a home then holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ingest.arrival import Arrival
from ingest.decoder import SiteDecoder
from ingest.landing import Landing, read_manifests
from ingest.mapping import load_mapping
from ingest.records import Kind
from ingest.site import Site
from ingest.sparkplug import snapshot
from tests.builders.sparkplug import RECEIVED_AT, an_arrival


def land(home: Path, site: Site, *arrivals: Arrival, decoder: SiteDecoder | None = None) -> SiteDecoder:
    """Decode arrivals, by default as after a restart that remembers nothing, and commit them."""
    if decoder is None:
        decoder = SiteDecoder(site, **({"mapping": load_mapping(site.mapping)} if site.mapping else {}))
    batch = decoder.decode(arrivals, now=0)
    births = json.dumps({site.site_id: snapshot.births(decoder.sessions)}).encode()
    positions = {site.site_id: snapshot.positions(decoder.sessions)}
    Landing(home, collector_id="c").commit([batch.rows], births=births, edge_nodes=positions)
    return decoder


def landed(home: Path, kind: Kind) -> list[dict[str, Any]]:
    """Every landed row of a kind, in the order of the commits."""
    files = [file for manifest in read_manifests(home) for file in manifest.files if file.kind == kind]
    return [row for file in files for row in pq.ParquetFile(home / file.path).read().to_pylist()]


def landed_ids(home: Path) -> list[str]:
    """The ids of landed messages, in the order of the commits."""
    return [row["message_id"] for row in landed(home, "messages")]


def an_event_arrival(document: object, *, event_type: str, site_id: str = "monterrey", second: int = 0) -> Arrival:
    """An MES event as it comes off the wire."""
    topic = f"meridian/{site_id}/_event/{event_type}"
    return an_arrival(topic, json.dumps(document), received_at=RECEIVED_AT + second * 1_000_000)

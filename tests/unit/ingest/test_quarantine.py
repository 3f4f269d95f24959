"""ingest.quarantine: refused, kept, and read after all."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingest.arrival import Arrival
from ingest.collector import collector_lock
from ingest.decoder import SiteDecoder
from ingest.errors import CollectorLocked, IngestError
from ingest.landing import Landing, read_manifests
from ingest.mapping import load_mapping
from ingest.quarantine import REPLAY_ID, list_quarantined, replay, show
from ingest.site import Site
from ingest.sparkplug import snapshot
from tests.builders.sparkplug import (
    a_device_birth,
    a_json_site,
    a_metric,
    a_node_birth,
    a_site,
    an_arrival,
    device_data,
)

COUNTER = "version: 1\nrules:\n  - {metric: conteo/buenas, is: good_count, role: counter, unit: H87}\n"
CONTEXT = "version: 2\nrules:\n  - {metric: conteo/buenas, is: note, role: context}\n"
MISTYPED = an_arrival("meridian/monterrey/a/cnc_201/conteo", '{"timestamp": 1772323200000, "buenas": "17"}')


def land(home: Path, site: Site, *arrivals: Arrival) -> SiteDecoder:
    decoder = SiteDecoder(site, **({"mapping": load_mapping(site.mapping)} if site.mapping else {}))
    batch = decoder.decode(arrivals, now=0)
    births = json.dumps({site.site_id: snapshot.births(decoder.sessions)}).encode()
    positions = {site.site_id: snapshot.positions(decoder.sessions)}
    Landing(home, collector_id="c").commit([batch.rows], births=births, edge_nodes=positions)
    return decoder


def landed_ids(home: Path) -> list[str]:
    files = [file for manifest in read_manifests(home) for file in manifest.files if file.kind == "messages"]
    return [id_ for file in files for id_ in pq.ParquetFile(home / file.path).read(["message_id"])[0].to_pylist()]


def test_a_mapping_put_right_lets_a_refused_message_in_under_its_own_id(tmp_path: Path) -> None:
    mapping = tmp_path / "monterrey.yaml"
    mapping.write_text(COUNTER, encoding="utf-8")
    site = a_json_site(mapping=mapping)
    land(tmp_path, site, MISTYPED)
    (refused,) = list_quarantined(tmp_path)
    assert (refused.reason, refused.payload, refused.is_landed) == ("mistyped_value", MISTYPED.payload, False)

    assert [r.reason for r in replay(tmp_path, [site]).refused] == ["mistyped_value"]
    mapping.write_text(CONTEXT, encoding="utf-8")
    report = replay(tmp_path, [site])
    assert (report.landed, report.refused) == ((refused.message_id,), ())
    assert landed_ids(tmp_path) == [refused.message_id]
    assert list_quarantined(tmp_path) == []
    assert show(tmp_path, refused.message_id[:6]).is_landed
    assert replay(tmp_path, [site]).landed == ()


def test_an_unknown_alias_is_read_once_its_birth_is_known(tmp_path: Path) -> None:
    site = a_site()
    data = device_data([a_metric(value=5, alias=1)])
    land(tmp_path, site, data)
    land(tmp_path, site, a_node_birth(), a_device_birth([a_metric("Counters/Good", 1, alias=1)]))
    (refused,) = list_quarantined(tmp_path)
    assert replay(tmp_path, [site], message_ids=[refused.message_id]).landed == (refused.message_id,)
    (file,) = [f for f in list(read_manifests(tmp_path))[-1].files if f.kind == "readings"]
    (row,) = pq.ParquetFile(tmp_path / file.path).read().to_pylist()
    assert (row["metric_name"], row["value_double"]) == ("Counters/Good", 5.0)


def test_only_the_named_messages_are_replayed(tmp_path: Path) -> None:
    land(tmp_path, a_site(), device_data([a_metric(value=5, alias=1)]))
    report = replay(tmp_path, [a_site()], message_ids=["0" * 32])
    assert (report.landed, report.refused, report.manifest) == ((), (), None)


def test_an_id_nobody_has_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="list the quarantine"):
        show(tmp_path, "abc")


def test_two_replays_never_run_at_once(tmp_path: Path) -> None:
    """Each begins by removing what the other has not committed yet."""
    with collector_lock(tmp_path, REPLAY_ID), pytest.raises(CollectorLocked):
        replay(tmp_path, [a_site()])

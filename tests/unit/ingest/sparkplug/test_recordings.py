"""What five published clients really sent, decoded whole. The recordings are not part of this repository."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from ingest.arrival import Arrival
from ingest.decoder import SiteDecoder
from tests.builders.sparkplug import a_site

RECORDINGS = Path(os.environ.get("LINESHAFT_SHARED_DATA", Path(__file__).parents[5] / "shared" / "data"))
FILES = sorted((RECORDINGS / "sparkplug" / "recordings").glob("*.jsonl"))

pytestmark = pytest.mark.skipif(not FILES, reason="the recordings of Sparkplug clients are not beside this checkout")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_recorded_message_lands(path: Path) -> None:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    group_id = lines[0]["topic"].split("/")[1]
    arrivals = [Arrival(x["topic"], base64.b64decode(x["raw"]), int(x["t"] * 1_000_000)) for x in lines]
    batch = SiteDecoder(a_site(group_id=group_id)).decode(arrivals, now=0)
    assert batch.rows.quarantine.lists["detail"] == []
    assert len(batch.rows.messages) == len(lines)
    sent = sum(len(x["payload"].get("metrics", ())) for x in lines if "uuid" not in x["payload"])
    assert len(batch.rows.readings) >= sent
    assert {"datatype_drift"}.isdisjoint(",".join(batch.rows.readings.lists["flags"]).split(","))

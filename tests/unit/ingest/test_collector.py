"""ingest.collector: what it does when a batch cannot be written."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ingest.arrival import Arrival
from ingest.collector import _Collector
from ingest.landing import read_manifests
from ingest.lock import Lock
from tests.builders.sparkplug import a_json_site


def test_one_unholdable_message_does_not_stop_the_landing_of_all(tmp_path: Path) -> None:
    async def land() -> None:
        collector = _Collector(
            [a_json_site()], home=tmp_path, collector_id="collector", lock=Lock(tmp_path / "lock", None)
        )
        lane = collector.lanes[0]
        topic = "meridian/monterrey/mecanizado/cnc_201/husillo"
        lane.taken = [
            Arrival(topic, f'{{"timestamp": {1_772_323_200_000 + number}, "a": 1}}'.encode(), 1_772_323_200_000_000)
            for number in range(3)
        ]
        batches = collector._decode()
        batches[0].rows.readings.lists["value_decimal"][0] = 10**60  # as if a reader had let it through
        await collector._commit(batches, asyncio.Event())

    asyncio.run(land())
    (manifest,) = read_manifests(tmp_path)
    assert {file.kind: file.row_count for file in manifest.files} == {"messages": 2, "readings": 2, "quarantine": 1}
    on_disk = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.parquet") if "state" not in path.parts
    }
    assert on_disk == {file.path for file in manifest.files}  # what the failed try had written is gone

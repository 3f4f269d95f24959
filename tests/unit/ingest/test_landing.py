"""ingest.landing: a batch is wholly there or not there."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingest import durable
from ingest import landing as landing_module
from ingest.decoder import SiteDecoder
from ingest.errors import LandingError
from ingest.landing import Landing, read_manifests
from ingest.records import MICROSECONDS_PER_DAY, SiteRows
from ingest.verification import find_fault
from tests.builders.sparkplug import RECEIVED_AT, a_json_site, an_arrival

DAY = RECEIVED_AT // MICROSECONDS_PER_DAY


def rows_of(*events: tuple[int, str], site_id: str = "hamburg") -> SiteRows:
    rows = SiteRows(site_id)
    for day, event_id in events:
        rows.events.append(
            day,
            message_id=event_id * 32,
            site_id=site_id,
            topic="t",
            event_type="work_order",
            event_id=event_id,
            event_at=day * MICROSECONDS_PER_DAY + 5,
            received_at=RECEIVED_AT,
            payload="{}",
            flags="",
        )
    return rows


def test_a_batch_is_cut_by_kind_site_and_day_and_its_manifest_names_each_file(tmp_path: Path) -> None:
    manifest = Landing(tmp_path, collector_id="c").commit([rows_of((DAY, "a"), (DAY + 1, "b"), (DAY, "c"))])
    assert [(f.kind, f.site_id, f.day.isoformat(), f.row_count) for f in manifest.files] == [
        ("events", "hamburg", "2026-03-01", 2),
        ("events", "hamburg", "2026-03-02", 1),
    ]
    first = manifest.files[0]
    assert first.path.startswith("landing/events/site=hamburg/day=2026-03-01/")
    assert first.sha256 == hashlib.sha256((tmp_path / first.path).read_bytes()).hexdigest()
    assert first.min_event_at is not None
    assert first.min_event_at.isoformat() == "2026-03-01T00:00:00.000005+00:00"


def test_manifests_form_a_chain_by_hash(tmp_path: Path) -> None:
    landing = Landing(tmp_path, collector_id="c")
    for event_id in "abc":
        landing.commit([rows_of((DAY, event_id))])
    manifests = list(read_manifests(tmp_path))
    assert [m.previous_sha256 for m in manifests] == [None, manifests[0].sha256, manifests[1].sha256]


def test_the_chain_goes_on_after_a_restart_and_is_each_collectors_own(tmp_path: Path) -> None:
    first = Landing(tmp_path, collector_id="c").commit([rows_of((DAY, "a"))])
    Landing(tmp_path, collector_id="other").commit([rows_of((DAY, "b"))])
    again = Landing(tmp_path, collector_id="c").commit([rows_of((DAY, "c"))])
    assert again.previous_sha256 == first.sha256


def test_reading_manifests_can_start_after_one(tmp_path: Path) -> None:
    landing = Landing(tmp_path, collector_id="c")
    paths = [landing.commit([rows_of((DAY, event_id))]).path for event_id in "abc"]
    assert [m.path for m in read_manifests(tmp_path, after=paths[0])] == paths[1:]


def test_pages_carry_checksums_so_that_a_flipped_bit_is_found(tmp_path: Path) -> None:
    file = Landing(tmp_path, collector_id="c").commit([rows_of((DAY, "a"))]).files[0]
    path = tmp_path / file.path
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(bytes(data))
    fault = find_fault(file, home=tmp_path)
    assert fault is not None
    assert fault.reason == "sha256_mismatch"
    with pytest.raises(OSError, match=r"CRC|checksum|corrupt"):
        pq.ParquetFile(path, page_checksum_verification=True).read()


def test_files_without_a_manifest_are_debris_and_vanish_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = Landing(tmp_path, collector_id="c")
    kept = landing.commit([rows_of((DAY, "a"))], births=b"{}")

    class KilledError(BaseException):
        """The process ends here."""

    def killed(*_args: Any, **_kwargs: Any) -> None:
        raise KilledError

    monkeypatch.setattr(landing_module, "Manifest", killed)
    with pytest.raises(KilledError):
        landing.commit([rows_of((DAY, "b"))], births=b"{}")
    monkeypatch.undo()
    removed = Landing(tmp_path, collector_id="c").remove_debris()
    left = {str(p.relative_to(tmp_path)) for p in (tmp_path / "landing").rglob("*") if p.is_file()}
    assert len(removed) == 2
    assert left == {kept.path, str(kept.births), kept.files[0].path}


def test_the_debris_of_another_collector_is_left_alone(tmp_path: Path) -> None:
    other = Landing(tmp_path, collector_id="other").commit([rows_of((DAY, "a"))])
    (tmp_path / other.path).unlink()
    assert Landing(tmp_path, collector_id="c").remove_debris() == []
    assert (tmp_path / other.files[0].path).exists()


def test_a_refusing_disk_leaves_nothing_behind_and_the_batch_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = Landing(tmp_path, collector_id="c")
    batch = rows_of((DAY, "a"), (DAY + 1, "b"))
    calls: list[Path] = []

    def refuse_the_second(path: Path) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "fsync_directory", refuse_the_second)
    with pytest.raises(LandingError, match="No space left"):
        landing.commit([batch])
    monkeypatch.undo()
    assert [p for p in (tmp_path / "landing").rglob("*") if p.is_file()] == []
    assert landing.commit([batch]).previous_sha256 is None
    assert sum(f.row_count for m in read_manifests(tmp_path) for f in m.files) == 2


def test_the_births_snapshot_belongs_to_the_commit_and_outlives_a_restart(tmp_path: Path) -> None:
    landing = Landing(tmp_path, collector_id="c")
    landing.commit([rows_of((DAY, "a"))], births=b"first")
    landing.commit([rows_of((DAY, "b"))], births=b"second")
    landing.commit([rows_of((DAY, "c"))], edge_nodes={"hamburg": {"line": {"seq": 7}}})
    again = Landing(tmp_path, collector_id="c")
    assert again.births() == b"second"
    assert again.last is not None
    assert again.last.edge_nodes == {"hamburg": {"line": {"seq": 7}}}


def test_an_unreadable_manifest_is_named(tmp_path: Path) -> None:
    manifest = Landing(tmp_path, collector_id="c").commit([rows_of((DAY, "a"))])
    (tmp_path / manifest.path).write_text("{", encoding="utf-8")
    with pytest.raises(LandingError, match="manifest"):
        list(read_manifests(tmp_path))


def test_the_newest_messages_come_last_so_that_they_are_forgotten_last(tmp_path: Path) -> None:
    decoder = SiteDecoder(a_json_site())
    landing = Landing(tmp_path, collector_id="c")
    ids = []
    for value in (1, 2, 3):
        arrival = an_arrival("meridian/monterrey/a/b", f'{{"timestamp": 1772323200000, "x": {value}}}')
        rows = decoder.decode([arrival], now=0).rows
        ids += rows.messages.lists["message_id"]
        landing.commit([rows])
    assert landing.recent_message_ids(2) == ids[1:]

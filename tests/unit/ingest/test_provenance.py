"""ingest.provenance: a billed row is found by the file and row it first landed in, wherever it lies now."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ingest.compaction import Limits, compact
from ingest.errors import LandingError
from ingest.inventory import read_inventory
from ingest.landing import LandedFile
from ingest.manifest_volumes import MANIFESTS
from ingest.provenance import LandedRows
from ingest.retention import expire
from tests.builders.landed import land_messages, message_id

EVERYTHING = Limits(recent_manifests=0, fewest_bound=1000)


def landed(home: Path, *numbers: int) -> list[LandedFile]:
    manifests = [land_messages(home, number) for number in numbers]
    return [file for manifest in manifests for file in manifest.files if file.kind == "readings"]


def merge(home: Path) -> None:
    compact(home, older_than=timedelta(0), limits=EVERYTHING)


def test_a_row_reads_the_same_before_and_after_its_file_was_compacted_twice(tmp_path: Path) -> None:
    files = landed(tmp_path, 1, 2)
    before = LandedRows(tmp_path).file(files[1].path)
    merge(tmp_path)
    landed(tmp_path, 3)
    merge(tmp_path)
    after = LandedRows(tmp_path).file(files[1].path)
    assert (after.sha256, after.sha256) == (before.sha256, files[1].sha256)
    assert after.rows.keys() == before.rows.keys() == {0, 1}
    assert all(after.rows[row].items() >= before.rows[row].items() for row in before.rows)
    assert after.rows[1]["message_id"] == message_id(2)


def test_a_row_of_a_changed_compacted_file_is_not_believed(tmp_path: Path) -> None:
    files = landed(tmp_path, 1, 2)
    merge(tmp_path)
    (holder,) = [file for file in read_inventory(tmp_path).files() if file.kind == "readings"]
    data = bytearray((tmp_path / holder.path).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / holder.path).write_bytes(bytes(data))
    with pytest.raises(LandingError, match="SHA-256"):
        LandedRows(tmp_path).file(files[0].path)


def test_a_row_whose_manifests_are_no_whole_chain_is_not_believed(tmp_path: Path) -> None:
    files = landed(tmp_path, 1, 2, 3)
    merge(tmp_path)
    first = min((tmp_path / MANIFESTS).glob("*.json"))
    first.unlink()
    with pytest.raises(LandingError, match="a manifest is missing or has changed"):
        LandedRows(tmp_path).file(files[1].path)


@pytest.mark.parametrize(
    "path", ["landing/readings/site=x/day=2026-03-01/1-a.parquet", "../../etc/passwd", "/etc/passwd"]
)
def test_a_file_that_never_landed_is_nowhere(tmp_path: Path, path: str) -> None:
    landed(tmp_path, 1)
    with pytest.raises(LandingError, match="not in the landing zone"):
        LandedRows(tmp_path).file(path)


def test_a_file_that_was_let_go_is_nowhere(tmp_path: Path) -> None:
    (file,) = landed(tmp_path, 1)
    expire(tmp_path, keep_days={"readings": 1}, is_needed=lambda _: False)
    with pytest.raises(LandingError, match="not in the landing zone"):
        LandedRows(tmp_path).file(file.path)

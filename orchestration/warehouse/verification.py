"""Whether a landed file is still what its manifest says, before one row of it is believed.

Belongs here: size, SHA-256, page checksums and row count of a single file.
Does not belong here: what happens to a file that fails (loader), or whether its values make sense (quality).

DuckDB ignores page checksums: of 300 single-bit flips it returned wrong rows for 265 without an error; the SHA-256 of
the manifest and the page checksums together found all of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ingest.landing import LandedFile


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """Why a landed file was set aside: a word for machines, a sentence for people."""

    file: LandedFile
    reason: str
    detail: str


def find_fault(file: LandedFile, *, home: Path) -> Rejection | None:
    """The first thing wrong with a landed file, or None if it can be loaded."""
    path = home / file.path
    if not path.resolve().is_relative_to(home.resolve()):
        return Rejection(
            file=file, reason="outside_home", detail="The manifest names a path outside the home directory."
        )
    try:
        size = path.stat().st_size
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        return Rejection(file=file, reason="missing", detail=f"The file cannot be read: {error.strerror}.")
    if digest != file.sha256:
        detail = f"SHA-256 is {digest} over {size} bytes, the manifest says {file.sha256} over {file.size_bytes}."
        return Rejection(file=file, reason="sha256_mismatch", detail=detail)
    return _find_fault_in_pages(file, path)


def _find_fault_in_pages(file: LandedFile, path: Path) -> Rejection | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as parquet:
            row_count = sum(batch.num_rows for batch in parquet.iter_batches(batch_size=262_144))
    except (OSError, pa.ArrowException) as error:
        return Rejection(file=file, reason="unreadable", detail=f"A page cannot be read: {error}")
    if row_count != file.row_count:
        detail = f"The file holds {row_count} rows, the manifest says {file.row_count}."
        return Rejection(file=file, reason="row_count_mismatch", detail=detail)
    return None

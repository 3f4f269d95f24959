"""Files and names that outlive a power cut.

Belongs here: write beside, fsync, rename, fsync the directory; directories whose own names are durable.
Does not belong here: which files there are, or what they mean (landing, manifest_volumes, current_state).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pyarrow as pa


def make_directory(path: Path) -> None:
    """A directory whose name survives a power cut: each parent that gained an entry is fsynced."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        directory.mkdir(exist_ok=True)
        fsync_directory(directory.parent)


def fsync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes | pa.Buffer) -> str:
    """Replace one file so that a reader sees the old or the new bytes; returns their SHA-256."""
    return write_durably(path, data, [])


def write_durably(path: Path, data: bytes | pa.Buffer, written: list[Path]) -> str:
    """The same; `written` gains the name under which the file lies at any moment, for whoever must take it back."""
    part = path.with_name(f".{path.name}.part")
    written.append(part)
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    written[-1] = path
    fsync_directory(path.parent)
    return hashlib.sha256(data).hexdigest()

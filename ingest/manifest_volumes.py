"""Old manifests bound into volumes: the same bytes under the same names, in few files instead of many.

Belongs here: volumes, which manifest lies where, and moving manifests into a volume so that no kill loses one.
Does not belong here: what a manifest says (landing), or what it puts out of force (inventory).

A collector commits a manifest about every second, 86,400 a day; a directory of millions of files is slow to list, to
back up and to copy. A volume is one compressed file of JSON lines, each with a manifest's name, its text and the
SHA-256 over both: the hash chain still verifies, and a flipped bit is found. A volume is durable and read back before
the first single file goes; a name that is found twice after a kill is the same manifest twice.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from ingest.durable import make_directory, write_atomically
from ingest.errors import LandingError, disk_trouble_told

MANIFESTS = Path("landing/manifest")
VOLUMES = MANIFESTS / "volumes"
VOLUME_SUFFIX = ".jsonl.zst"
MANIFESTS_A_VOLUME = 10_000
_UNREAD = "nothing is changed, try again when it can be read"


def list_manifest_names(home: Path) -> tuple[str, ...]:
    """The names of all manifests, bound or single, in their order."""
    # Single files first: whatever is bound between the two looks is then found in the volume.
    with disk_trouble_told(home / MANIFESTS, consequence=_UNREAD):
        names = set(_single_names(home))
        for volume in _volumes(home):
            names.update(_names_in(volume))
        return tuple(sorted(names))


def list_single_names(home: Path) -> list[str]:
    """The names of manifests that are files of their own, in their order."""
    with disk_trouble_told(home / MANIFESTS, consequence=_UNREAD):
        return sorted(_single_names(home))


def read_manifest_texts(home: Path, *, after: str = "") -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every manifest in the order of names; `after` skips up to and including that name.

    Raises:
        LandingError: a volume, or a manifest in it, is not what was written, or cannot be read.
    """
    with disk_trouble_told(home / MANIFESTS, consequence=_UNREAD):
        singles = set(_single_names(home))
        bound = {name: volume for volume in _volumes(home) for name in _names_in(volume)}
        current: Path | None = None
        texts: dict[str, bytes] = {}
        for name in sorted(singles | bound.keys()):
            if name <= after:
                continue
            volume = bound.get(name)
            if volume is None:
                try:
                    yield name, (home / MANIFESTS / name).read_bytes()
                    continue
                except FileNotFoundError:  # bound since we looked
                    volume = next((each for each in _volumes(home) if name in _names_in(each)), None)
                    if volume is None:
                        raise
            if volume != current:
                current, texts = volume, read_volume(volume)
            yield name, texts[name]


def bind(home: Path, names: Iterable[str]) -> list[Path]:
    """Move these single manifests into volumes; returns the new ones. To be called by one process at a time.

    Raises:
        OSError: the disk refuses; every manifest is then still where it was, or bound, or both.
    """
    waiting = sorted(names)
    made = []
    for start in range(0, len(waiting), MANIFESTS_A_VOLUME):
        part = waiting[start : start + MANIFESTS_A_VOLUME]
        entries = [(name, (home / MANIFESTS / name).read_bytes()) for name in part]
        make_directory(home / VOLUMES)
        # Named after its first manifest, which lies in no other volume. Without its hyphen, so that no collector
        # takes the volume for a file of its own that was never committed.
        path = home / VOLUMES / f"{part[0].removesuffix('.json').replace('-', '_')}{VOLUME_SUFFIX}"
        write_atomically(path, _compressed(entries))
        if read_volume(path) != dict(entries):
            raise LandingError(f"{path} does not read back as it was written: look at the disk", path=path)
        made.append(path)
        for name in part:
            (home / MANIFESTS / name).unlink(missing_ok=True)
    return made


def remove_bound_singles(home: Path) -> int:
    """Unlink manifests that a volume holds already, and unfinished volumes: what a kill while binding leaves."""
    for debris in (home / VOLUMES).glob(".*.part"):
        debris.unlink(missing_ok=True)
    singles = set(_single_names(home))
    removed = 0
    for volume in _volumes(home):
        twice = singles.intersection(_names_in(volume))
        texts = read_volume(volume) if twice else {}
        for name in twice:
            with suppress(FileNotFoundError):
                if (home / MANIFESTS / name).read_bytes() == texts[name]:
                    (home / MANIFESTS / name).unlink()
                    removed += 1
    return removed


def read_volume(path: Path) -> dict[str, bytes]:
    """The bytes of each manifest of one volume, by name.

    Raises:
        LandingError: the volume, or one manifest in it, is not what was written.
    """
    try:
        with pa.input_stream(str(path), compression="zstd") as stream:
            entries = [json.loads(line) for line in stream.read().splitlines()]
        texts = {entry["name"]: entry["text"].encode() for entry in entries}
        is_sound = all(_digest(entry["name"], entry["text"].encode()) == entry["sha256"] for entry in entries)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
        raise _unreadable(path) from error
    if not is_sound:
        raise _unreadable(path)
    return texts


def _unreadable(path: Path) -> LandingError:
    return LandingError(f"{path} is no readable volume of manifests: restore it from a backup", path=path)


def _compressed(entries: list[tuple[str, bytes]]) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        for name, text in entries:
            entry = {"name": name, "sha256": _digest(name, text), "text": text.decode()}
            stream.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
    return sink.getvalue()


def _digest(name: str, text: bytes) -> str:
    return hashlib.sha256(name.encode() + b"\0" + text).hexdigest()


def _single_names(home: Path) -> Iterator[str]:
    with suppress(FileNotFoundError), os.scandir(home / MANIFESTS) as entries:
        for entry in entries:
            if entry.name.endswith(".json") and not entry.name.startswith("."):
                yield entry.name


def _volumes(home: Path) -> list[Path]:
    return sorted((home / VOLUMES).glob(f"[!.]*{VOLUME_SUFFIX}"))


def _names_in(volume: Path) -> frozenset[str]:
    status = volume.stat()
    return _read_names(volume, status.st_ino, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _read_names(volume: Path, inode: int, modified_ns: int) -> frozenset[str]:  # noqa: ARG001 - parts of the key
    """A volume never changes, so it is opened once for its names; another one under its name is another file."""
    return frozenset(read_volume(volume))

"""Which landed files are in force, and where the rows of those that no longer are lie now.

Belongs here: reading all manifests as one: files named, less files replaced. Does not belong here: replacing files
(compaction, retention), checking one (verification).

A row keeps for ever the file and row it first landed in; a compacted file carries both beside each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.landing import LandedFile, Manifest, ReplacedFile, read_manifests

ORIGIN_FILE, ORIGIN_ROW = "origin_file", "origin_row"
"""The columns of a compacted file that say where each row first landed: path relative to home, row from 0."""


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """Why a file is no longer in force: the manifest that says so, and the file that holds its rows, if any does."""

    file: ReplacedFile
    manifest: Manifest
    by: LandedFile | None


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """Every file the manifests name, in force or replaced."""

    batches: dict[str, tuple[LandedFile, ...]]
    """The files in force, by the name of their manifest, oldest first; every manifest has an entry."""
    replaced: dict[str, Replacement]
    """What is out of force, by path."""

    def files(self) -> Iterator[LandedFile]:
        """The files in force."""
        for files in self.batches.values():
            yield from files

    def holder(self, path: str) -> LandedFile | None:
        """The file in force that now holds the rows of a replaced one; None if none does."""
        found: LandedFile | None = None
        while path in self.replaced:
            found = self.replaced[path].by
            if found is None:
                return None
            path = found.path
        return found


def read_inventory(home: Path) -> Inventory:
    """What the manifests of a home come to; a file no manifest names is debris and does not appear."""
    return take_inventory(read_manifests(home))


def take_inventory(manifests: Iterable[Manifest]) -> Inventory:
    """What these manifests come to, given in the order of their names."""
    ordered = list(manifests)
    origins: dict[str, tuple[ReplacedFile, ...]] = {}
    replaced: dict[str, Replacement] = {}
    for manifest in ordered:
        if not manifest.replaces:
            continue
        holder = None
        if manifest.files:
            first = tuple(origin for each in manifest.replaces for origin in origins.get(each.path, (each,)))
            ordered_origins = tuple(sorted(first, key=lambda origin: origin.path))
            holder = manifest.files[0].model_copy(update={"origins": ordered_origins})
            origins[holder.path] = ordered_origins
        for each in manifest.replaces:
            replaced[each.path] = Replacement(file=each, manifest=manifest, by=holder)
    batches = {
        Path(manifest.path).name: tuple(
            file.model_copy(update={"origins": origins[file.path]}) if file.path in origins else file
            for file in manifest.files
            if file.path not in replaced
        )
        for manifest in ordered
    }
    return Inventory(batches=batches, replaced=replaced)


def first_origin(file: LandedFile) -> str:
    """The smallest path among the files whose rows this one holds: its place in the order of landing."""
    return file.origins[0].path if file.origins else file.path


def last_origin(file: LandedFile) -> str:
    """The greatest path among the files whose rows this one holds."""
    return file.origins[-1].path if file.origins else file.path

"""Many small landed files into few large ones; no row is lost, doubled or moved from where it first landed.

Belongs here: which files are merged, merging them, and deleting what is replaced, in that order.
Does not belong here: what is too old to keep (retention), the warehouse.

A collector lands a file for each kind, site and day about every second. Merged by kind, site and day and sorted as the
warehouse's windows read them, a day is a handful of files. The order is the contract: each small file is verified
against its manifest, the merged file is durable, a manifest that names it and what it replaces is durable; only then
are the small files unlinked. Killed in between, the next run unlinks what is left. A file that fails its verification
is left alone and reported.

Manifests are bound into volumes the same way (manifest_volumes).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow as pa

from ingest import manifest_volumes
from ingest.errors import disk_trouble_told
from ingest.inventory import ORIGIN_FILE, ORIGIN_ROW, Inventory, first_origin, last_origin, read_inventory
from ingest.landing import LandedFile, Landing, stamp_of
from ingest.records import SORT_KEYS, Kind
from ingest.verification import Fault, find_fault, read_sound_file

COMPACTOR_ID = "compaction"
"""The collector id that files are replaced under; its manifests form a chain of their own."""

_TABLES_AT_ONCE = 250
"""A table of a few rows takes 30 kB whatever it holds: so many are joined before the next are read."""
COMPACTED, EXPIRED = "compacted", "expired"
"""Reasons of a manifest that replaces files."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How large a merged file may become, and what is too fresh to be touched."""

    row_count: int = 1_000_000
    """A pack is sorted in memory: a million readings take some 0.5 GB."""
    size_bytes: int = 256_000_000
    file_count: int = 10_000
    """Its manifest names each file that it replaces."""
    recent_manifests: int = 100
    """The newest of each collector stay as they are: a starting collector reads them to know a redelivery."""
    fewest_bound: int = 100
    """Fewer old manifests than this are not worth a volume."""


@dataclass(frozen=True, kw_only=True)
class CompactionReport:
    """What one run did, or would do."""

    merged_file_count: int = 0
    new_file_count: int = 0
    row_count: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    leftover_count: int = 0
    bound_manifest_count: int = 0
    faults: tuple[Fault, ...] = ()


def compact(
    home: Path, *, older_than: timedelta, now_ns: int | None = None, limits: Limits | None = None
) -> CompactionReport:
    """Merge what landed longer ago than `older_than`, and bind its manifests.

    Raises:
        CollectorLocked: another compaction runs on this home.
        LandingError: the disk refuses; nothing is lost, and the next run goes on from there.
    """
    limits = limits or Limits()
    before = (time.time_ns() if now_ns is None else now_ns) - int(older_than.total_seconds() * 1e9)
    with replacing(home) as landing:
        inventory = read_inventory(home)
        leftover_count = remove_leftovers(home, inventory)
        report = CompactionReport(leftover_count=leftover_count)
        for pack in choose_packs(inventory, before=before, limits=limits):
            report = _merge(landing, pack, report)
        bound = bindable_manifests(home, before=before, limits=limits)
        manifest_volumes.bind(home, bound)
    return _with(report, bound_manifest_count=len(bound))


def plan_compaction(
    home: Path, *, older_than: timedelta, now_ns: int | None = None, limits: Limits | None = None
) -> CompactionReport:
    """What `compact` would do now, as far as that can be said without reading the files; changes nothing."""
    limits = limits or Limits()
    before = (time.time_ns() if now_ns is None else now_ns) - int(older_than.total_seconds() * 1e9)
    packs = list(choose_packs(read_inventory(home), before=before, limits=limits))
    return CompactionReport(
        merged_file_count=sum(len(pack) for pack in packs),
        new_file_count=len(packs),
        row_count=sum(file.row_count for pack in packs for file in pack),
        bytes_before=sum(file.size_bytes for pack in packs for file in pack),
        bound_manifest_count=len(bindable_manifests(home, before=before, limits=limits)),
    )


@contextmanager
def replacing(home: Path) -> Iterator[Landing]:
    """The pen that replaces files; one process holds it at a time. What a killed holder left unfinished is removed."""
    from ingest.lock import collector_lock

    consequence = "nothing is lost, run it again when this works"
    with disk_trouble_told(home, consequence=consequence), collector_lock(home, COMPACTOR_ID):
        landing = Landing(home, collector_id=COMPACTOR_ID)
        landing.remove_debris()
        manifest_volumes.remove_bound_singles(home)
        yield landing


def choose_packs(inventory: Inventory, *, before: int, limits: Limits) -> Iterator[list[LandedFile]]:
    """The files to merge, pack by pack: of one kind, site and day, neighbours in the order of landing.

    `before` (ns since 1970 UTC): what landed later is left alone. A file that is half full already is left as it is,
    and parts the packs before and behind it.
    """
    groups: dict[tuple[str, str, str], list[LandedFile]] = {}
    recent = _recent(inventory.batches, limits.recent_manifests)
    for name, files in inventory.batches.items():
        for file in files:
            if (file.origins or name not in recent) and stamp_of(last_origin(file)) < before:
                groups.setdefault((file.kind, file.site_id, file.day.isoformat()), []).append(file)
    for _, group in sorted(groups.items()):
        yield from _packs(sorted(group, key=first_origin), limits)


def remove_leftovers(home: Path, inventory: Inventory) -> int:
    """Unlink replaced files that are still there; those whose rows lie nowhere else in good order are kept."""
    left: dict[str, list[Path]] = {}
    for root in (home / "landing", home / "quarantine"):
        for path in root.glob("**/site=*/day=*/*.parquet"):
            name = path.relative_to(home).as_posix()
            if name in inventory.replaced:
                holder = inventory.holder(name)
                left.setdefault(holder.path if holder else "", []).append(path)
    holders = {file.path: file for file in inventory.files()}
    removed = 0
    for holder_path, paths in left.items():
        if holder_path and find_fault(holders[holder_path], home=home) is not None:
            continue
        removed += unlink_all(paths)
    return removed


def unlink_all(paths: Iterable[Path]) -> int:
    """Delete files that are no longer in force; returns how many."""
    removed = 0
    for path in paths:
        path.unlink(missing_ok=True)
        removed += 1
    return removed


def bindable_manifests(home: Path, *, before: int, limits: Limits) -> list[str]:
    """Single manifests old enough for a volume; none if they are too few to be worth one."""
    names = manifest_volumes.list_single_names(home)
    recent = _recent(names, max(limits.recent_manifests, 1))  # a chain goes on from its newest
    old = [name for name in names if stamp_of(name) < before and name not in recent]
    return old if len(old) >= limits.fewest_bound else []


def merge_tables(tables: Iterable[pa.Table], *, kind: Kind) -> pa.Table | None:
    """The rows of tables with their origins in the kind's order; None if there is no table."""
    import pyarrow.compute as pc

    parts, few = [], []
    for table in tables:
        few.append(table)
        if len(few) == _TABLES_AT_ONCE:
            parts.append(pa.concat_tables(few, promote_options="default").combine_chunks())
            few.clear()
    if not parts and not few:
        return None
    merged = pa.concat_tables([*parts, *few], promote_options="default")
    order = [(key, "ascending") for key in (*SORT_KEYS[kind], ORIGIN_FILE, ORIGIN_ROW)]
    return merged.take(pc.sort_indices(merged, sort_keys=order))


def with_origins(file: LandedFile, table: pa.Table) -> pa.Table:
    """The rows of a file, each with the file and row it first landed in; a compacted file has them already."""
    import numpy as np

    if file.origins:
        return table
    names = pa.repeat(pa.scalar(file.path), table.num_rows)
    numbers = pa.array(np.arange(table.num_rows, dtype=np.int64))
    return table.append_column(ORIGIN_FILE, names).append_column(ORIGIN_ROW, numbers)


def _merge(landing: Landing, pack: list[LandedFile], report: CompactionReport) -> CompactionReport:
    sound: list[LandedFile] = []
    faults: list[Fault] = []

    def tables() -> Iterator[pa.Table]:
        for file in pack:
            found = read_sound_file(file, home=landing.home)
            if isinstance(found, Fault):
                faults.append(found)
            else:
                sound.append(file)
                yield with_origins(file, found)

    rows = merge_tables(tables(), kind=pack[0].kind)
    report = _with(report, faults=(*report.faults, *faults))
    if rows is None or len(sound) < 2:
        return report
    manifest = landing.replace(sound, reason=COMPACTED, rows=rows)
    unlink_all(landing.home / file.path for file in sound)
    return _with(
        report,
        merged_file_count=report.merged_file_count + len(sound),
        new_file_count=report.new_file_count + 1,
        row_count=report.row_count + rows.num_rows,
        bytes_before=report.bytes_before + sum(file.size_bytes for file in sound),
        bytes_after=report.bytes_after + manifest.files[0].size_bytes,
    )


def _packs(files: list[LandedFile], limits: Limits) -> Iterator[list[LandedFile]]:
    pack: list[LandedFile] = []
    row_count = size_bytes = 0
    for file in files:
        is_full = file.row_count * 2 >= limits.row_count or file.size_bytes * 2 >= limits.size_bytes
        fits = (
            len(pack) < limits.file_count
            and row_count + file.row_count <= limits.row_count
            and size_bytes + file.size_bytes <= limits.size_bytes
        )
        if is_full or not fits:
            if len(pack) > 1:
                yield pack
            pack, row_count, size_bytes = [], 0, 0
        if not is_full:
            pack.append(file)
            row_count += file.row_count
            size_bytes += file.size_bytes
    if len(pack) > 1:
        yield pack


def _recent(names: Iterable[str], count: int) -> set[str]:
    """The newest manifests of each collector; the first eight digits of a name's second part tell them apart."""
    found: dict[str, list[str]] = {}
    for name in sorted(names, reverse=True):
        own = found.setdefault(name.partition("-")[2][:8], [])
        if len(own) < count:
            own.append(name)
    return {name for own in found.values() for name in own}


def _with(report: CompactionReport, **changes: object) -> CompactionReport:
    from dataclasses import replace

    return replace(report, **changes)  # type: ignore[arg-type]

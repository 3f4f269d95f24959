"""How long landed files are kept, and letting go of those whose time is over.

Belongs here: which files are past their time, and putting them out of force before they are deleted.
Does not belong here: which of them are still needed: whoever asks knows the warehouse and the invoices.

The default is to keep everything. What is let go cannot be loaded again: a warehouse that is built anew begins with the
oldest day that is kept. The manifests stay, so that the chain and the digests of what was there do too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ingest.compaction import EXPIRED, replacing, unlink_all
from ingest.inventory import read_inventory
from ingest.landing import LandedFile
from ingest.records import Kind


@dataclass(frozen=True, kw_only=True)
class RetentionReport:
    """What was let go, and what is past its time and kept all the same."""

    expired_file_count: int = 0
    row_count: int = 0
    size_bytes: int = 0
    kept_file_count: int = 0


def choose_expired(
    files: Iterable[LandedFile], *, keep_days: Mapping[Kind, int], today: date
) -> tuple[LandedFile, ...]:
    """The files whose UTC day lies more than their kind's number of days back; kinds without a number are kept."""
    return tuple(
        file for file in files if file.kind in keep_days and file.day < today - timedelta(days=keep_days[file.kind])
    )


def expire(
    home: Path,
    *,
    keep_days: Mapping[Kind, int],
    is_needed: Callable[[str], bool],
    today: date | None = None,
    is_dry_run: bool = False,
) -> RetentionReport:
    """Delete files past their time, unless `is_needed` says otherwise of one path that they (first) landed under.

    Raises:
        CollectorLocked: a compaction runs on this home.
        LandingError: the disk refuses; files not yet deleted are deleted by the next run.
    """
    today = today or datetime.now(UTC).date()
    chosen = choose_expired(read_inventory(home).files(), keep_days=keep_days, today=today)
    free = [file for file in chosen if not any(is_needed(name) for name in _landed_as(file))]
    report = RetentionReport(
        expired_file_count=len(free),
        row_count=sum(file.row_count for file in free),
        size_bytes=sum(file.size_bytes for file in free),
        kept_file_count=len(chosen) - len(free),
    )
    if is_dry_run or not free:
        return report
    with replacing(home) as landing:
        in_force = {file.path for file in read_inventory(home).files()}  # a compaction may have run since we looked
        free = [file for file in free if file.path in in_force]
        if free:
            landing.replace(free, reason=EXPIRED)
            unlink_all(home / file.path for file in free)
    return report


def _landed_as(file: LandedFile) -> list[str]:
    return [origin.path for origin in file.origins] or [file.path]

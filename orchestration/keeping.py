"""Keeping the landing zone small: compaction and retention with what only a deployment knows.

Belongs here: which landed files the warehouse and the invoices still need. Does not belong here: merging or deleting
(ingest.compaction, ingest.retention).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestration.settings import Deployment

if TYPE_CHECKING:
    from ingest.compaction import CompactionReport
    from ingest.records import Kind
    from ingest.retention import RetentionReport

OLDER_THAN = timedelta(hours=1)
"""By default a file is an hour old before it is merged: sensors have seen its batch."""


@dataclass(frozen=True, kw_only=True)
class KeepingReport:
    """What one run did, or would do; `retention` is None where everything is kept."""

    compaction: CompactionReport
    retention: RetentionReport | None


def keep_landing(
    deployment: Deployment,
    *,
    older_than: timedelta = OLDER_THAN,
    keep_days: Mapping[Kind, int] | None = None,
    is_dry_run: bool = False,
) -> KeepingReport:
    """Compact what is old enough, then let go of what is past its time; `keep_days` wins over lineshaft.yaml.

    Raises:
        CollectorLocked: another run is at work.
        LandingError: the disk refuses.
        NotReadyError: something is past its time, and another process has the warehouse open.
    """
    from ingest.compaction import compact, plan_compaction
    from ingest.retention import expire

    run = plan_compaction if is_dry_run else compact
    compaction = run(deployment.home, older_than=older_than)
    keep_days = deployment.keep_days if keep_days is None else keep_days
    retention = None
    if keep_days:
        needed = _Needed(deployment)
        retention = expire(deployment.home, keep_days=keep_days, is_needed=needed.is_needed, is_dry_run=is_dry_run)
    return KeepingReport(compaction=compaction, retention=retention)


class _Needed:
    """Asked about the first file past its time, it looks once: at the ledger, and at the evidence of every invoice."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._known: tuple[set[str], set[str]] | None = None

    def is_needed(self, landed_file: str) -> bool:
        """Whether the warehouse has yet to load the file, or an invoice's evidence names it."""
        if self._known is None:
            self._known = (_loaded_files(self._deployment), _evidence_files(self._deployment))
        loaded, evidence = self._known
        return landed_file not in loaded or landed_file in evidence


def _loaded_files(deployment: Deployment) -> set[str]:
    from orchestration.warehouse.schema import open_warehouse

    if not deployment.warehouse_path.exists():
        return set()
    with open_warehouse(deployment.warehouse_path) as connection:
        return {name for (name,) in connection.execute("select landed_file from raw.loaded_file").fetchall()}


def _evidence_files(deployment: Deployment) -> set[str]:
    """Drafts too: a draft may be issued tomorrow."""
    from models.billing.invoicing import list_evidence_files
    from orchestration.billing.proof import operations

    with operations(deployment) as session:
        return set(list_evidence_files(session))

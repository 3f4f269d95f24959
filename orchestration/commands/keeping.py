"""`lineshaft compact`: small files into large ones, and what is past its time let go."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from orchestration.commands.console import Json, print_json, say


def compact(
    older_than: Annotated[
        float, typer.Option("--older-than", min=0, help="Leave alone what landed within so many hours.")
    ] = 1.0,
    keep_days: Annotated[
        int | None,
        typer.Option("--keep-days", min=1, help="Delete what is older, of every kind. Default: lineshaft.yaml's."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Merge small landed files by site and day, bind old manifests, and let go of what is past its time.

    Safe beside a running collector and a build, and at any kill: a file is deleted only after what replaces it is
    durable. Files that the warehouse has not loaded, or that an invoice's evidence names, are never let go.
    """
    from ingest.records import KINDS
    from orchestration.errors import BuildError
    from orchestration.keeping import keep_landing
    from orchestration.settings import load_deployment

    report = keep_landing(
        load_deployment(),
        older_than=timedelta(hours=older_than),
        keep_days=None if keep_days is None else dict.fromkeys(KINDS, keep_days),
        is_dry_run=dry_run,
    )
    done, retained = report.compaction, report.retention
    if as_json:
        print_json({"compaction": done, "retention": retained, "is_dry_run": dry_run})
    else:
        would, bound = ("Would merge", "to bind") if dry_run else ("Merged", "bound")
        size = "" if dry_run else f", {done.bytes_before / 1e6:,.1f} MB into {done.bytes_after / 1e6:,.1f} MB"
        say(
            f"{would} {done.merged_file_count:,} files ({done.row_count:,} rows) into {done.new_file_count:,}{size}; "
            f"{done.bound_manifest_count:,} manifests {bound}."
        )
        if retained is not None:
            say(
                f"{'Would let go of' if dry_run else 'Let go of'} {retained.expired_file_count:,} files "
                f"({retained.size_bytes / 1e6:,.1f} MB); kept {retained.kept_file_count:,} that are past their time "
                "and still needed."
            )
        for fault in done.faults:
            say(f"left alone: {fault.file.path} ({fault.reason}: {fault.detail})")
    if done.faults:
        raise BuildError(
            f"{len(done.faults):,} landed files are not what their manifests say: restore them from a backup."
        )

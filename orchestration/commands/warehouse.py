"""`lineshaft build`, `share` and `publish`: from the landing zone outwards."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from orchestration.commands.console import Json, print_json, print_table, progress, say


def build(
    force: Annotated[bool, typer.Option("--force", help="Build although nothing has changed.")] = False,
    as_json: Json = False,
) -> None:
    """Bring everything up to date once, without a web server: load, model, predict, check, publish, share.

    Nothing is done when neither landed files nor configuration nor the dbt project has changed. Invoices are never
    issued by a build.
    """
    from orchestration.build import build as run
    from orchestration.settings import load_deployment

    with progress("build") as report:
        built = run(load_deployment(), force=force, on_progress=report)
    if as_json:
        print_json(built)
        return
    if built.is_up_to_date:
        say("Up to date: nothing has landed and nothing was configured since the last build.")
        return
    if built.loaded:
        print_table(
            ("loaded", "files", "rows", "of them removed as redelivered"),
            [
                (kind, each.file_count, each.row_count, each.redelivered_row_count)
                for kind, each in built.loaded.items()
            ],
        )
    for path, reason in built.rejected_files.items():
        say(f"set aside: {path} ({reason})")
    for check in built.failed_checks:
        say(f"check does not hold: {check.asset} {check.name}")
    say(
        f"Built {built.materialized_count} assets in {built.seconds:,.0f} s; "
        f"{built.passed_check_count} checks hold, {len(built.failed_checks)} do not."
    )


def share(as_json: Json = False) -> None:
    """Write the partner feeds now: Parquet, CSV and a manifest for each partner, with its rows and no others."""
    from orchestration.feeds.publication import publish_feed
    from orchestration.outward import FEEDS, marts
    from orchestration.settings import load_deployment

    deployment = load_deployment()
    with progress("share") as report, marts(deployment) as connection:
        report("writing the feeds", 0.1)
        written = [
            (model, each)
            for model in FEEDS
            for each in publish_feed(connection, model=model, directory=deployment.feeds)
        ]
    if as_json:
        print_json([{"feed": model, **asdict(each)} for model, each in written])
        return
    print_table(
        ("feed", "partner", "rows", "", "where"),
        [
            (model, each.party_id, each.row_count, "new" if each.is_new else "unchanged", each.path)
            for model, each in written
        ],
    )


def publish(as_json: Json = False) -> None:
    """Publish the read-only serving copy of the marts, the file that BI tools open, in one swap."""
    from orchestration.outward import publish_marts
    from orchestration.settings import load_deployment

    with progress("publish") as report:
        report("copying the marts", 0.1)
        done = publish_marts(load_deployment())
    if as_json:
        print_json(asdict(done))
        return
    news = "published" if done.is_new else "unchanged"
    say(f"{done.path}: {news}, generation {done.generation}, {done.table_count} tables, {done.row_count:,} rows.")

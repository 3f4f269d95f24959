"""`lineshaft demo`: the whole line on a machine with nothing installed but Python."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.commands.console import print_table, progress, say

if TYPE_CHECKING:
    from orchestration.demonstration import Demonstration


def demo(
    days: Annotated[
        int | None, typer.Option("--days", min=35, help="Play only so many of the scenario's days; March needs 35.")
    ] = None,
) -> None:
    """Run a simulated enterprise end to end: three sites, 14 machines, 37 days, March invoiced. No server needed.

    A broker, a collector and the plant run as processes of their own; then everything is built and March is invoiced.
    Run it again: it changes nothing and says so. State lies in .lineshaft (or --home).
    """
    from orchestration.demonstration import demonstrate
    from orchestration.errors import BuildError
    from orchestration.settings import load_deployment

    started = time.monotonic()
    deployment = load_deployment()
    with progress("demo") as report:
        done = demonstrate(deployment, days=days, on_progress=report)
    _print(done, home=deployment.home, seconds=time.monotonic() - started)
    if not done.account.balances:
        raise BuildError(
            "The account of messages does not balance: something was lost or doubled, or this home holds messages of "
            "another scenario too; `lineshaft --home` with a new directory tells."
        )


def _print(done: Demonstration, *, home: Path, seconds: float) -> None:
    account = done.account
    say("\nMessages")
    twice = f" ({account.published_twice:,} of them twice)" if account.published_twice else ""
    say(f"  published    {account.published:>9,}{twice}")
    say(f"  landed       {account.landed:>9,}")
    say(f"  quarantined  {account.quarantined:>9,}")
    say(f"  doubled      {account.doubled:>9,}")
    sign = "=" if account.balances else "≠"
    say(f"  {account.distinct:,} published {sign} {account.landed:,} landed + {account.quarantined:,} quarantined\n")
    print_table(
        ("site", "availability", "effectiveness", "quality", "OEE"),
        [
            (
                each.site_id,
                *(
                    _percent(value)
                    for value in (each.availability_ratio, each.effectiveness_ratio, each.quality_ratio, each.oee_ratio)
                ),
            )
            for each in done.performance
        ],
        title="OEE per site (ISO 22400, ratios of sums)",
    )
    print_table(
        ("physical asset", "work unit", "remaining life", "90 % band"),
        [
            (
                each.physical_asset_id,
                each.work_unit_id,
                f"{each.remaining_life_h:,.0f} h" if each.remaining_life_h is not None else "–",
                f"{each.lower_h:,.0f} to {each.upper_h:,.0f} h" if each.lower_h is not None else "–",
            )
            for each in done.at_risk
        ],
        title=f"Machines at risk ({len(done.at_risk)})",
    )
    totals = " + ".join(f"{amount:,.2f} {currency}" for currency, amount in done.totals.items())
    numbers = [each.invoice.invoice_number for each in done.issued]
    if numbers:
        say(f"Invoices for March 2026: {len(numbers)} issued ({numbers[0]} to {numbers[-1]}), {totals} payable")
    else:
        say("Invoices for March 2026: none; `lineshaft invoice draft 2026-03` says why")
    say(f"  PDF with embedded EN 16931 XML, and the XML beside it: {_near(home / 'invoices')}")
    say(f"  partner feeds: {_near(home / 'feeds')}    serving copy for BI: {_near(home / 'serving')}\n")
    if done.changed:
        say(f"Done in {seconds:,.0f} s. Run it again: it will change nothing.")
    else:
        say(f"Nothing changed: the plant was played, built and invoiced before ({seconds:,.0f} s).")
    command = _command(home)
    say("\nNext, try")
    about_invoices = [
        (f"{command} invoice show {each.invoice.invoice_number}", "every line with the two readings it came from")
        for each in done.issued[:1]
    ] + [
        (f"{command} invoice verify {_near(each.pdf)}", "prove an invoice from its PDF alone")
        for each in done.issued[:1]
    ]
    for words, why in (*about_invoices, (f"{command} state 'hamburg/#'", "the namespace as it stands")):
        say(f"  {words}\n      {why}")


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1%}"


def _command(home: Path) -> str:
    """How this command is typed here, for this home."""
    local = Path(".venv/bin/lineshaft")
    named = str(local) if local.exists() else "lineshaft"
    return named if home == Path(".lineshaft").absolute() else f"{named} --home {_near(home)}"


def _near(path: Path) -> str:
    """The path as one would type it here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)

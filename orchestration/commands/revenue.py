"""`lineshaft revenue`: what was billed, credited, is still unbilled and is earned, and what keeps money waiting."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.commands.console import Json, print_json, print_table, progress, say

app = typer.Typer(help="Billed, unbilled and recognized revenue by contract; `exceptions` lists what waits and why.")

Period = Annotated[str | None, typer.Option("--period", help="Only this billing month, as in 2026-03.")]


@app.callback(invoke_without_command=True)
def revenue(context: typer.Context, billing_period: Period = None, as_json: Json = False) -> None:
    """Show revenue by month, contract and currency, net of tax; currencies are totalled apart.

    Documents drawn or issued since the last build are taken in first.
    """
    if context.invoked_subcommand is not None:
        return
    from decimal import Decimal

    from models.timeline import month_days
    from orchestration.billing.revenue import read_revenue, refresh_revenue
    from orchestration.settings import load_deployment

    if billing_period is not None:
        month_days(billing_period)
    deployment = load_deployment()
    with progress("revenue") as report:
        report("rating", 0.1)
        refresh_revenue(deployment)
    found = read_revenue(deployment, billing_period=billing_period)
    if as_json:
        print_json(found)
        return
    names = ("billed_amount", "credited_amount", "unbilled_amount", "recognized_amount", "correction_amount")
    print_table(
        ("period", "contract", "billed", "credited", "unbilled", "recognized", "differs by", ""),
        [
            (
                each.billing_period,
                each.contract_id,
                *(f"{getattr(each, name):,.2f}" for name in names),
                each.currency_code,
            )
            for each in found
        ],
    )
    for currency in sorted({each.currency_code for each in found}):
        billed, credited, unbilled, recognized, _ = (
            sum((getattr(each, name) for each in found if each.currency_code == currency), Decimal(0)) for name in names
        )
        say(
            f"{currency}: billed {billed:,.2f} - credited {credited:,.2f} + unbilled {unbilled:,.2f} = "
            f"{billed - credited + unbilled:,.2f}, of which recognized {recognized:,.2f}"
        )


@app.command()
def exceptions(billing_period: Period = None, as_json: Json = False) -> None:
    """List what keeps money waiting or may still move it: why, since when, how much, and what to do."""
    from models.timeline import month_days
    from orchestration.billing.revenue import read_exceptions, refresh_revenue
    from orchestration.settings import load_deployment

    if billing_period is not None:
        month_days(billing_period)
    deployment = load_deployment()
    with progress("revenue") as report:
        report("rating", 0.1)
        refresh_revenue(deployment)
    found = read_exceptions(deployment, billing_period=billing_period)
    if as_json:
        print_json(found)
        return
    print_table(
        ("period", "contract", "physical asset", "term", "what", "since", "at stake", "", "why and what to do"),
        [
            (
                each.billing_period,
                each.contract_id,
                each.physical_asset_id,
                each.term_id,
                each.exception_kind.replace("_", " "),
                f"{each.since_at:%Y-%m-%d}",
                None if each.amount_at_stake is None else f"{each.amount_at_stake:,.2f}",
                each.currency_code,
                f"{each.reason}. {each.what_to_do}",
            )
            for each in found
        ],
    )
    if not found:
        say("Nothing waits.")

"""`lineshaft meter`: what readings do not explain, and what a person decides about it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.commands.console import Json, print_json, print_table, say

if TYPE_CHECKING:
    from models.billing.meter_decision import Decision, MeterDecisionRow

app = typer.Typer(
    no_args_is_help=True,
    help="Meters: list what is held, release or substitute it, estimate a month. Readings stay; a build applies it.",
)

Asset = Annotated[str, typer.Argument(help="The physical asset, as `lineshaft meter list` names it.")]
Metric = Annotated[str, typer.Argument(help="The meter's metric, as in running_time.")]
Period = Annotated[str, typer.Argument(help="The billing month, as in 2026-03.")]
At = Annotated[str, typer.Argument(help="The step's second reading, as in 2026-03-12T08:15:00Z (UTC).")]
By = Annotated[str, typer.Option("--by", help="The person who decides.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the decision.")]


@app.command("list")
def list_steps(billing_period: Period, as_json: Json = False) -> None:
    """List the month's steps that wait for a decision, and those that rest on one."""
    from orchestration.billing.meters import list_open_steps
    from orchestration.settings import load_deployment

    steps = list_open_steps(load_deployment(), billing_period=billing_period)
    if as_json:
        print_json([asdict(step) for step in steps])
        return
    print_table(
        ("asset", "metric", "at (UTC)", "from", "to", "counts", "unit", "why", "decision"),
        [
            (
                step.physical_asset_id,
                step.metric,
                step.closing_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ").replace(".000000Z", "Z"),
                f"{step.opening_reading.normalize():f}",
                f"{step.closing_reading.normalize():f}",
                f"{step.quantity.normalize():f}",
                step.unit_code,
                (step.hold_reason or "not read to its end").replace("_", " "),
                step.meter_decision_id or "waits",
            )
            for step in steps
        ],
    )


@app.command()
def release(physical_asset_id: Asset, metric: Metric, at: At, by: By, reason: Reason, as_json: Json = False) -> None:
    """Let a held step count as it was read. A counter that fell cannot be released: substitute what it counted."""
    _decide(physical_asset_id, metric, "release", rule="as read", by=by, reason=reason, at=at, as_json=as_json)


@app.command()
def substitute(
    physical_asset_id: Asset,
    metric: Metric,
    at: At,
    quantity: Annotated[str, typer.Option("--quantity", help="What the step counts, in the unit of the readings.")],
    by: By,
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Say what a held step counts instead."""
    amount = _exact(quantity)
    _decide(
        physical_asset_id,
        metric,
        "substitute",
        rule="agreed quantity",
        by=by,
        reason=reason,
        at=at,
        quantity=amount,
        as_json=as_json,
    )


@app.command()
def estimate(
    physical_asset_id: Asset,
    metric: Metric,
    billing_period: Period,
    by: By,
    reason: Reason,
    quantity: Annotated[
        str | None, typer.Option("--quantity", help="The whole month's. Default: the mean of the last six months.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Estimate a month that was not read to its end; readings that arrive take the estimate's place."""
    from orchestration.billing.meters import estimate_by_mean
    from orchestration.settings import load_deployment

    amount = (
        _exact(quantity)
        if quantity is not None
        else estimate_by_mean(
            load_deployment(), physical_asset_id=physical_asset_id, metric=metric, billing_period=billing_period
        )
    )
    rule = "agreed quantity" if quantity is not None else "mean of the last six months"
    _decide(
        physical_asset_id,
        metric,
        "estimate",
        rule=rule,
        by=by,
        reason=reason,
        billing_period=billing_period,
        quantity=amount,
        as_json=as_json,
    )


@app.command()
def withdraw(
    physical_asset_id: Asset,
    metric: Metric,
    subject: Annotated[str, typer.Argument(help="The step's second reading, or the month estimated.")],
    by: By,
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Take a decision back; it stays on record."""
    is_month = len(subject) == len("2026-03")
    _decide(
        physical_asset_id,
        metric,
        "withdraw",
        rule="withdrawn",
        by=by,
        reason=reason,
        at=None if is_month else subject,
        billing_period=subject if is_month else None,
        as_json=as_json,
    )


def _decide(
    physical_asset_id: str,
    metric: str,
    decision: Decision,
    *,
    rule: str,
    by: str,
    reason: str,
    as_json: bool,
    at: str | None = None,
    billing_period: str | None = None,
    quantity: Decimal | None = None,
) -> None:
    from orchestration.billing.meters import decide
    from orchestration.settings import load_deployment

    row = decide(
        load_deployment(),
        physical_asset_id=physical_asset_id,
        metric=metric,
        decision=decision,
        rule=rule,
        reason=reason,
        decided_by=by,
        closing_at=None if at is None else _instant(at),
        billing_period=billing_period,
        quantity=quantity,
    )
    _show(row, as_json=as_json)


def _show(row: MeterDecisionRow, *, as_json: bool) -> None:
    if as_json:
        print_json({column.name: getattr(row, column.name) for column in row.__table__.columns})
        return
    counted = "" if row.quantity is None else f", {row.quantity:f} by {row.rule}"
    say(f"Decision {row.meter_decision_id}: {row.decision} {row.meter_id}{counted}. `lineshaft build` applies it.")


def _instant(text: str) -> datetime:
    from orchestration.errors import NotReadyError

    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise NotReadyError(f"{text} is no instant; write it as in 2026-03-12T08:15:00Z.") from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _exact(text: str) -> Decimal:
    from models.exact import exact

    return exact(text)

"""`lineshaft invoice approve|send|pay|void`: the steps of an invoice's life that a person takes in their own name.

Belongs here: those commands, whose step it is, and saying what came of it. Does not belong here: drafting, issuing and
correcting (invoice), which step may follow which (models.billing.life_cycle).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.commands.console import Json, print_json, say

if TYPE_CHECKING:
    from models.billing.life_cycle import InvoiceStep, StepOutcome

Period = Annotated[str, typer.Argument(help="The billing month, as in 2026-03.")]
Number = Annotated[
    str, typer.Argument(help="The invoice's number, or a draft's id, as `lineshaft invoice show` lists them.")
]
By = Annotated[str, typer.Option("--by", help="Whose step it is; default: whoever is logged in.")]


def approve(
    billing_period: Period,
    number: Annotated[str | None, typer.Option("--invoice", help="Approve only the draft of this id.")] = None,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Approve a month's drafts as they stand. A draft whose content changes afterwards needs to be approved again."""
    from orchestration.billing.steps import approve_drafts
    from orchestration.settings import load_deployment

    done = approve_drafts(load_deployment(), billing_period, invoice_id=number, approved_by=person(by))
    if as_json:
        print_json({"approved": done.approved, "blocked": done.blocked})
    else:
        for step in done.approved:
            _say_step(step)
        for each in done.blocked:
            say(f"not approved: {each.contract_id} {each.physical_asset_id}: {'; '.join(each.reasons)}")
    if done.blocked:
        raise typer.Exit(1)


def send(number: Number, by: By = "", as_json: Json = False) -> None:
    """Note that an issued document has left the house. It can be credited afterwards, and no longer be void."""
    from orchestration.billing.steps import mark_sent
    from orchestration.settings import load_deployment

    _say_step(mark_sent(load_deployment(), number, by=person(by)), as_json=as_json)


def pay(number: Number, by: By = "", as_json: Json = False) -> None:
    """Note that an invoice was paid, or a credit note set off or refunded."""
    from orchestration.billing.steps import mark_paid
    from orchestration.settings import load_deployment

    _say_step(mark_paid(load_deployment(), number, by=person(by)), as_json=as_json)


def void(
    number: Number,
    reason: Annotated[str, typer.Option("--reason", help="Why, in a line; it is kept with the step.")],
    by: By = "",
    as_json: Json = False,
) -> None:
    """Withdraw an issued invoice that was never sent. Its number stays; its month can be drawn again."""
    from orchestration.billing.steps import withdraw
    from orchestration.settings import load_deployment

    _say_step(withdraw(load_deployment(), number, reason=reason, by=person(by)), as_json=as_json)


def person(by: str) -> str:
    """Whose step it is."""
    from getpass import getuser

    return by or getuser()


def print_steps(steps: tuple[InvoiceStep, ...]) -> None:
    """An invoice's steps, a line each."""
    for step in steps:
        why = f": {step.note}" if step.note else ""
        say(f"{step.status} {step.taken_at:%Y-%m-%d %H:%M}Z by {step.taken_by}{why}")


def _say_step(outcome: StepOutcome, *, as_json: bool = False) -> None:
    if as_json:
        print_json(outcome)
        return
    say(f"{outcome.invoice_number or outcome.invoice_id} {'is' if outcome.is_new else 'was'} {outcome.status}")

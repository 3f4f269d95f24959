"""`lineshaft quarantine`: what could not be read, why, and bringing it back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from orchestration.commands.console import Json, print_json, print_table, say

app = typer.Typer(
    no_args_is_help=True, help="Messages that could not be read: list them, look at one, replay them after mending."
)


@app.command("list")
def list_messages(
    everything: Annotated[bool, typer.Option("--all", help="Also those that a replay has brought back.")] = False,
    as_json: Json = False,
) -> None:
    """List quarantined messages, oldest first, each with its reason."""
    from ingest.quarantine import list_quarantined
    from orchestration.settings import load_deployment

    found = list_quarantined(load_deployment().home, include_landed=everything)
    if as_json:
        print_json([{**asdict(each), "payload": each.payload.hex()} for each in found])
    elif not found:
        say("The quarantine is empty.")
    else:
        print_table(
            ("message id", "site", "topic", "reason", "detail"),
            [(each.message_id, each.site_id, each.topic, each.reason, each.detail) for each in found],
        )


@app.command()
def show(
    message_id: Annotated[str, typer.Argument(help="The message id that the list gives.")], as_json: Json = False
) -> None:
    """Show one quarantined message whole: topic, reason, and its payload."""
    from ingest.quarantine import show as find
    from orchestration.settings import load_deployment

    message = find(load_deployment().home, message_id)
    if as_json:
        print_json({**asdict(message), "payload": message.payload.hex()})
        return
    say(f"topic     {message.topic}")
    say(f"received  {message.received_at:%Y-%m-%d %H:%M:%S}Z")
    say(f"reason    {message.reason}: {message.detail}")
    say(f"landed    {'by a replay' if message.is_landed else 'no'}")
    try:
        say(f"payload   {message.payload.decode()}")
    except UnicodeDecodeError:
        say(f"payload   {message.payload.hex(' ')}")


@app.command()
def replay(
    message_id: Annotated[list[str] | None, typer.Argument(help="The messages to read again.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Read every quarantined message again.")] = False,
    as_json: Json = False,
) -> None:
    """Read quarantined messages again with today's mapping and contracts; what is readable now lands."""
    from ingest.quarantine import replay as read_again
    from ingest.quarantine import show as find
    from orchestration.errors import NotReadyError
    from orchestration.settings import load_deployment

    if not message_id and not everything:
        raise NotReadyError("Name the messages to replay, or say --all; `lineshaft quarantine list` shows them.")
    deployment = load_deployment()
    named = None if everything else [find(deployment.home, each).message_id for each in message_id or ()]
    report = read_again(deployment.home, deployment.sites, message_ids=named)
    if as_json:
        print_json(asdict(report))
        return
    for each in report.refused:
        say(f"still unreadable: {each.message_id} ({each.reason}: {each.detail})")
    say(f"Landed {len(report.landed):,}, still unreadable {len(report.refused):,}.")
    if report.landed:
        say("`lineshaft build` brings them into the warehouse.")

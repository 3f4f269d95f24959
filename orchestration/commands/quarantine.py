"""`lineshaft quarantine`: what could not be read, why, and bringing it back."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.commands.console import Json, print_json, print_table, printable, say

if TYPE_CHECKING:
    from ingest.quarantine import Selection, WholeMessage

app = typer.Typer(
    no_args_is_help=True, help="Messages that could not be read: list them, look at one, replay them after mending."
)

LISTED = 50
SHOWN_REFUSALS = 20
SHOWN_BYTES = 1_024

Site = Annotated[str | None, typer.Option("--site", help="Only messages of this site.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Only messages refused for this reason.")]
Since = Annotated[
    str | None,
    typer.Option("--since", help="Only messages received since then, as in 2026-03-01 or 2026-03-01T06:00Z."),
]


@app.command("list")
def list_messages(
    site: Site = None,
    reason: Reason = None,
    since: Since = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that a replay has brought back.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=0, help=f"List at most so many; default {LISTED}, with --json all.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List quarantined messages, oldest first, and count them by site and reason."""
    from ingest.contracts import violations_in
    from ingest.quarantine import read_quarantine
    from orchestration.settings import load_deployment

    selection = _selection(site, reason, since)
    found = read_quarantine(load_deployment().home, selection, include_landed=everything)
    if as_json:
        messages = [
            {**asdict(each), "violations": [asdict(broken) for broken in violations_in(each.detail)]}
            for each in found.messages(limit)
        ]
        print_json({"counts": [asdict(each) for each in found.counts()], "messages": messages})
        return
    if not len(found):
        say("The quarantine is empty." if selection.is_everything else "No quarantined message matches.")
        return
    print_table(
        ("site", "reason", "messages", "first received", "last received"),
        [
            (each.site_id, each.reason, each.message_count, _time(each.first_received_at), _time(each.last_received_at))
            for each in found.counts()
        ],
    )
    listed = LISTED if limit is None else limit
    print_table(
        ("message id", "received", "site", "topic", "reason", "detail"),
        [
            (
                each.message_id,
                _time(each.received_at),
                each.site_id,
                printable(each.topic),
                each.reason,
                _first_line(each.detail),
            )
            for each in found.messages(listed)
        ],
    )
    if len(found) > listed:
        say(f"and {len(found) - listed:,} more: narrow with --site, --reason or --since, or raise --limit.")


@app.command()
def show(
    message_id: Annotated[str, typer.Argument(help="The message id that the list gives; its beginning is enough.")],
    as_json: Json = False,
) -> None:
    """Show one quarantined message whole: topic, times, every broken rule, payload, and what to do next."""
    from ingest.contracts import violations_in
    from ingest.quarantine import advice
    from ingest.quarantine import show as find
    from orchestration.settings import load_deployment

    found = find(load_deployment().home, message_id)
    message = found.message
    violations = violations_in(message.detail)
    if as_json:
        details = {"violations": [asdict(each) for each in violations], "advice": advice(message.reason)}
        print_json({**asdict(message), **details, "payload": found.payload.hex()})
        return
    say(f"message   {message.message_id}")
    say(f"site      {message.site_id}")
    say(f"topic     {printable(message.topic)}")
    say(f"received  {_time(message.received_at)}")
    say(f"landed    {'by a replay' if message.is_landed else 'no'}")
    say(f"reason    {message.reason}{'' if violations else f': {printable(message.detail)}'}")
    if violations:
        print_table(
            ("path", "rule", "what is wrong"),
            [(printable(each.path), each.rule, printable(each.message)) for each in violations],
        )
    if not message.is_landed:
        say(f"next      {advice(message.reason)}")
    say(f"payload   {len(found.payload):,} bytes")
    say(_readable(found))


@app.command()
def replay(
    message_id: Annotated[list[str] | None, typer.Argument(help="The messages to read again.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Read every quarantined message again.")] = False,
    site: Site = None,
    reason: Reason = None,
    since: Since = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would land.")] = False,
    as_json: Json = False,
) -> None:
    """Read quarantined messages again with today's mapping, contracts and births; what is readable now lands.

    Exits with 1 when a message is still unreadable.
    """
    from dataclasses import replace

    from ingest.quarantine import replay as read_again
    from ingest.quarantine import show as find
    from orchestration.errors import NotReadyError
    from orchestration.settings import load_deployment

    selection = _selection(site, reason, since)
    if not message_id and not everything and selection.is_everything:
        raise NotReadyError(
            "Name the messages to replay, or say --all, --site, --reason or --since; `lineshaft quarantine list` "
            "shows them."
        )
    deployment = load_deployment()
    if message_id:
        ids = frozenset(find(deployment.home, each).message.message_id for each in message_id)
        selection = replace(selection, message_ids=ids)
    report = read_again(deployment.home, deployment.sites, selection, is_dry_run=dry_run)
    if as_json:
        print_json(asdict(report))
    else:
        for each in report.refused[:SHOWN_REFUSALS]:
            say(f"still unreadable: {each.message_id} ({each.reason}: {_first_line(each.detail)})")
        if len(report.refused) > SHOWN_REFUSALS:
            say(f"and {len(report.refused) - SHOWN_REFUSALS:,} more; `lineshaft quarantine list` shows them.")
        verb = "Would land" if report.is_dry_run else "Landed"
        say(f"{verb} {len(report.landed):,}, still unreadable {len(report.refused):,}.")
        if report.manifests:
            say("`lineshaft build` brings them into the warehouse.")
    if report.refused:
        raise typer.Exit(1)


def _selection(site: str | None, reason: str | None, since: str | None) -> Selection:
    from ingest.quarantine import Selection
    from orchestration.errors import NotReadyError

    moment = None
    if since is not None:
        try:
            moment = datetime.fromisoformat(since)
        except ValueError as error:
            raise NotReadyError(f"--since {since}: write a day or a time, as in 2026-03-01T06:00Z.") from error
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
    return Selection(site_id=site, reason=reason, since=moment)


def _readable(found: WholeMessage) -> str:
    """The payload for people: JSON indented, Sparkplug as protobuf's text, anything else as hexadecimal."""
    from ingest.errors import PayloadError
    from ingest.sparkplug.payload import parse_payload
    from ingest.sparkplug.topic import NAMESPACE

    if found.message.topic.startswith(f"{NAMESPACE}/"):
        try:
            return str(parse_payload(found.payload)).rstrip()
        except PayloadError:
            return _hexadecimal(found.payload)
    try:
        text = found.payload.decode()
    except UnicodeDecodeError:
        return _hexadecimal(found.payload)
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return printable(text)
    return _indented(text)


def _indented(text: str) -> str:
    """JSON with line breaks, every number as it was written: a float would show digits that were never sent."""
    marked = json.dumps(json.loads(text, parse_float="\0{}".format), indent=2, ensure_ascii=False)
    return printable(re.sub(r'"\\u0000([-+.0-9eE]+)"', r"\1", marked))


def _hexadecimal(payload: bytes) -> str:
    lines = [payload[start : start + 32].hex(" ") for start in range(0, min(len(payload), SHOWN_BYTES), 32)]
    if len(payload) > SHOWN_BYTES:
        lines.append(f"and {len(payload) - SHOWN_BYTES:,} bytes more; --json has them all")
    return "\n".join(lines)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def _first_line(detail: str) -> str:
    lines = detail.split("\n")
    return printable(lines[0] if len(lines) == 1 else f"{lines[0]} (and {len(lines) - 1} more)")

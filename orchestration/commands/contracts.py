"""`lineshaft contracts`: what an MES component must publish, and whether an event does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.commands.console import Json, print_json, print_table, printable, say

if TYPE_CHECKING:
    from ingest.contracts import Catalogue

app = typer.Typer(
    no_args_is_help=True,
    help="Contracts of MES events: list them, show one with an example, check an event against it.",
)

SiteOption = Annotated[
    str | None, typer.Option("--site", help="As they hold at this site. Default: the deployment's first site.")
]


@app.command("list")
def list_contracts(site: SiteOption = None, as_json: Json = False) -> None:
    """List the event types that have a contract, with their versions."""
    contracts = _catalogue(site).contracts
    if as_json:
        print_json(
            [
                {"event_type": each.event_type, "version": each.version, "title": each.title, "origin": each.origin}
                for each in contracts
            ]
        )
        return
    print_table(
        ("event type", "version", "title", "from"),
        [(each.event_type, str(each.version), each.title, each.origin) for each in contracts],
    )


@app.command()
def show(
    event_type: Annotated[str, typer.Argument(help="The event type, as in the last level of its topic.")],
    version: Annotated[int | None, typer.Option("--version", help="Default: the newest.")] = None,
    example: Annotated[bool, typer.Option("--example", help="Print an event that keeps it, to copy from.")] = False,
    site: SiteOption = None,
    as_json: Json = False,
) -> None:
    """Show one contract: its members, what each means and holds. With --json, the JSON Schema, complete in one file."""
    from ingest.contracts.definitions import self_contained
    from ingest.contracts.members import members_of
    from orchestration.errors import NotReadyError

    contract = _catalogue(site).contract(event_type, version)
    if example:
        if not contract.examples:
            raise NotReadyError(f"{contract.origin} has no example; write one under its member examples.")
        say(json.dumps(contract.examples[0], indent=2, ensure_ascii=False))
        return
    if as_json:
        say(json.dumps(self_contained(contract.schema), indent=2, ensure_ascii=False))
        return
    say(f"{contract.title} ({contract.event_type}, version {contract.version}, from {contract.origin})")
    if description := contract.schema.get("description"):
        say(description)
    print_table(
        ("member", "required", "type", "values", "meaning", "standards"),
        [
            (each.path, each.presence, each.types, each.limits, each.description, each.term)
            for each in members_of(contract.rules)
        ],
    )
    for rules in contract.stricter:
        say(f"Stricter at this site: {', '.join(sorted({each.path for each in members_of(rules)}))}")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="An event as JSON, or one event a line.")],
    event_type: Annotated[
        str | None, typer.Option("--type", help="The type its topic will say. Default: the event's own event_type.")
    ] = None,
    site: SiteOption = None,
    as_json: Json = False,
) -> None:
    """Check events before they are published: every broken rule with its path. Exits with 1 when one is broken."""
    from dataclasses import asdict

    catalogue = _catalogue(site)
    events = list(_events(file))
    findings = [
        {"event": number, **asdict(violation)}
        for number, event in enumerate(events, start=1)
        for violation in catalogue.validate(event, event_type=event_type)
    ]
    if as_json:
        print_json({"event_count": len(events), "violations": findings})
    elif findings:
        print_table(
            ("event", "path", "rule", "what is wrong"),
            [
                (str(each["event"]), printable(str(each["path"])), each["rule"], printable(str(each["message"])))
                for each in findings
            ],
        )
    else:
        say(f"{len(events):,} {'event keeps its' if len(events) == 1 else 'events keep their'} contract.")
    if findings:
        raise typer.Exit(1)


def _catalogue(site: str | None) -> Catalogue:
    from ingest.contracts import Catalogue
    from orchestration.settings import load_deployment

    deployment = load_deployment()
    chosen = deployment.site(site) if site is not None else deployment.sites[0]
    return Catalogue.load(chosen.events)


def _events(file: Path) -> list[Any]:
    """The events of a file, parsed as the collector would: numbers exact, nothing that is no JSON."""
    from ingest.errors import PayloadError
    from ingest.uns.payload import parse_document
    from orchestration.errors import NotReadyError

    data = file.read_bytes()
    try:
        return [parse_document(data)]
    except PayloadError as error:
        lines = [line for line in data.splitlines() if line.strip()]
        if len(lines) < 2:
            raise NotReadyError(f"{file}: {error}") from error
    events = []
    for number, line in enumerate(lines, start=1):
        try:
            events.append(parse_document(line))
        except PayloadError as error:
            raise NotReadyError(f"{file}, event {number}: {error}") from error
    return events

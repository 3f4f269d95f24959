"""`lineshaft checkpoint`: the daily chain over issued documents: make what is missing, list, verify, export."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestration.commands.console import Json, print_json, print_table, say

app = typer.Typer(
    no_args_is_help=True, help="The daily chain over issued documents: make what is missing, list, verify, export it."
)


@app.command()
def make(as_json: Json = False) -> None:
    """Make the checkpoints of all days (UTC) that are over and have none; issuing and crediting do so too.

    A day without documents gets one as well. Again, it changes nothing: fit for a daily cron job.
    """
    from orchestration.billing.signing import UNSIGNED, find_signer, make_checkpoints
    from orchestration.settings import load_deployment

    deployment = load_deployment()
    made = make_checkpoints(deployment)
    if as_json:
        print_json(made)
        return
    say(
        f"{len(made)} made" + (f", the last of {made[-1].checkpoint.checkpoint_date}" if made else "; none was missing")
    )
    if find_signer(deployment) is None:
        say(UNSIGNED)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the checkpoints."""
    from models.billing.proof.checkpoints import list_checkpoints
    from models.billing.proof.signing import key_id
    from orchestration.billing.proof import operations

    with operations() as session:
        checkpoints = list_checkpoints(session)
    if as_json:
        print_json(checkpoints)
        return
    rows = [
        (
            each.checkpoint.checkpoint_date,
            each.checkpoint.document_count,
            each.checkpoint.log_size,
            key_id(each.checkpoint.public_key) if each.checkpoint.public_key else "not signed",
            each.checkpoint_sha256,
        )
        for each in checkpoints
    ]
    print_table(("day", "documents", "so far", "key", "SHA-256"), rows)


@app.command()
def verify(
    file: Annotated[
        Path | None, typer.Argument(help="A file of `checkpoint export`; without one, the chain in the store.")
    ] = None,
    public_key: Annotated[
        Path | None,
        typer.Option("--public-key", help="The seller's public key: every checkpoint must be signed by it."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Prove the chain: links, days, roots, signatures, and that the last one holds all the first one held.

    A file is proven offline from itself alone. In the store, each document is also held against its checkpoint.
    """
    from models.billing.proof.checkpoint_export import verify_checkpoints_file
    from models.billing.proof.checkpoints import verify_checkpoints
    from orchestration.billing.proof import operations, read_key_file, read_named_file

    key = read_key_file(public_key)
    if file is not None:
        problems = list(verify_checkpoints_file(read_named_file(file), public_key=key))
    else:
        with operations() as session:
            problems = list(verify_checkpoints(session))
    if as_json:
        print_json(problems)
    else:
        for each in problems or ["The chain holds."]:
            say(each)
    if problems:
        raise typer.Exit(1)


@app.command()
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path("checkpoints.json"),
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day; default: the first there is.")
    ] = None,
) -> None:
    """Write checkpoints to a file to publish, with the proof that the last one holds all the first one held."""
    from models.billing.proof.checkpoint_export import checkpoints_file
    from models.billing.proof.checkpoints import consistency_between, list_checkpoints
    from orchestration.billing.proof import operations
    from orchestration.errors import NotReadyError

    with operations() as session:
        chosen = [
            each for each in list_checkpoints(session) if not since or each.checkpoint.checkpoint_date >= since.date()
        ]
        if not chosen:
            raise NotReadyError("There is no checkpoint yet from that day on; a day has one once it is over (UTC).")
        path = consistency_between(session, earlier=chosen[0].checkpoint, later=chosen[-1].checkpoint)
    output.write_bytes(checkpoints_file(chosen, consistency=path))
    say(f"{len(chosen)} checkpoints: {output}")

"""`lineshaft keys`: the key that signs invoices and checkpoints."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.commands.console import Json, print_json, print_table, say

app = typer.Typer(
    no_args_is_help=True, help="The key that signs invoices and checkpoints: make it, list the ones used."
)


@app.command()
def create(
    replace: Annotated[
        bool, typer.Option("--replace", help="Make a new key where there is one; what it signed stays provable.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make an Ed25519 key for this deployment, readable by its owner alone. Give customers the public one.

    The private key never leaves its file. A customer proves an invoice by `lineshaft invoice verify --public-key FILE`.
    """
    from orchestration.billing.signing import create_signing_key
    from orchestration.settings import load_deployment

    made = create_signing_key(load_deployment(), is_replacing=replace)
    if as_json:
        print_json(made)
        return
    say(f"key {made.key_id}: {made.private_key}")
    say(f"for customers: {made.public_key}")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the public keys that signed anything here, old ones too, and the one in use."""
    from models.billing.proof.keys import used_public_keys
    from models.billing.proof.signing import key_id
    from orchestration.billing.proof import operations
    from orchestration.billing.signing import UNSIGNED, find_signer
    from orchestration.settings import load_deployment

    deployment = load_deployment()
    signer = find_signer(deployment)
    with operations(deployment) as session:
        used = used_public_keys(session)
    current = signer.public_key if signer else None
    keys = [*used, *([current] if current and current not in used else [])]
    rows = [(key_id(key), key, "in use" if key == current else "earlier") for key in keys]
    if as_json:
        print_json([{"key_id": row[0], "public_key": row[1], "is_in_use": row[1] == current} for row in rows])
        return
    print_table(("key", "public key", ""), rows)
    if signer is None:
        say(UNSIGNED)

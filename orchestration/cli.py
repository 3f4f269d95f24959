"""The command line: `lineshaft`, one entry for everything a person or a cron job does.

Belongs here: the list of commands, and how an error reaches the reader.
Does not belong here: work. Each command lives in orchestration.commands and imports what it needs when it runs, so that
`lineshaft --help` answers at once and the collector starts without Dagster.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from orchestration.commands import access as _access
from orchestration.commands import accounting as _accounting
from orchestration.commands import checkpoint as _checkpoint
from orchestration.commands import contracts as _contracts
from orchestration.commands import demo as _demo
from orchestration.commands import deployment as _deployment
from orchestration.commands import invoice as _invoice
from orchestration.commands import invoice_steps as _invoice_steps
from orchestration.commands import keeping as _keeping
from orchestration.commands import keys as _keys
from orchestration.commands import meter as _meter
from orchestration.commands import namespace as _namespace
from orchestration.commands import quarantine as _quarantine
from orchestration.commands import revenue as _revenue
from orchestration.commands import state as _state
from orchestration.commands import warehouse as _warehouse

app = typer.Typer(
    name="lineshaft",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
    help="From the plant's messages to provable invoices.\n\nA first look: `lineshaft demo`. A deployment of your own: "
    "`lineshaft init plant && lineshaft -d plant doctor`.",
)

app.command("demo")(_demo.demo)
app.command("init")(_deployment.init)
app.command("doctor")(_deployment.doctor)
app.command("simulate")(_namespace.simulate)
app.command("replay")(_namespace.replay)
app.command("collect")(_namespace.collect)
app.command("state")(_state.state)
app.command("acl")(_access.acl)
app.add_typer(_quarantine.app, name="quarantine")
app.command("compact")(_keeping.compact)
app.add_typer(_contracts.app, name="contracts")
app.command("build")(_warehouse.build)
app.add_typer(_meter.app, name="meter")
for _step in (_invoice_steps.approve, _invoice_steps.send, _invoice_steps.pay, _invoice_steps.void):
    _invoice.app.command()(_step)
_invoice.app.command("export")(_accounting.export)
app.add_typer(_invoice.app, name="invoice")
app.add_typer(_checkpoint.app, name="checkpoint")
app.add_typer(_keys.app, name="keys")
app.add_typer(_revenue.app, name="revenue")
app.command("share")(_warehouse.share)
app.command("publish")(_warehouse.publish)


@app.callback()
def settings(
    deployment: Annotated[
        Path | None,
        typer.Option(
            "--deployment",
            "-d",
            help="The directory with lineshaft.yaml. Default: $LINESHAFT_DEPLOYMENT, or the demo's.",
        ),
    ] = None,
    home: Annotated[
        Path | None, typer.Option("--home", help="Where state lives. Default: $LINESHAFT_HOME, or .lineshaft here.")
    ] = None,
) -> None:
    """Options before the command hold for every command."""
    import os

    if deployment is not None:
        os.environ["LINESHAFT_DEPLOYMENT"] = str(deployment.absolute())
    if home is not None:
        os.environ["LINESHAFT_HOME"] = str(home.absolute())


def main() -> None:
    """Run the command line; a mendable error is one sentence on standard error and exit code 1."""
    from models.errors import LineshaftError

    try:
        app()
    except LineshaftError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    except OSError as error:  # a directory that cannot be written, a full disk: nothing that a traceback would mend
        named = f"{error.filename}: " if error.filename else ""
        typer.echo(f"error: {named}{error.strerror or error}; mend that and try again", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()

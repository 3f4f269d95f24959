"""`lineshaft init` and `lineshaft doctor`: a deployment's first hour."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.commands.console import Json, print_json, print_table, say


def init(
    directory: Annotated[Path, typer.Argument(help="The directory to write; it must be empty or not exist.")],
) -> None:
    """Write a complete deployment to copy from: three sites, mappings, assets, contracts, and a plant to simulate."""
    import shutil

    from orchestration.errors import DeploymentError
    from orchestration.settings import TEMPLATE

    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        problem = "is not empty" if directory.is_dir() else "is a file"
        raise DeploymentError(f"{directory} {problem}; name a new directory, so that nothing of yours is overwritten.")
    shutil.copytree(TEMPLATE, directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    written = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    say(f"Wrote {len(written)} files to {directory}:")
    for name in written:
        say(f"  {name}")
    say("\nNext: set the brokers in lineshaft.yaml, then")
    say(f"  export LINESHAFT_DEPLOYMENT={directory}")
    say("  lineshaft doctor")


def doctor(
    as_json: Json = False,
    online: Annotated[bool, typer.Option("--online/--offline", help="Also try to reach each site's broker.")] = True,
) -> None:
    """Examine a deployment: files, stores, brokers, unmapped metrics, quarantine. Exits with 1 on a fault."""
    from orchestration.diagnosis import examine
    from orchestration.settings import load_deployment

    findings = examine(load_deployment(), online=online)
    if as_json:
        print_json([{"subject": found.subject, "state": found.state, "detail": found.detail} for found in findings])
    else:
        print_table(("", "subject", "finding"), [(found.state, found.subject, found.detail) for found in findings])
    if any(found.state == "wrong" for found in findings):
        raise typer.Exit(1)

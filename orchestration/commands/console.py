"""How commands speak: sentences for people, JSON for machines, a progress bar for what takes longer than a second.

Belongs here: output only. Does not belong here: deciding anything.
Results go to standard output; progress and errors go to standard error, so that `--json` can be piped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine to read.")]

Report = Callable[[str, float], None]


def say(text: str = "") -> None:
    """Print one line of a result."""
    typer.echo(text)


def printable(text: str) -> str:
    """Text from the wire with its control characters written out, so that it cannot speak to the terminal."""
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode() for each in text
    )


def print_json(value: Any) -> None:
    """Print a value as JSON: results by their fields, dates as ISO text, decimals as text, so nothing is rounded."""
    typer.echo(json.dumps(value, default=_for_json, indent=2, sort_keys=True))


def print_json_line(value: object) -> None:
    """Print one value on one line, at once: whoever reads a stream waits for it."""
    typer.echo(json.dumps(value, default=_for_json, sort_keys=True))
    sys.stdout.flush()


def make_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> Table:
    """An aligned table; numbers to the right."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(*[], box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    found = [[_cell(value) for value in row] for row in rows]
    for index, column in enumerate(columns):
        numeric = bool(found) and all(_is_number(row[index]) for row in found)
        table.add_column(column, justify="right" if numeric else "left", no_wrap=numeric, overflow="fold")
    for row in found:
        table.add_row(*(escape(cell) for cell in row))
    return table


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print rows as an aligned table; numbers to the right."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 140
    Console(width=width, highlight=False).print(make_table(columns, rows, title=title))


@contextmanager
def progress(description: str) -> Iterator[Report]:
    """A bar on standard error; the body calls `report(what, fraction)` with a fraction from 0 to 1."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        stages: list[str] = []

        def note(what: str, fraction: float) -> None:  # noqa: ARG001 - a log has no bar to fill
            if what not in stages:
                stages.append(what)
                console.print(f"{description}: {what}", highlight=False)

        yield note
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(description, total=1.0)

        def report(what: str, fraction: float) -> None:
            bar.update(task, description=f"{description}: {what}", completed=min(max(fraction, 0.0), 1.0))

        yield report


def _for_json(value: object) -> object:
    from dataclasses import fields, is_dataclass
    from datetime import date

    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return value.isoformat() if isinstance(value, date) else str(value)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.3f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    # Plants choose names and texts: none of them may steer the reader's terminal.
    return "".join(
        "\ufffd" if (ord(each) < 32 and each != "\n") or 127 <= ord(each) < 160 else each for each in str(value)
    )


def _is_number(text: str) -> bool:
    return (
        text == "–" or text.replace(",", "").replace(".", "", 1).replace("%", "").replace(" ", "").lstrip("-").isdigit()
    )

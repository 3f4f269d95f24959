"""`lineshaft state`: the namespace as it stands, once or for as long as somebody looks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from orchestration.commands.console import Json, make_table, print_json, print_json_line, print_table, say

if TYPE_CHECKING:
    from datetime import datetime

    from ingest.current_state import CurrentValue
    from ingest.state_watch import StateWatch

LOOK_S = 0.5
_COLUMNS = ("metric", "value", "unit", "quality", "event time", "age", "stale since")
_LINES_AROUND = 5
"""What a table takes of a screen besides its rows: head, rules and the line below."""


def state(
    pattern: Annotated[str, typer.Argument(help="Which metrics: + is one level, # the rest, as in 'hamburg/#'.")] = "#",
    stale: Annotated[bool, typer.Option("--stale", help="Only metrics whose source is gone or silent.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and show what changes until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Show the namespace as it stands: value, quality, event time, age and staleness of every metric.

    Quality is 192 for good. A metric is stale from the moment its edge node or device died or fell silent. With --json
    --watch, every metric that changes is one line.
    """
    from ingest.state_watch import StateWatch
    from orchestration.settings import load_deployment

    look = StateWatch(load_deployment().home, pattern)
    try:
        if watch and as_json:
            _tell_changes(look, only_stale=stale)
        elif watch:
            _show_changes(look, pattern, only_stale=stale)
        else:
            look.look()
            _show_once(_chosen(look.values, only_stale=stale), pattern, as_json=as_json)
    except KeyboardInterrupt:  # the way a watch ends
        return


def age_of(seconds: float) -> str:
    """An age as people say it: in one unit, whole, never negative."""
    for limit, size, unit in ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h")):
        if seconds < limit:
            return f"{max(0, int(seconds // size))} {unit}"
    return f"{int(seconds // 86_400)} d"


def rows_of(values: Sequence[CurrentValue], *, now: datetime) -> list[tuple[str, ...]]:
    """The cells of the table, as text."""
    return [
        (
            value.path,
            str(value.canonical_value if value.canonical_value is not None else value.value),
            value.unit_code or value.source_unit or "",
            str(value.quality),
            f"{value.event_at:%Y-%m-%d %H:%M:%S}Z",
            age_of((now - value.event_at).total_seconds()),
            "" if value.stale_since is None else f"{value.stale_since:%Y-%m-%d %H:%M:%S}Z",
        )
        for value in values
    ]


def _chosen(values: Sequence[CurrentValue], *, only_stale: bool) -> list[CurrentValue]:
    return [value for value in values if value.is_stale or not only_stale]


def _show_once(values: Sequence[CurrentValue], pattern: str, *, as_json: bool) -> None:
    from dataclasses import asdict
    from datetime import UTC, datetime

    if as_json:
        print_json([asdict(value) for value in values])
    elif not values:
        say(_nothing(pattern))
    else:
        print_table(_COLUMNS, rows_of(values, now=datetime.now(UTC)))


def _tell_changes(look: StateWatch, *, only_stale: bool) -> NoReturn:
    """One JSON line per changed metric; a metric that is no longer stale is told too, or nobody would know."""
    from dataclasses import asdict

    told: set[str] = set()
    while True:
        for value in look.look():
            if not only_stale or value.is_stale or value.path in told:
                print_json_line(asdict(value))
                (told.add if value.is_stale else told.discard)(value.path)
        time.sleep(LOOK_S)


def _show_changes(look: StateWatch, pattern: str, *, only_stale: bool) -> NoReturn:
    """Draw the table where it stands, and again only when a cell of it differs."""
    from datetime import UTC, datetime

    from rich.console import Console, Group, RenderableType
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        _print_changes(look, only_stale=only_stale)
    drawn: list[tuple[str, ...]] | None = None
    size = console.size
    with Live(console=console, auto_refresh=False, screen=True) as live:
        while True:
            look.look()
            rows = rows_of(_chosen(look.values, only_stale=only_stale), now=datetime.now(UTC))
            if rows != drawn or console.size != size:
                drawn, size = rows, console.size
                room = max(1, size.height - _LINES_AROUND)
                rest = len(rows) - room
                below = f"… and {rest:,} more: narrow the pattern to see them" if rest > 0 else f"{len(rows):,} metrics"
                picture: RenderableType = Text(_nothing(pattern))
                if rows:
                    picture = Group(make_table(_COLUMNS, rows[:room]), Text(below, style="dim"))
                live.update(picture, refresh=True)
            time.sleep(LOOK_S)


def _print_changes(look: StateWatch, *, only_stale: bool) -> NoReturn:
    """Where no terminal can be drawn on, a table of what changed, one below the other."""
    from datetime import UTC, datetime

    while True:
        changed = _chosen(look.look(), only_stale=only_stale)
        if changed:
            print_table(_COLUMNS, rows_of(changed, now=datetime.now(UTC)))
        time.sleep(LOOK_S)


def _nothing(pattern: str) -> str:
    return f"Nothing known matches {pattern!r}; `lineshaft collect` fills the state."

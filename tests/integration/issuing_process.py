"""Issuing a month in a process of its own: killed before a chosen step, or raced against another.

    python -m tests.integration.issuing_process kill HOME DIRECTORY
    python -m tests.integration.issuing_process issue START_FILE

Belongs here: what runs in the other process. Does not belong here: what is expected of it (the tests).

A step is anything that changes something on the way: each SQL statement but those that read, each commit, each file
opened for writing, renamed or removed, each fsync; a kill before a read leaves what a kill before the next step leaves.
`kill` issues HOME's month once whole, which counts the steps; then, for each, a copy of
HOME is issued by a child that dies by SIGKILL right before that step, and issued again by one that does not. It prints
the names of the steps. A fork per run: what is imported stays imported.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from orchestration.billing import issue_invoices
from orchestration.settings import load_deployment

PERIOD, ISSUED_ON = "2026-03", date(2026, 4, 5)
READING = {"SELECT", "PRAGMA"}
WATCHED_CALLS = {"os.rename": "rename", "os.remove": "remove"}


class Steps:
    """Counts and names the steps of this process; at `fatal_step` it kills it."""

    def __init__(self, fatal_step: int | None) -> None:
        self.names: list[str] = []
        self._fatal_step = fatal_step

    def watch(self) -> None:
        """Listen from now on; there is no way to stop, the process ends with it."""
        event.listen(Engine, "before_cursor_execute", self._statement)
        event.listen(Engine, "commit", lambda _connection: self._take("commit"))
        sys.addaudithook(self._call)
        kept = os.fsync

        def fsync(descriptor: int) -> None:
            self._take("fsync")
            kept(descriptor)

        os.fsync = fsync  # the interpreter raises no audit event for it

    def _statement(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        words = statement.split()
        if words[0] not in READING:
            self._take(" ".join(words[:3]))

    def _call(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name in WATCHED_CALLS:
            self._take(WATCHED_CALLS[name])
        elif name == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            self._take("open")

    def _take(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self._fatal_step:
            os.kill(os.getpid(), signal.SIGKILL)


def kill_at_every_step(home: Path, directory: Path) -> list[str]:
    """Homes `whole` and `1` to n under `directory`, each issued; the latter after a kill. The names of the steps."""
    whole = _copy(home, directory / "whole")
    names_file = directory / "steps.json"

    def count() -> None:
        steps = Steps(None)
        steps.watch()
        _issue(whole)
        names_file.write_text(json.dumps(steps.names[:]))

    if _in_a_child(count) != 0:
        raise SystemExit("the undisturbed run failed")
    names: list[str] = json.loads(names_file.read_text())
    for number in range(1, len(names) + 1):
        copied = _copy(home, directory / str(number))

        def die(fatal_step: int = number, victim: Path = copied) -> None:
            Steps(fatal_step).watch()
            _issue(victim)

        if _in_a_child(die) != -signal.SIGKILL:
            raise SystemExit(f"nothing was killed at step {number}")
        if _in_a_child(lambda survivor=copied: _issue(survivor)) != 0:
            raise SystemExit(f"the month could not be issued after a kill before step {number}, {names[number - 1]}")
    return names


def issue_when_told(start_file: Path) -> list[str]:
    """Issue the month of the home in the environment once the file is there; which numbers were new."""
    print("ready", flush=True)
    while not start_file.exists():
        time.sleep(0.001)
    report = issue_invoices(load_deployment(), PERIOD, issued_on=ISSUED_ON)
    return [f"{each.invoice.invoice_number} {each.invoice.is_new}" for each in report.issued]


def _issue(home: Path) -> None:
    os.environ["LINESHAFT_HOME"] = str(home)
    report = issue_invoices(load_deployment(), PERIOD, issued_on=ISSUED_ON)
    if report.blocked:
        raise SystemExit(str(report.blocked))


def _copy(home: Path, target: Path) -> Path:
    shutil.copytree(home, target)
    return target


def _in_a_child(act: Callable[[], None]) -> int:
    """The child's exit code; minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 (the child must not run on as its parent)
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """What the command line asks for; the answer is JSON on the last line."""
    act, *paths = sys.argv[1:]
    given = [Path(path) for path in paths]
    print(json.dumps(kill_at_every_step(*given) if act == "kill" else issue_when_told(*given)))


if __name__ == "__main__":
    main()

"""The demo, run once for every test of this folder, as a user runs it: the command, on a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.xdist_group("e2e"))  # one worker: the demo runs once
            item.add_marker(pytest.mark.timeout(1800))


def lineshaft(home: Path, *words: str, expect: int = 0) -> str:
    """Run the command and return what it printed; standard error is shown when it ends otherwise than expected.

    Every Python it starts notes in the home's outside.log whom it looks up or calls beyond this machine.
    """
    home.mkdir(parents=True, exist_ok=True)
    watching = {"PYTHONPATH": str(HERE / "watched"), "LINESHAFT_TEST_OUTSIDE": str(home / "outside.log")}
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "--home", str(home), *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200", **watching},
    )
    assert done.returncode == expect, f"lineshaft {' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Demo:
    """A home in which the demo has run, and what the run printed."""

    home: Path
    summary: str


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    home = tmp_path_factory.mktemp("demo")
    return Demo(home=home, summary=lineshaft(home, "demo"))

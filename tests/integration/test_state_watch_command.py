"""`lineshaft state --watch` as somebody runs it: in a pipe and on a terminal, until Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.builders.pictures import AT, Picture
from tests.integration.brokers import REPOSITORY
from tests.integration.collector_members import until


def a_command(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "orchestration.cli", "--home", str(home), "state", *words]


def test_a_stream_has_one_line_per_change_and_ends_quietly(tmp_path: Path) -> None:
    picture = Picture(tmp_path)
    picture.says({"a": 1, "b": 2})
    lines: list[dict[str, object]] = []
    command = a_command(tmp_path, "monterrey/#", "--watch", "--json")
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        reader = threading.Thread(target=lambda: lines.extend(json.loads(line) for line in process.stdout))
        reader.start()
        until(lambda: len(lines) == 2)
        picture.says({"b": 3}, at=AT + 1)
        until(lambda: len(lines) == 3)
        picture.says({}, at=AT + 2)  # saved again, but nothing in it differs
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        reader.join()
        assert process.stderr.read() == ""
    assert [(line["metric_name"], line["value"]) for line in lines] == [("a/v", "1"), ("b/v", "2"), ("b/v", "3")]


def test_a_terminal_is_drawn_on_change_alone_and_given_back(tmp_path: Path) -> None:
    picture = Picture(tmp_path)
    picture.says({"a": 1})
    screen, keyboard = pty.openpty()
    seen = bytearray()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "160", "LINES": "40"}
    process = subprocess.Popen(
        a_command(tmp_path, "--watch"),
        cwd=REPOSITORY,
        stdin=keyboard,
        stdout=keyboard,
        stderr=keyboard,
        env=environment,
    )
    os.close(keyboard)
    reader = threading.Thread(target=read_into, args=(screen, seen.extend))
    reader.start()
    until(lambda: b"cnc_201" in seen)
    time.sleep(0.5)
    drawn = len(seen)
    time.sleep(2.5)
    assert len(seen) == drawn, "nothing changed, so nothing is drawn"
    picture.says({"a": 77}, at=AT + 1)
    until(lambda: b"77" in seen[drawn:])
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    reader.join()
    os.close(screen)
    assert bytes(seen).endswith(b"\x1b[?25h") or b"\x1b[?1049l" in seen[drawn:], "the terminal is as it was"
    assert b"Traceback" not in seen


def read_into(screen: int, take: Callable[[bytes], object]) -> None:
    while True:
        try:
            data = os.read(screen, 65_536)
        except OSError:  # Linux says so when the last writer has gone
            return
        if not data:
            return
        take(data)

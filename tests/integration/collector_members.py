"""Collectors run by the command line, as an operator starts them: to be killed, stopped and continued for real."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from ingest.site import Site
from tests.integration.brokers import REPOSITORY


def a_deployment(directory: Path, *sites: Site) -> Path:
    """A deployment directory with these sites and no mapping worth the name."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "mapping.yaml").write_text("version: 1\nrules: []\n", encoding="utf-8")
    entries = []
    for site in sites:
        entry = site.model_dump(mode="json", exclude={"enterprise", "host_id"}, exclude_defaults=True)
        entries.append(entry | {"payload_family": site.payload_family, "mapping": "mapping.yaml"})
    document = {"enterprise": sites[0].enterprise, "host_id": sites[0].host_id, "sites": entries}
    (directory / "lineshaft.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return directory


class Member:
    """One `lineshaft collect --json`, its events as they come and its log."""

    def __init__(self, name: str, process: subprocess.Popen[str], log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log
        self.events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, name=f"events-of-{name}", daemon=True)
        self._reader.start()

    def count(self, event: str) -> int:
        return sum(each["event"] == event for each in list(self.events))

    def last_of(self, event: str) -> dict[str, Any]:
        return [each for each in list(self.events) if each["event"] == event][-1]

    def until(self, event: str, *, times: int = 1, seconds: float = 60) -> dict[str, Any]:
        """Wait until the event came so many times; returns the last of them."""
        until(lambda: self.count(event) >= times, seconds=seconds, why=self.explain)
        return self.last_of(event)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.signal(signal.SIGTERM)
        self.process.wait(timeout=60)

    def explain(self) -> str:
        return f"{self.name}: {self.events[-5:]} {self.log.read_text(encoding='utf-8')[-2000:]}"

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [line for line in (json.loads(each) for each in lines if each[:1] == "{") if line["event"] == event]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append({"seen_at": time.monotonic()} | json.loads(line))


@contextlib.contextmanager
def a_member(
    name: str, *, deployment: Path, home: Path, options: Sequence[str] = (), environment: dict[str, str] | None = None
) -> Iterator[Member]:
    """Start one; whatever state it is in at the end, it is killed."""
    log = home.parent / f"{name}-{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "orchestration.cli", "-d", str(deployment), "--home", str(home)]
    command += ["collect", "--json", "--collector-id", name, "--batch-seconds", "0.2", *options]
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    member = Member(name, process, log)
    try:
        yield member
    finally:
        process.send_signal(signal.SIGCONT)
        member.kill()
        assert process.stdout is not None
        member._reader.join(10)
        process.stdout.close()


def until(condition: Callable[[], bool], *, seconds: float = 60, why: Callable[[], str] = lambda: "") -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not happen within {seconds:g} seconds; {why()}")
        time.sleep(0.05)

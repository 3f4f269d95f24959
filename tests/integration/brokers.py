"""Real brokers and real collectors for integration tests."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.site import Site

REPOSITORY = Path(__file__).parents[2]

LIMITS = (
    "max_queued_messages 10000000\nmax_queued_bytes 4294967296\n"
    "upgrade_outgoing_qos true\npersistent_client_expiration 14d\nmax_packet_size 1048576\n"
)
"""What the broker beside a collector needs; without these mosquitto drops silently what it cannot queue."""


@dataclass
class Mosquitto:
    """A mosquitto of our own on a free port, configured as a plant's should be."""

    port: int
    configuration: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def restart(self) -> None:
        """Stop in an orderly way (it saves its sessions) and come back."""
        self.process.terminate()
        self.process.wait(timeout=60)
        self.start()

    def crash(self) -> None:
        """Kill -9 and come back: what it had not saved since its last autosave is gone."""
        self.process.kill()
        self.process.wait()
        self.start()

    def start(self) -> None:
        """Come back on the same port."""
        self.process = _start(self.configuration, self.port)


@contextlib.contextmanager
def a_mosquitto(
    directory: Path, *, port: int | None = None, listeners: str | None = None, limits: str = LIMITS
) -> Iterator[Mosquitto]:
    """Run mosquitto with the settings the collector asks for; skips where it is not installed.

    `listeners` says who may connect where, instead of everybody on `port`.
    """
    program = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    if program is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    port = port or a_free_port()
    store = directory / "mosquitto"
    store.mkdir(parents=True)
    configuration = directory / "mosquitto.conf"
    configuration.write_text(
        (listeners or f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        + f"persistence true\npersistence_location {store}/\nautosave_interval 30\n"
        + limits
        + (f"user {os.environ.get('USER', 'root')}\n" if os.geteuid() == 0 else ""),
        encoding="utf-8",
    )
    broker = Mosquitto(port, configuration, _start(configuration, port))
    try:
        yield broker
    finally:
        broker.process.kill()
        broker.process.wait()


@contextlib.contextmanager
def a_collector_process(sites: Sequence[Site], home: Path, **options: object) -> Iterator[subprocess.Popen[str]]:
    """A collector in a process of its own, subscribed at all its sites; it can be killed for real."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.collector_process", str(home), json.dumps(options)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps([site.model_dump(mode="json") for site in sites]) + "\n")
        process.stdin.flush()
        subscribed = 0
        for line in process.stdout:
            subscribed += "collecting" in line
            if subscribed == len(sites):
                break
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def stop(process: subprocess.Popen[str]) -> None:
    """Ask a collector to end in an orderly way."""
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)


def a_free_port() -> int:
    """A port below those the system hands to outgoing connections, so that none of them takes it meanwhile."""
    while True:
        port = random.SystemRandom().randrange(15_000, 30_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def _start(configuration: Path, port: int) -> subprocess.Popen[bytes]:
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    deadline = time.monotonic() + 60  # a million queued messages are read back before the port opens
    process = None
    while time.monotonic() < deadline:
        if process is None or process.poll() is not None:  # somebody held one of its ports for a moment
            process = subprocess.Popen(
                [program, "-c", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return process
        time.sleep(0.05)
    if process is not None:
        process.kill()
        process.wait()
    raise RuntimeError("mosquitto did not open its port within a minute")

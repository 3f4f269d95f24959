"""The demo's MQTT broker: amqtt in a process of its own, on a free port of this machine.

Belongs here: starting and ending that process. Does not belong here: anything a plant would rely on; amqtt speaks
MQTT 3.1.1 only, keeps nothing and forgets what a client sent just before it left (the publisher waits for that).

It runs as `python -m ingest.simulator.embedded_broker PORT` and ends when its standard input closes, so that it cannot
outlive whoever started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

from ingest.simulator.errors import EmbeddedBrokerError

READY = "ready"
START_ATTEMPTS = 3


@contextlib.contextmanager
def embedded_broker(*, start_timeout_s: float = 30.0) -> Iterator[str]:
    """A running broker; yields its address, mqtt://127.0.0.1:<port>."""
    process, url = _start(start_timeout_s)
    try:
        yield url
    finally:
        _stop(process)


def _start(start_timeout_s: float) -> tuple[subprocess.Popen[str], str]:
    for _ in range(START_ATTEMPTS):  # between choosing the port and binding it, another process may take it
        port = _free_port()
        process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
            [sys.executable, "-m", "ingest.simulator.embedded_broker", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for whoever started us: the broker outlasts the collector's last batch
        )
        watchdog = threading.Timer(start_timeout_s, process.kill)
        watchdog.start()
        try:
            line = process.stdout.readline() if process.stdout else ""
        finally:
            watchdog.cancel()
        if line.strip() == READY:
            return process, f"mqtt://127.0.0.1:{port}"
        _stop(process)
    raise EmbeddedBrokerError(
        f"the embedded broker did not start within {start_timeout_s:.0f} s: give the address of a broker of your own"
    )


def _stop(process: subprocess.Popen[str]) -> None:
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _serve(port: int) -> None:
    from amqtt.broker import Broker
    from amqtt.contexts import BrokerConfig, ListenerConfig

    logging.disable(logging.CRITICAL)
    # No sys topics, no packet logger: each plugin costs a call per packet.
    broker = Broker(
        BrokerConfig(
            listeners={"default": ListenerConfig(bind=f"127.0.0.1:{port}")},
            plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        )
    )
    await broker.start()
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(broker.shutdown(), timeout=3)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))

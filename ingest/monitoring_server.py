"""/metrics and /healthz over HTTP, in a thread of its own: a collector that is stuck can still say so.

Belongs here: the two pages. Does not belong here: what they say (monitoring).
It has no authentication, so it listens on the loopback address unless told otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6
from threading import Thread

from ingest.errors import MonitoringError
from ingest.monitoring import Monitor

_REQUEST_TIMEOUT_S = 10


@contextmanager
def serving(monitor: Monitor, *, host: str, port: int) -> Iterator[int]:
    """Answer for the monitor until the block ends; yields the port (one of the system's choice for port 0).

    Raises:
        MonitoringError: nobody can listen there.
    """

    class Handler(_Handler):
        told = monitor

    class Server(ThreadingHTTPServer):
        address_family = AF_INET6 if ":" in host else AF_INET
        daemon_threads = True

    try:
        server = Server((host, port), Handler)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MonitoringError(
            f"cannot serve metrics on {host}:{port} ({reason}): name another address with --metrics", port=port
        ) from error
    thread = Thread(target=server.serve_forever, name="monitoring", daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    told: Monitor
    timeout = _REQUEST_TIMEOUT_S
    server_version = "lineshaft"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer the two pages; everything else is not found."""
        page = self.path.partition("?")[0]
        if page == "/metrics":
            from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

            self._answer(200, CONTENT_TYPE_LATEST, generate_latest(self.told))
        elif page == "/healthz":
            health = self.told.health()
            body = json.dumps(asdict(health), sort_keys=True).encode()
            self._answer(200 if health.is_healthy else 503, "application/json", body)
        else:
            self._answer(404, "text/plain; charset=utf-8", b"There are /metrics and /healthz.\n")

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: a scrape every few seconds is no event."""

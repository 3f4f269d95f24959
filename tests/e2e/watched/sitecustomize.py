"""Loaded by every Python that has this folder on its path: notes each name looked up and each address called.

Belongs here: watching the demo for calls home. Python itself imports a module of this name at start.
"""

from __future__ import annotations

import os
import socket
from typing import Any

LOG = os.environ.get("LINESHAFT_TEST_OUTSIDE")
HERE = {None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0", socket.gethostname()}

if LOG:
    _look_up, _connect = socket.getaddrinfo, socket.socket.connect

    def _note(what: str) -> None:
        with open(LOG, "a", encoding="utf-8") as log:  # noqa: PTH123 - nothing more is imported at this early hour
            log.write(f"{what}\n")

    def _watched_look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in HERE:
            _note(f"outside: looked up {name}")
        return _look_up(host, *arguments, **options)

    def _watched_connect(self: socket.socket, address: Any) -> Any:
        if isinstance(address, tuple) and address[0] not in HERE:
            _note(f"outside: called {address[0]}")
        return _connect(self, address)

    socket.getaddrinfo = _watched_look_up
    socket.socket.connect = _watched_connect  # type: ignore[method-assign]
    _note("watching")

"""Where the collector's CPU goes: thread-time clocks around its stages, each stage less those inside it.

Belongs here: the clocks and which methods they are put around. Does not belong here: running the collector.

Two clock reads cost half a microsecond, so timed runs are runs of their own and never the ones that are compared. What
no clock covers is the event loop: sockets, framing, paho and aiomqtt, the gathering of batches: "receive".
"""

from __future__ import annotations

import functools
import importlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

AROUND = (
    ("decode", "ingest.decoder", "SiteDecoder", "decode"),
    ("session", "ingest.sparkplug.session", "Sessions", "observe"),
    ("session", "ingest.sparkplug.session", "Sessions", "expire"),
    ("land", "ingest.collector", "_Collector", "_write"),
    ("acknowledge", "ingest.broker.link", "DurableLink", "acknowledge"),
    ("state", "ingest.current_state", "CurrentState", "apply"),
    ("state", "ingest.current_state", "CurrentState", "save"),
)


class Stages:
    """CPU seconds by stage since `reset`, over all threads."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.missing: list[str] = []
        self._began = time.process_time()
        self._inner = threading.local()

    @classmethod
    def around_the_collector(cls) -> Stages:
        """Put the clocks in place; a method that is gone is listed in `missing`, and its time counts as receive."""
        stages = cls()
        for stage, module, owner, name in AROUND:
            found = getattr(importlib.import_module(module), owner, None)
            method = getattr(found, name, None)
            if method is None:
                stages.missing.append(f"{module}.{owner}.{name}")
            else:
                setattr(found, name, stages._timed(stage, method))
        return stages

    def reset(self) -> None:
        self.seconds.clear()
        self._began = time.process_time()

    def shares(self) -> dict[str, Any]:
        whole = time.process_time() - self._began
        return {**self.seconds, "receive": whole - sum(self.seconds.values()), "whole": whole, "missing": self.missing}

    def _timed(self, stage: str, method: Callable[..., Any]) -> Callable[..., Any]:
        inner = self._inner

        @functools.wraps(method)
        def timed(*args: Any, **options: Any) -> Any:
            outside = getattr(inner, "seconds", 0.0)
            inner.seconds, started = 0.0, time.thread_time()
            try:
                return method(*args, **options)
            finally:
                spent = time.thread_time() - started
                self.seconds[stage] += spent - inner.seconds
                inner.seconds = outside + spent

        return timed

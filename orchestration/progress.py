"""Hearing what a run in this process is doing, without its log on the screen.

Belongs here: a Dagster logger that turns step events into progress and timings.
Does not belong here: printing.

A run configured with this logger alone writes nothing to the terminal; its event log has everything.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import dagster as dg

Progress = Callable[[str, float], None]

RUN_CONFIG: Mapping[str, object] = {"loggers": {"progress": {"config": {}}}}


@dataclass
class Listener:
    """What one build has heard so far."""

    on_progress: Progress | None = None
    expected_step_count: int = 1
    seconds: dict[str, float] = field(default_factory=dict)
    _started: dict[str, float] = field(default_factory=dict)

    def hear(self, event_type: str, step_key: str) -> None:
        """Note one step event."""
        if event_type == "STEP_START":
            self._started[step_key] = time.monotonic()
            self.say(step_key)
        elif event_type in {"STEP_SUCCESS", "STEP_FAILURE"}:
            took = time.monotonic() - self._started.pop(step_key, time.monotonic())
            self.seconds[step_key] = self.seconds.get(step_key, 0.0) + took

    def say(self, what: str) -> None:
        """Tell the reader what is going on and how far along it is, by finished steps."""
        if self.on_progress:
            self.on_progress(what.replace("__", "."), min(len(self.seconds) / max(self.expected_step_count, 1), 1.0))


_LISTENER: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[Listener]:
    """Runs inside this block report to the listener."""
    token = _LISTENER.set(listener)
    try:
        yield listener
    finally:
        _LISTENER.reset(token)


class _StepHandler(logging.Handler):
    def __init__(self, listener: Listener | None) -> None:
        super().__init__(level=logging.DEBUG)
        self.listener = listener

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        if self.listener is not None and event is not None and event.step_key:
            self.listener.hear(event.event_type_value, event.step_key)


def _make_logger(init_context: dg.InitLoggerContext) -> logging.Logger:  # noqa: ARG001 - Dagster's signature
    # a logger of its own, so that nothing reaches the root logger's handlers
    logger = logging.Logger("lineshaft.progress", level=logging.DEBUG)
    logger.addHandler(_StepHandler(_LISTENER.get()))
    return logger


progress_logger = dg.LoggerDefinition(
    logger_fn=_make_logger, description="Reports steps to the embedded build; silent everywhere else."
)

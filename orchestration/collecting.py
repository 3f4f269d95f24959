"""A collector run from the command line: which brokers, when to stop, which signals.

Belongs here: wiring ingest.collector to a process. Does not belong here: collecting.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.site import Broker, Site

if TYPE_CHECKING:
    from ingest.collector import BatchReport, CollectReport


def sites_on(sites: Sequence[Site], *, broker_url: str | None, protocol: str | None) -> tuple[Site, ...]:
    """The sites as configured, or all of them on another broker.

    Raises:
        DeploymentError: the address or the protocol is not one.
    """
    from pydantic import ValidationError

    from orchestration.errors import DeploymentError

    if broker_url is None and protocol is None:
        return tuple(sites)
    moved = []
    for site in sites:
        values = site.broker.model_dump()
        values["url"] = broker_url or values["url"]
        values["protocol"] = protocol or values["protocol"]
        try:
            moved.append(site.model_copy(update={"broker": Broker(**values)}))
        except ValidationError as error:
            raise DeploymentError(f"--broker or --protocol: {error.errors()[0]['msg']}.") from error
    return tuple(moved)


def write_logs_to_standard_error() -> None:
    """Structured logs, one JSON object a line; standard output stays free for results."""
    import sys

    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


async def collect_until_stopped(
    sites: Sequence[Site],
    *,
    home: Path,
    collector_id: str = "collector",
    batch_seconds: float = 1.0,
    until_idle_s: float | None = None,
    on_ready: Callable[[], None] | None = None,
    on_batch: Callable[[BatchReport], None] | None = None,
) -> CollectReport:
    """Collect until SIGINT, SIGTERM, or `until_idle_s` without a batch."""
    from ingest.collector import collect
    from ingest.compaction import COMPACTOR_ID
    from ingest.quarantine import REPLAY_ID
    from orchestration.errors import DeploymentError

    if not re.fullmatch(r"[a-z0-9_-]{1,40}", collector_id) or collector_id in {REPLAY_ID, COMPACTOR_ID}:
        raise DeploymentError(
            f"A collector cannot be called '{collector_id}'; use up to 40 of a-z, 0-9, - and _, and neither "
            f"{REPLAY_ID} nor {COMPACTOR_ID}."
        )
    write_logs_to_standard_error()
    stop, alive = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)

    def landed(batch: BatchReport) -> None:
        alive.set()
        if on_batch is not None:
            on_batch(batch)

    async def watch(idle_s: float) -> None:
        while not stop.is_set():
            alive.clear()
            try:
                await asyncio.wait_for(alive.wait(), idle_s)
            except TimeoutError:
                stop.set()

    watching = asyncio.create_task(watch(until_idle_s)) if until_idle_s is not None else None
    try:
        return await collect(
            sites,
            home=home,
            stop=stop,
            on_ready=on_ready,
            on_batch=landed,
            batch_seconds=batch_seconds,
            collector_id=collector_id,
        )
    finally:
        if watching is not None:
            watching.cancel()

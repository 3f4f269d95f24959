"""A collector run from the command line: which brokers, when to stop, which signals.

Belongs here: wiring ingest.collector to a process. Does not belong here: collecting.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.lease import LeaseTerms
from ingest.site import Broker, Site

if TYPE_CHECKING:
    from ingest.monitoring import Monitor
    from ingest.report import BatchReport, CollectReport
    from ingest.standby import Standing

_SLUG = re.compile(r"[a-z0-9_-]{1,40}")


@dataclass(frozen=True, kw_only=True)
class Standby:
    """A standby group: its name, which is also that of its session at the broker, and where its lease is kept."""

    group: str
    database_url: str
    terms: LeaseTerms
    on_standing: Callable[[Standing], None] | None = None


def a_standby(
    *,
    group: str,
    database_url: str,
    lease_seconds: float,
    renew_seconds: float,
    on_standing: Callable[[Standing], None] | None = None,
) -> Standby:
    """Membership of a standby group.

    Raises:
        DeploymentError: the group's name is no slug, or the lease cannot be renewed in time.
    """
    from orchestration.errors import DeploymentError

    if not _SLUG.fullmatch(group):
        raise DeploymentError(f"A standby group cannot be called '{group}'; use up to 40 of a-z, 0-9, - and _.")
    try:
        terms = LeaseTerms(ttl_s=lease_seconds, renewal_s=renew_seconds, poll_s=min(1.0, renew_seconds))
    except ValueError as error:
        raise DeploymentError(f"--lease-seconds, --renew-seconds: {error}.") from error
    return Standby(group=group, database_url=database_url, terms=terms, on_standing=on_standing)


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
    metrics: str | None = None,
    on_ready: Callable[[], None] | None = None,
    on_batch: Callable[[BatchReport], None] | None = None,
    standby: Standby | None = None,
) -> CollectReport:
    """Collect until SIGINT, SIGTERM, or `until_idle_s` without a batch; as a member of a standby group, in turns.

    `metrics` is the address to serve numbers on.

    Raises:
        DeploymentError: the collector id or the address is none.
        MonitoringError: nobody can listen there.
    """
    from ingest.collector import collect
    from ingest.compaction import COMPACTOR_ID
    from ingest.monitoring import Monitor
    from ingest.quarantine import REPLAY_ID
    from orchestration.errors import DeploymentError

    if not _SLUG.fullmatch(collector_id) or collector_id in {REPLAY_ID, COMPACTOR_ID}:
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

    monitor = Monitor()
    options: dict[str, Any] = {
        "on_ready": on_ready,
        "on_batch": landed,
        "batch_seconds": batch_seconds,
        "monitor": monitor,
    }
    with _serving(monitor, metrics):
        watching = asyncio.create_task(watch(until_idle_s)) if until_idle_s is not None else None
        try:
            if standby is None:
                return await collect(sites, home=home, collector_id=collector_id, stop=stop, **options)
            return await _collect_in_turn(
                sites, home=home, collector_id=collector_id, stop=stop, standby=standby, **options
            )
        finally:
            if watching is not None:
                watching.cancel()


async def _collect_in_turn(
    sites: Sequence[Site], *, home: Path, collector_id: str, stop: asyncio.Event, standby: Standby, **options: Any
) -> CollectReport:
    from uuid import uuid4

    from ingest.standby import collect_in_turn
    from models.lease_store import LeaseStore

    access = LeaseStore(
        standby.database_url,
        name=standby.group,
        holder=f"{collector_id}:{uuid4().hex[:12]}",  # a collector started again is another holder
        ttl_s=standby.terms.ttl_s,
    )
    try:
        return await collect_in_turn(
            sites,
            home=home,
            collector_id=collector_id,
            access=access,
            terms=standby.terms,
            stop=stop,
            on_standing=standby.on_standing,
            **options,
        )
    finally:
        access.close()


@contextmanager
def _serving(monitor: Monitor, address: str | None) -> Iterator[None]:
    if address is None:
        yield
        return
    import structlog

    from ingest.monitoring_server import serving
    from orchestration.errors import DeploymentError

    found = re.fullmatch(r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})", address)
    if found is None or int(found["port"]) > 65_535:
        raise DeploymentError(f"--metrics: {address!r} is no address; write one as 127.0.0.1:9464.")
    with serving(monitor, host=found["ipv6"] or found["host"], port=int(found["port"])) as port:
        structlog.get_logger(__name__).info("serving_metrics", port=port)
        yield

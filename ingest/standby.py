"""Several collectors of which one collects: wait for the lease, collect while it is ours, stop at once when it is not.

Belongs here: a member's turns. Does not belong here: the lease's rule and rows (models), its clock and fence (lease),
what the next member inherits (succession), collecting (collector).

The members share the names of their sessions at the broker, so the one that takes over also ends the other's
connections: what a replaced collector still acknowledges reaches nobody. Each member keeps its own files, manifests
and lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import structlog

from ingest.collector import collect
from ingest.errors import LeaseLost, SessionTakenOver
from ingest.lease import LeaseTerms, Tenure, boot_clock
from ingest.report import BatchReport, CollectReport
from ingest.site import Site
from models.errors import StoreError
from models.lease import Lease

log = structlog.get_logger(__name__)


class Granted(Protocol):
    """What a lease store answers (models.collector_lease.Answer)."""

    @property
    def lease(self) -> Lease:
        """The lease as it stands."""

    @property
    def now(self) -> datetime:
        """The store's time."""

    @property
    def is_ours(self) -> bool:
        """Whether it is the asker's."""


class LeaseAccess(Protocol):
    """One member's way to its group's lease (models.lease_store.LeaseStore); its methods block."""

    name: str

    def claim(self) -> Granted:
        """Take it if it is free, renew it if it is ours."""

    def release(self) -> None:
        """Give it up."""


class Standing(NamedTuple):
    """What a member has become: of which group, at which token, and until when by the store's clock."""

    role: Literal["active", "standing_by"]
    lease: Lease | None


async def collect_in_turn(
    sites: Sequence[Site],
    *,
    home: Path,
    collector_id: str,
    access: LeaseAccess,
    terms: LeaseTerms,
    stop: asyncio.Event,
    on_standing: Callable[[Standing], None] | None = None,
    on_batch: Callable[[BatchReport], None] | None = None,
    **options: Any,
) -> CollectReport:
    """Collect whenever the group's lease is ours, until `stop` is set; returns what all turns landed.

    `options` are those of `ingest.collector.collect`. A turn ends without landing or acknowledging anything more when
    the lease is lost or another client takes the session. Otherwise raises what `collect` raises.
    """
    total = CollectReport()
    tell = on_standing or (lambda _: None)
    while not stop.is_set():
        tell(Standing("standing_by", None))
        tenure = await _wait_for_turn(access, terms, stop)
        if tenure is None:
            break
        tell(Standing("active", tenure.lease))
        renewing = asyncio.create_task(_renew(access, terms, tenure), name="lease")
        try:
            await collect(
                sites,
                home=home,
                collector_id=collector_id,
                stop=stop,
                session=access.name,
                tenure=tenure,
                on_batch=_counting(total, on_batch),
                **options,
            )
        except (LeaseLost, SessionTakenOver) as reason:
            log.warning("lease_lost", group=access.name, collector_id=collector_id, reason=str(reason))
            pause = terms.ttl_s if isinstance(reason, SessionTakenOver) else terms.poll_s
        else:
            pause = 0.0
        finally:
            await _end(renewing)
            await _release(access, collector_id)
        with suppress(TimeoutError):  # whoever took the session is given the time to be the active one
            await asyncio.wait_for(stop.wait(), pause)
    return total


def _counting(total: CollectReport, on_batch: Callable[[BatchReport], None] | None) -> Callable[[BatchReport], None]:
    def count(batch: BatchReport) -> None:
        total.add(batch)
        if on_batch is not None:
            on_batch(batch)

    return count


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _wait_for_turn(access: LeaseAccess, terms: LeaseTerms, stop: asyncio.Event) -> Tenure | None:
    """Ask until the lease is ours or `stop` is set; a store that does not answer is asked again."""
    while not stop.is_set():
        asked_at = boot_clock()
        try:
            answer = await asyncio.to_thread(access.claim)
        except StoreError as error:
            log.warning("lease_store_unreachable", group=access.name, reason=str(error))
        else:
            if answer.is_ours:
                log.info("lease_acquired", granted_at=answer.now.isoformat(), **_facts(answer.lease))
                return Tenure(answer.lease, ttl_s=terms.ttl_s, asked_at=asked_at)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), terms.poll_s)
    return None


async def _renew(access: LeaseAccess, terms: LeaseTerms, tenure: Tenure) -> None:
    """Renew until cancelled; an answer that names another holder ends the turn, no answer lets it run out."""
    while True:
        await asyncio.sleep(terms.renewal_s)
        asked_at = boot_clock()
        try:
            answer = await asyncio.to_thread(access.claim)
        except StoreError as error:
            log.warning("lease_not_renewed", group=access.name, reason=str(error), remaining_s=tenure.remaining_s)
            continue
        if not answer.is_ours or answer.lease.token != tenure.lease.token:
            tenure.end()
            return
        tenure.extend(asked_at=asked_at)
        log.debug("lease_renewed", **_facts(answer.lease))


def _facts(lease: Lease) -> dict[str, object]:
    return {
        "group": lease.name,
        "holder": lease.holder,
        "token": lease.token,
        "expires_at": lease.expires_at.isoformat(),
    }


async def _release(access: LeaseAccess, collector_id: str) -> None:
    """Let the next one begin; a lease that is another's by now is left alone."""
    try:
        await asyncio.to_thread(access.release)
    except StoreError as error:
        log.warning("lease_not_released", group=access.name, reason=str(error))
    else:
        log.info("lease_released", group=access.name, collector_id=collector_id)

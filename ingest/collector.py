"""The collector: receive, decode, land, then acknowledge; many sites in one process.

Belongs here: the task group, batching, the order "durable first, acknowledge second", health and a graceful stop.
Does not belong here: MQTT (broker), decoding (decoder), files (landing).

Disk trouble stops acknowledging, takes STATE offline and retries: the broker keeps what cannot be landed.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from ingest.arrival import Arrival
from ingest.broker import DurableLink, HostLink
from ingest.broker.connection import cancel_all
from ingest.current_state import CurrentState
from ingest.decoder import DecodedBatch, SiteDecoder
from ingest.durable import make_directory
from ingest.errors import CollectorLocked, IngestError, LandingError
from ingest.landing import Landing
from ingest.lease import Tenure, unfenced
from ingest.loss_ledger import Loss, append_loss
from ingest.mapping import EMPTY_MAPPING, load_mapping
from ingest.monitoring import Monitor, SiteStatus, measure
from ingest.quarantine.replays import WAITING_REASONS, edge_nodes_with_messages_waiting, replay_waiting
from ingest.records import UNHOLDABLE
from ingest.site import Site
from ingest.sparkplug import snapshot
from ingest.sparkplug.host import rebirth_command, rebirth_topic, state_payload, state_topic
from ingest.sparkplug.topic import parse_topic
from ingest.succession import succeed

log = structlog.get_logger(__name__)

IDLE_S = 1.0
STALLED_S = 0.05
SMALLEST_WINDOW = 20
"""What a 3.1.1 broker sends before it waits for acknowledgements, if nobody configured it."""
STATE_EVERY_S = 2.0
FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 15.0


@dataclass(frozen=True, kw_only=True)
class BatchReport:
    """One durable batch: what it held and the manifest that commits it."""

    manifest: str
    message_count: int
    reading_count: int
    event_count: int
    loss_count: int
    quarantined_count: int
    redelivered_count: int
    ignored_count: int
    waiting_count: int
    seconds: float


@dataclass(kw_only=True)
class CollectReport:
    """Everything one run landed. `landed + quarantined + redelivered + ignored` is what arrived, less commands."""

    batch_count: int = 0
    message_count: int = 0
    reading_count: int = 0
    event_count: int = 0
    loss_count: int = 0
    quarantined_count: int = 0
    redelivered_count: int = 0
    ignored_count: int = 0

    def add(self, batch: BatchReport) -> None:
        """Count one batch."""
        self.batch_count += 1
        for name in ("message", "reading", "event", "loss", "quarantined", "redelivered", "ignored"):
            total = getattr(self, f"{name}_count") + getattr(batch, f"{name}_count")
            setattr(self, f"{name}_count", total)


async def collect(
    sites: Sequence[Site],
    *,
    home: Path,
    stop: asyncio.Event | None = None,
    on_ready: Callable[[], None] | None = None,
    on_batch: Callable[[BatchReport], None] | None = None,
    batch_rows: int = 5_000,
    batch_seconds: float = 1.0,
    collector_id: str = "collector",
    session: str | None = None,
    tenure: Tenure | None = None,
    monitor: Monitor | None = None,
) -> CollectReport:
    """Collect until `stop` is set; returns what was landed.

    `on_ready` is called once, when every site's subscription stands. A batch is committed after `batch_rows`
    messages or `batch_seconds`, whichever comes first. `on_batch` is called in
    the event loop after each commit and acknowledgement; `monitor` is told the same by site, and may ask for the links'
    state at any time.

    `session` names the sessions at the broker where several collectors take turns (ingest.standby), each for the length
    of its `tenure`; by default they bear the collector's id.

    Raises:
        CollectorLocked: this id already runs on this home.
        SessionTakenOver: another client uses our identity.
        BrokerError: the environment lacks what a broker needs.
        LeaseLost: the tenure ended; nothing was landed or acknowledged since.
    """
    with collector_lock(home, collector_id) as lock:
        # Beside the loop, which renews the lease: reading what a large site left behind may take longer than a lease.
        collector = await asyncio.to_thread(
            _Collector,
            sites,
            home=home,
            collector_id=collector_id,
            session=session,
            tenure=tenure,
            monitor=monitor,
            lock=lock,
        )
        return await collector.run(
            stop=stop or asyncio.Event(),
            on_ready=on_ready,
            on_batch=on_batch,
            batch_rows=batch_rows,
            batch_seconds=batch_seconds,
        )


class Lock(NamedTuple):
    """A held collector id; the file's own time says until when its holder was alive."""

    path: Path
    last_alive_at: int | None
    """When the holder before this one was last seen, in ms UTC; None for the first."""

    def touch(self) -> None:
        """Say that the holder is alive; a disk that refuses this will say so at the next batch."""
        with suppress(OSError):
            os.utime(self.path)


@contextmanager
def collector_lock(home: Path, collector_id: str) -> Iterator[Lock]:
    """Hold a collector id on a home; the operating system lets go of it with the process, however that ends."""
    path = home / "state" / f"{collector_id}.lock"
    make_directory(path.parent)
    last_alive_at = path.stat().st_mtime_ns // 1_000_000 if path.exists() else None
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise CollectorLocked(
                f"collector {collector_id!r} already runs on {home} (process {file.read().strip() or 'unknown'}): "
                "stop it or choose another collector id",
                lock=path,
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield Lock(path, last_alive_at)


@dataclass(slots=True)
class _Lane:
    """One site's way through the collector."""

    site: Site
    link: DurableLink
    decoder: SiteDecoder
    state: CurrentState
    host: HostLink | None
    taken: list[Arrival] = field(default_factory=list)
    nameless: set[str] = field(default_factory=set)
    """Edge nodes of which something waits in quarantine for a birth."""

    def note_outages(self, batch: DecodedBatch) -> None:
        """Enter into the ledger when nobody listened to the site."""
        while self.link.outages:
            outage = self.link.outages.pop(0)
            loss = Loss(
                edge_node_id="",
                loss_kind="collector_offline" if outage.is_own_absence else "broker_unreachable",
                received_at=outage.until_at,
                detail="what the broker kept meanwhile comes late; the rest is lost",
                from_at=outage.from_at,
                until_at=outage.until_at,
            )
            append_loss(batch.rows, loss)

    def born_with_messages_waiting(self, batch: DecodedBatch) -> set[str]:
        """Edge nodes whose birth has just landed and of which messages waited for it."""
        quarantined = batch.rows.quarantine.lists
        for reason, topic in zip(quarantined["reason"], quarantined["topic"], strict=True):
            if reason in WAITING_REASONS:
                self.nameless.add(parse_topic(topic).edge_node_id)
        if not self.nameless:
            return set()
        messages = batch.rows.messages.lists
        born = {
            edge_node_id
            for message_type, edge_node_id in zip(messages["message_type"], messages["edge_node_id"], strict=True)
            if message_type in {"NBIRTH", "DBIRTH"}
        }
        return born & self.nameless


class _Collector:
    def __init__(
        self,
        sites: Sequence[Site],
        *,
        home: Path,
        collector_id: str,
        session: str | None = None,
        tenure: Tenure | None = None,
        monitor: Monitor | None = None,
        lock: Lock,
    ) -> None:
        self.lock = lock
        self.fence = unfenced if tenure is None else tenure.require
        token = None if tenure is None else tenure.lease.token
        self.landing = Landing(home, collector_id=collector_id, lease_token=token)
        for path in self.landing.remove_debris():
            log.info("debris_removed", path=str(path))
        self.arrived = asyncio.Event()
        self.hosts: dict[tuple[str, str], HostLink] = {}
        self.lanes = [
            self._lane(site, home=home, collector_id=collector_id, session=session or collector_id) for site in sites
        ]
        self.report = CollectReport()
        self.last_saved = 0.0
        self.replays: set[asyncio.Task[None]] = set()
        self.monitor = monitor or Monitor()
        self.monitor.watch(self._statuses)
        if session is None:
            self._restore()
            self._miss_since(lock.last_alive_at)
        else:
            succeed((lane.decoder for lane in self.lanes), home=home)

    def _lane(self, site: Site, *, home: Path, collector_id: str, session: str) -> _Lane:
        mapping = load_mapping(site.mapping) if site.mapping else EMPTY_MAPPING
        link = DurableLink(
            site.broker,
            client_id=site.client_id(session),
            filters=site.subscriptions,
            arrived=self.arrived,
            fence=self.fence,
        )
        host = None
        if site.is_sparkplug:  # one host application per broker, however many of its sites speak Sparkplug
            host = self.hosts.setdefault(
                (site.broker.url, site.host_id),
                HostLink(
                    site.broker,
                    client_id=f"lineshaft-{session}-host-{site.host_id}",
                    state_topic=state_topic(site.host_id),
                    state_payload=state_payload,
                    fence=self.fence,
                ),
            )
            host.filters = tuple(dict.fromkeys((*host.filters, *site.host_filters)))
        decoder = SiteDecoder(site, mapping=mapping)
        part = collector_id if site.share else None  # each sharer knows only what it heard
        state = CurrentState(home, site_id=site.site_id, mapping=mapping, part=part)
        return _Lane(site, link, decoder, state, host)

    def _read_what_waited(self, batches: list[DecodedBatch]) -> None:
        """Beside the landing: messages refused for want of the birth that has just landed are read again."""
        for lane, batch in zip(self.lanes, batches, strict=True):
            for edge_node_id in lane.born_with_messages_waiting(batch):
                task = asyncio.create_task(self._replay(lane, edge_node_id), name=f"replay-{edge_node_id}")
                self.replays.add(task)
                task.add_done_callback(self.replays.discard)

    async def _replay(self, lane: _Lane, edge_node_id: str) -> None:
        home = self.landing.home
        try:
            report = await asyncio.to_thread(replay_waiting, home, lane.site, edge_node_id=edge_node_id)
        except CollectorLocked:  # somebody replays by hand; the next birth tries again
            return
        except IngestError as error:
            log.warning("waiting_not_replayed", edge_node_id=edge_node_id[:200], reason=str(error)[:300])
            return
        if not report.refused:
            lane.nameless.discard(edge_node_id)
        log.info(
            "waiting_replayed",
            site_id=lane.site.site_id,
            edge_node_id=edge_node_id[:200],
            landed=len(report.landed),
            refused=len(report.refused),
        )

    def _miss_since(self, last_alive_at: int | None) -> None:
        """What sites said since this collector was last alive, nobody heard unless the broker kept it."""
        if self.landing.last is not None and last_alive_at is not None:
            for lane in self.lanes:
                lane.link.missed_since(last_alive_at)

    def _restore(self) -> None:
        if self.landing.last is None:
            return
        text = self.landing.births()
        births = json.loads(text) if text else {}
        positions = self.landing.last.edge_nodes
        recent = self.landing.recent_message_ids(20_000)
        for lane in self.lanes:
            site_id = lane.site.site_id
            snapshot.restore(
                lane.decoder.sessions, births=births.get(site_id, []), positions=positions.get(site_id, {})
            )
            lane.decoder.remember(recent)
            if lane.site.is_sparkplug:
                lane.nameless = edge_nodes_with_messages_waiting(self.landing.home, lane.site)

    async def run(
        self,
        *,
        stop: asyncio.Event,
        on_ready: Callable[[], None] | None,
        on_batch: Callable[[BatchReport], None] | None,
        batch_rows: int,
        batch_seconds: float,
    ) -> CollectReport:
        links = [asyncio.create_task(lane.link.run(), name=lane.link.client_id) for lane in self.lanes]
        hosts = [asyncio.create_task(host.run(), name=host.client_id) for host in self.hosts.values()]
        stopping = asyncio.create_task(stop.wait(), name="stop")
        readiness = asyncio.create_task(self._tell_when_ready(on_ready), name="readiness")
        ending = asyncio.Event()
        landing = asyncio.create_task(self._land_until(ending, on_batch, batch_rows, batch_seconds), name="landing")
        try:
            done, _ = await asyncio.wait({*links, *hosts, landing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            # First tell the plant that nobody listens, then land what was heard, then hang up.
            await _end(*hosts)
            ending.set()
            with suppress(asyncio.CancelledError):
                await asyncio.wait({landing})
                landing.exception()  # known here; what ended the run first is what is raised
            await asyncio.gather(*self.replays, return_exceptions=True)
            await _end(*links, stopping, readiness)
        landing.result()
        return self.report

    async def _tell_when_ready(self, on_ready: Callable[[], None] | None) -> None:
        await asyncio.gather(*(lane.link.is_ready.wait() for lane in self.lanes))
        if on_ready is not None:
            on_ready()

    async def _land_until(
        self,
        stop: asyncio.Event,
        on_batch: Callable[[BatchReport], None] | None,
        batch_rows: int,
        batch_seconds: float,
    ) -> None:
        while not stop.is_set():
            self.lock.touch()
            await self._gather(stop, batch_rows, batch_seconds)
            await self._land(stop, on_batch, batch_rows)
            self._update_health(is_landing=True)
        for host in self.hosts.values():
            host.is_healthy.clear()
        await self._land(stop, on_batch, batch_rows=10**9)
        await self._save_states(now=float("inf"))

    async def _gather(self, stop: asyncio.Event, batch_rows: int, batch_seconds: float) -> None:
        """Wait until there is a batch worth landing, or a second of silence has passed."""
        with suppress(TimeoutError):
            await asyncio.wait_for(_either(self.arrived, stop), IDLE_S)
        if not self.arrived.is_set():
            return
        deadline = time.monotonic() + batch_seconds
        before, changed_at = -1, time.monotonic()
        while (waiting := self._waiting()) < batch_rows and not stop.is_set():
            now = time.monotonic()
            if waiting != before:
                before, changed_at = waiting, now
            if now >= deadline or (now - changed_at > STALLED_S and self._is_window_full()):
                break
            await asyncio.sleep(0.005)

    def _is_window_full(self) -> bool:
        """Whether a 3.1.1 broker has stopped sending because it waits for us to acknowledge."""
        return any(
            lane.site.broker.protocol == "3.1.1" and len(lane.link.inbox) >= SMALLEST_WINDOW for lane in self.lanes
        )

    def _waiting(self) -> int:
        return sum(len(lane.link.inbox) for lane in self.lanes)

    async def _land(self, stop: asyncio.Event, on_batch: Callable[[BatchReport], None] | None, batch_rows: int) -> None:
        self.fence()
        started = time.monotonic()
        self.arrived.clear()
        for lane in self.lanes:
            lane.taken = lane.link.drain(batch_rows)
        if self._waiting():
            self.arrived.set()
        batches = await asyncio.to_thread(self._decode)
        for lane, batch in zip(self.lanes, batches, strict=True):
            lane.link.inbox.put_back(lane.taken[batch.arrival_count :])
            del lane.taken[batch.arrival_count :]
            lane.note_outages(batch)
        is_worth_a_file = any(len(columns) for batch in batches for columns in batch.rows.columns())
        if is_worth_a_file:
            await self._commit(batches, stop)
        self.fence()
        for lane in self.lanes:
            lane.link.acknowledge(lane.taken)
            lane.taken = []
        self._ask_for_rebirths(batches)
        self._read_what_waited(batches)
        if is_worth_a_file:
            for lane, batch in zip(self.lanes, batches, strict=True):
                lane.state.apply(batch)
            report = self._count(batches, time.monotonic() - started)
            self.report.add(report)
            measured = {lane.site.site_id: measure(batch) for lane, batch in zip(self.lanes, batches, strict=True)}
            self.monitor.note_batch(measured, seconds=report.seconds)
            if on_batch is not None:
                on_batch(report)
        await self._save_states(now=time.monotonic())

    def _decode(self) -> list[DecodedBatch]:
        now = time.time_ns() // 1_000_000
        return [lane.decoder.decode(lane.taken, now=now) for lane in self.lanes]

    async def _commit(self, batches: list[DecodedBatch], stop: asyncio.Event) -> None:
        """Land, and if the disk refuses, say so and try again; nothing is acknowledged meanwhile."""
        pause = FIRST_RETRY_S
        while True:
            self.fence()
            try:
                await asyncio.to_thread(self._write, batches)
            except LandingError as error:
                log.error("landing_failed", reason=str(error), retry_in_seconds=pause)  # noqa: TRY400  (one clear line)
                self.monitor.note_refusal()
                self._update_health(is_landing=False)
                if stop.is_set():
                    raise
            except UNHOLDABLE as error:
                count = sum(
                    lane.decoder.set_aside_unholdable(batch, lane.taken)
                    for lane, batch in zip(self.lanes, batches, strict=True)
                )
                log.error("values_set_aside", reason=str(error)[:300], message_count=count)  # noqa: TRY400  (as above)
                if not count:
                    raise
                continue
            else:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(pause * 2, LONGEST_RETRY_S)

    def _write(self, batches: list[DecodedBatch]) -> None:
        births = None
        sessions = {lane.site.site_id: lane.decoder.sessions for lane in self.lanes}
        if any(each.births_changed for each in sessions.values()):
            document = {site_id: snapshot.births(each) for site_id, each in sessions.items()}
            births = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        positions: dict[str, Any] = {site_id: snapshot.positions(each) for site_id, each in sessions.items()}
        self.landing.commit(
            (batch.rows for batch in batches),
            births=births,
            edge_nodes={site_id: each for site_id, each in positions.items() if each},
        )
        for each in sessions.values():
            each.births_changed = False

    def _ask_for_rebirths(self, batches: list[DecodedBatch]) -> None:
        now = time.time_ns() // 1_000_000
        for lane, batch in zip(self.lanes, batches, strict=True):
            for edge_node_id in batch.rebirths:
                if lane.host is None or lane.site.group_id is None:
                    continue
                metric = lane.decoder.sessions.node(edge_node_id).rebirth_metric
                topic = rebirth_topic(group_id=lane.site.group_id, edge_node_id=edge_node_id)
                lane.host.command(topic, rebirth_command(timestamp=now, metric=metric))
                log.info("rebirth_requested", site_id=lane.site.site_id, edge_node_id=edge_node_id)

    def _update_health(self, *, is_landing: bool) -> None:
        """A host is online while the disk takes batches and every Sparkplug site of its broker is subscribed."""
        for host in self.hosts.values():
            ready = all(lane.link.is_ready.is_set() for lane in self.lanes if lane.host is host)
            if is_landing and ready:
                host.is_healthy.set()
            else:
                host.is_healthy.clear()

    def _statuses(self) -> dict[str, SiteStatus]:
        """What the monitor asks for, from a thread of its own: each value is read once and may be a moment old."""
        return {lane.site.site_id: _status(lane) for lane in self.lanes}

    def _count(self, batches: list[DecodedBatch], seconds: float) -> BatchReport:
        rows = [batch.rows for batch in batches]
        return BatchReport(
            manifest=self.landing.last.path if self.landing.last else "",
            message_count=sum(len(each.messages) for each in rows),
            reading_count=sum(len(each.readings) for each in rows),
            event_count=sum(len(each.events) for each in rows),
            loss_count=sum(len(each.losses) for each in rows),
            quarantined_count=sum(len(each.quarantine) for each in rows),
            redelivered_count=sum(batch.redelivered_count for batch in batches),
            ignored_count=sum(batch.ignored_count for batch in batches),
            waiting_count=self._waiting(),
            seconds=seconds,
        )

    async def _save_states(self, *, now: float) -> None:
        if now - self.last_saved < STATE_EVERY_S:
            return
        self.last_saved = now
        for lane in self.lanes:
            if lane.state.is_changed:
                try:
                    await asyncio.to_thread(lane.state.save)
                except LandingError as error:  # a picture of now, not the record: the next one will do
                    log.warning("state_not_saved", reason=str(error))


def _status(lane: _Lane) -> SiteStatus:
    taken, inbox = list(lane.taken[:1]), lane.link.inbox
    waiting_count = len(inbox)
    return SiteStatus(
        is_subscribed=lane.link.is_ready.is_set(),
        is_host_online=None if lane.host is None else lane.host.is_online,
        waiting_count=waiting_count,
        unacknowledged_count=len(lane.taken) + waiting_count,
        oldest_received_at=taken[0].received_at if taken else inbox.oldest_received_at,
    )


async def _either(*events: asyncio.Event) -> None:
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(*tasks)


async def _end(*tasks: asyncio.Task[Any]) -> None:
    await cancel_all(tasks)

"""The collector: receive, decode, land, then acknowledge; many sites in one process.

Belongs here: the task group, batching, the order "durable first, acknowledge second", health and a graceful stop.
Does not belong here: MQTT (broker), decoding (decoder), files (landing).

Disk trouble stops acknowledging, takes STATE offline and retries: the broker keeps what cannot be landed.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog

from ingest.broker import DurableLink, HostLink
from ingest.broker.connection import cancel_all
from ingest.current_state import CurrentState
from ingest.decoder import DecodedBatch, SiteDecoder
from ingest.errors import CollectorLocked, IngestError, LandingError
from ingest.landing import Landing
from ingest.lane import Lane
from ingest.lease import Tenure, unfenced
from ingest.lock import Lock, collector_lock
from ingest.mapping import EMPTY_MAPPING, load_mapping
from ingest.monitoring import Monitor, SiteStatus, measure
from ingest.quarantine.replays import edge_nodes_with_messages_waiting, replay_waiting
from ingest.records import UNHOLDABLE
from ingest.report import BatchReport, CollectReport
from ingest.site import Site
from ingest.sparkplug import flat_payload, snapshot
from ingest.sparkplug.host import rebirth_command, rebirth_topic, state_payload, state_topic
from ingest.succession import succeed

log = structlog.get_logger(__name__)

IDLE_S = 1.0
STALLED_S = 0.05
SMALLEST_WINDOW = 20
"""What a 3.1.1 broker sends before it waits for acknowledgements, if nobody configured it."""
STATE_EVERY_S = 2.0
FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 15.0


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
    with collector_lock(home, collector_id) as lock, seldom_collected():
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


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let Python look for cycles a few times a batch instead of hundreds of times.

    A batch is tens of thousands of small tuples and no cycle; looking for some cost a third of decoding (29 against 20
    CPU-µs a message). What cycles there are, of connections that ended, still go.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


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
        flat_payload.prepare()
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

    def _lane(self, site: Site, *, home: Path, collector_id: str, session: str) -> Lane:
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
        return Lane(site, link, decoder, state, host)

    def _read_what_waited(self, batches: list[DecodedBatch]) -> None:
        """Beside the landing: messages refused for want of the birth that has just landed are read again."""
        for lane, batch in zip(self.lanes, batches, strict=True):
            for edge_node_id in lane.born_with_messages_waiting(batch):
                task = asyncio.create_task(self._replay(lane, edge_node_id), name=f"replay-{edge_node_id}")
                self.replays.add(task)
                task.add_done_callback(self.replays.discard)

    async def _replay(self, lane: Lane, edge_node_id: str) -> None:
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
        waiting = self._waiting()
        while True:  # what was heard until now, and not what goes on coming in
            waiting -= await self._land(stop, on_batch, batch_rows)
            if waiting <= 0:
                break
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

    async def _land(self, stop: asyncio.Event, on_batch: Callable[[BatchReport], None] | None, batch_rows: int) -> int:
        """Decode, land, acknowledge; returns how many arrivals that was."""
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
        count = sum(len(lane.taken) for lane in self.lanes)
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
        return count

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
        return {lane.site.site_id: lane.status() for lane in self.lanes}

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


async def _either(*events: asyncio.Event) -> None:
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(*tasks)


async def _end(*tasks: asyncio.Task[Any]) -> None:
    await cancel_all(tasks)

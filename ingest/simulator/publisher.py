"""Carrying out a plan on a real broker: connections, pace, rebirths, wills, and the count of it all.

Belongs here: the thin shell around the pure plan. Does not belong here: what plants do (plan), one connection's care
(connection).

Actions are carried out in the plan's order by one thread; paho's own threads only move bytes. A rebirth asked for by
NCMD is answered before the node's next message, or at once while waiting for the next action's time.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from ingest.errors import PayloadError
from ingest.simulator.actions import Action, Connect, Disconnect, Drop, Publish, PublishSparkplug
from ingest.simulator.connection import TIMEOUT_S, BrokerAddress, Connection
from ingest.simulator.errors import PublishError
from ingest.simulator.plan import Plan
from ingest.simulator.publication import Publication, Tally
from ingest.sparkplug.metrics import Metric
from ingest.sparkplug.payload import REBIRTH, parse_payload

WATCHER_ID = "sim-watcher"
PROGRESS_EVERY = 250

Progress = Callable[[int, int], None]
"""Called with (actions done, actions in all)."""


async def publish(
    plan: Plan,
    *,
    broker_url: str,
    speed: float | None = None,
    on_progress: Progress | None = None,
    username: str | None = None,
    password: str | None = None,
) -> Publication:
    """Publish a whole plan; `speed` in simulated seconds per second, None for as fast as the broker takes it."""
    loop = asyncio.get_running_loop()

    def report(done: int, total: int) -> None:
        if on_progress is not None:
            loop.call_soon_threadsafe(on_progress, done, total)

    run = _Run(
        plan=plan,
        address=BrokerAddress(url=broker_url, username=username, password=password),
        speed=speed,
        report=report,
    )
    try:
        return await asyncio.to_thread(run.carry_out)
    except asyncio.CancelledError:
        run.cancel()
        raise


@dataclass(kw_only=True)
class _Session:
    """What the shell must know to answer a rebirth: births as said, values as they stand, seq as it runs."""

    connection: Connection
    will_topic: str | None
    births: dict[str, PublishSparkplug] = field(default_factory=dict)
    present: dict[int, Metric] = field(default_factory=dict)
    seq: int = 0
    last_ms: int = 0

    def next_seq(self) -> int:
        seq, self.seq = self.seq, (self.seq + 1) % 256
        return seq

    def remember(self, action: PublishSparkplug) -> None:
        if action.is_birth:
            self.births[action.topic] = action
        for metric in action.metrics:
            if metric.alias is not None and not metric.is_historical:
                self.present[metric.alias] = metric


class _Run:
    """One plan being carried out."""

    def __init__(
        self, *, plan: Plan, address: BrokerAddress, speed: float | None, report: Callable[[int, int], None]
    ) -> None:
        self._plan = plan
        self._address = address
        self._speed = speed
        self._report = report
        self._tally = Tally(site_by_group=plan.site_by_group)
        self._sessions: dict[str, _Session] = {}
        self._wake = threading.Event()
        self._is_cancelled = False
        self._watcher: Connection | None = None

    def cancel(self) -> None:
        """Stop before the next action."""
        self._is_cancelled = True
        self._wake.set()

    def carry_out(self) -> Publication:
        """All actions, in order."""
        began = time.monotonic()
        self._watcher = Connection(address=self._address, client_id=WATCHER_ID, wake=threading.Event())
        try:
            self._carry_out(self._plan.actions, began)
            self._watcher.disconnect()
        except BaseException:
            for connection in (*(s.connection for s in self._sessions.values()), self._watcher):
                connection.abandon()
            raise
        return self._tally.publication(
            expected_quarantine=self._plan.expected_quarantine, elapsed_s=time.monotonic() - began
        )

    def _carry_out(self, actions: Iterable[Action], began: float) -> None:
        first_ms: int | None = None
        done = 0
        for done, action in enumerate(actions, start=1):
            if first_ms is None:
                first_ms = action.at_ms
            if self._speed is not None:
                self._wait_until(began + (action.at_ms - first_ms) / 1000 / self._speed)
            if self._wake.is_set():
                self._answer_commands()
            if self._is_cancelled:
                raise PublishError("the simulation was cancelled", url=self._address.url)
            self._do(action)
            if done % PROGRESS_EVERY == 0:
                self._report(done, self._plan.action_count)
        self._report(done, done)

    def _wait_until(self, moment: float) -> None:
        while not self._is_cancelled and (left := moment - time.monotonic()) > 0:
            if self._wake.wait(left):
                self._answer_commands()

    def _do(self, action: Action) -> None:
        match action:
            case Connect():
                self._connect(action)
            case Publish():
                self._sessions[action.client_id].connection.publish(
                    topic=action.topic, payload=action.payload, qos=action.qos
                )
                self._tally.count(topic=action.topic, payload=action.payload)
            case PublishSparkplug():
                session = self._sessions[action.client_id]
                session.last_ms = action.at_ms
                session.remember(action)
                self._send(session, action)
            case Drop():
                self._cut(action)
            case Disconnect():
                self._sessions.pop(action.client_id).connection.disconnect()

    def _connect(self, action: Connect) -> None:
        connection = Connection(address=self._address, client_id=action.client_id, will=action.will, wake=self._wake)
        if action.command_topic is not None:
            connection.subscribe(action.command_topic)
        will_topic = None if action.will is None else action.will.topic
        self._sessions[action.client_id] = _Session(connection=connection, will_topic=will_topic)

    def _send(self, session: _Session, action: PublishSparkplug) -> None:
        payload = action.encode(seq=session.next_seq())
        session.connection.publish(topic=action.topic, payload=payload, qos=0)
        self._tally.count(topic=action.topic, payload=payload)

    def _cut(self, action: Drop) -> None:
        """Cut the line and wait for the will: it is counted because it was seen, not because it was hoped for."""
        session = self._sessions.pop(action.client_id)
        watcher = self._watcher
        assert watcher is not None  # noqa: S101  (carry_out connects it first)
        if session.will_topic is None:
            session.connection.cut()
            return
        watcher.received.clear()
        watcher.subscribe(session.will_topic)
        session.connection.cut()
        until = time.monotonic() + TIMEOUT_S
        while not watcher.received:
            if time.monotonic() > until:
                raise PublishError(
                    f"{self._address.url} did not publish the will of {action.client_id}", url=self._address.url
                )
            time.sleep(0.005)
        topic, payload = watcher.received.popleft()
        self._tally.count(topic=topic, payload=payload)
        self._tally.will_count += 1

    def _answer_commands(self) -> None:
        self._wake.clear()
        for session in list(self._sessions.values()):
            asked = False
            while session.connection.received:
                asked = _is_rebirth(session.connection.received.popleft()[1]) or asked
            if asked and session.births:
                self._be_reborn(session)

    def _be_reborn(self, session: _Session) -> None:
        """Births again, in the same session: seq from 0, bd_seq unchanged, values as they stand."""
        session.seq = 0
        self._tally.rebirth_count += 1
        for birth in session.births.values():
            metrics = tuple(self._as_it_stands(session, metric) for metric in birth.metrics)
            self._send(session, replace(birth, at_ms=session.last_ms, metrics=metrics))

    @staticmethod
    def _as_it_stands(session: _Session, metric: Metric) -> Metric:
        present = None if metric.alias is None else session.present.get(metric.alias)
        if present is None:
            return replace(metric, timestamp=session.last_ms)
        return replace(metric, value=present.value, timestamp=present.timestamp)


def _is_rebirth(payload: bytes) -> bool:
    try:
        command = parse_payload(payload)
    except PayloadError:
        return False
    return any(metric.name == REBIRTH and metric.boolean_value for metric in command.metrics)

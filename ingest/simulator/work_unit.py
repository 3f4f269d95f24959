"""One work unit's life: the clock, the states, the samples; what machining and compression share.

Belongs here: advancing time in whole milliseconds, sampling on the telemetry grid and at every change of state,
failures and overhauls. Does not belong here: what a machine makes (machining, compression), bytes on the wire.

Two samples of one work unit never share an instant: a change of state takes the place of the telemetry due then.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from ingest.simulator.scenario import State
from ingest.simulator.shift_calendar import Span
from ingest.simulator.wear import MS_PER_HOUR, Wear

MINUTE_MS = 60_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(ms: int) -> str:
    """A millisecond of UTC as ISO-8601 text ending in Z."""
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What a work unit says of itself at one instant, in the enterprise's words and base units."""

    at_ms: int
    work_unit_id: str
    is_state_change: bool
    state: State
    work_order_id: str
    counters: dict[str, int]
    sensors: dict[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """Something the site's MES will report as an event of this type."""

    at_ms: int
    event_type: str
    work_unit_id: str
    members: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A stretch in which the work unit cannot work, by the clock on the wall."""

    state: State
    until_ms: int
    maintenance: dict[str, Any] | None = None


class WorkUnitLife(ABC):
    """The life of one work unit between two instants; `live` fills `samples` and `happenings`."""

    failure_modes: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        work_unit_id: str,
        physical_asset_id: str,
        rng: np.random.Generator,
        wear: Wear,
        start_ms: int,
        end_ms: int,
        period_ms: int,
        off_period_ms: int,
        repair_hours: tuple[float, float],
        preventive_ms: list[int],
    ) -> None:
        self.work_unit_id = work_unit_id
        self.physical_asset_id = physical_asset_id
        self.rng = rng
        self.wear = wear
        self.now = start_ms
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.samples: list[Sample] = []
        self.happenings: list[Happening] = []
        self.state: State = "off"
        self.work_order_id = ""
        self._period_ms = period_ms
        self._off_period_ms = off_period_ms
        self._next_tick = -(-start_ms // period_ms) * period_ms
        self._said: tuple[State, str] | None = None
        self._repair_hours = repair_hours
        self._preventive_ms = sorted(preventive_ms)
        self._block: Block | None = None
        self._failure_count = 0
        self._maintenance_count = 0
        for due in self._preventive_ms:
            self._plan_preventive(due)

    @abstractmethod
    def counters(self) -> dict[str, int]:
        """Cumulative counters as they stand."""

    @abstractmethod
    def sensors(self) -> dict[str, float]:
        """Sensors under load; empty when there is nothing to measure."""

    @abstractmethod
    def accumulate(self, *, elapsed_ms: int) -> None:
        """Let counters and wear grow by time spent in the present state."""

    @abstractmethod
    def work(self, *, until_ms: int, kind: str) -> None:
        """Spend a span in which the work unit could work."""

    def live(self, spans: list[Span]) -> None:
        """Spend the whole window."""
        for span in spans:
            while self.now < span.until_ms:
                if self._block is not None:
                    self._sit_out(span.until_ms)
                else:
                    self.work(until_ms=span.until_ms, kind=span.kind)

    def advance(self, until_ms: int) -> None:
        """Stay in the present state until then, sampling on the way."""
        if until_ms <= self.now:
            return
        if self._said != (self.state, self.work_order_id):
            self._said = (self.state, self.work_order_id)
            self._sample(is_state_change=True)
            if self._next_tick == self.now:
                self._next_tick += self._period_ms
        while self._next_tick < until_ms:
            self._grow(self._next_tick)
            if self.state != "off" or self._next_tick % self._off_period_ms == 0:
                self._sample(is_state_change=False)
            self._next_tick += self._period_ms
        self._grow(until_ms)

    def block(self, *, state: State, minutes: float) -> None:
        """Stop working for a while."""
        self._block = Block(state=state, until_ms=self.now + max(1, int(minutes * MINUTE_MS)))

    def tell(self, event_type: str, *, at_ms: int | None = None, **members: Any) -> None:
        """Leave something for the MES to report."""
        at = self.now if at_ms is None else at_ms
        self.happenings.append(
            Happening(at_ms=at, event_type=event_type, work_unit_id=self.work_unit_id, members=members)
        )

    def until_preventive(self) -> int:
        """When the next planned overhaul is due, or the end."""
        return self._preventive_ms[0] if self._preventive_ms else self.end_ms

    def fail(self) -> None:
        """Break down by wear: the supplier answers for it, and stays until it runs again."""
        self._failure_count += 1
        failure_id = f"ef-{self.work_unit_id}-{self._failure_count:03d}"
        mode = self.failure_modes[int(self.rng.integers(len(self.failure_modes)))]
        self.tell("equipment_failure", event_id=failure_id, **self._failure(failure_id, mode, "supplier"))
        hours = float(self.rng.uniform(*self._repair_hours))
        waiting_ms = int(self.rng.uniform(10, 40) * MINUTE_MS)
        order = self._maintenance_order("corrective", planned_start_at=None, failure_event_id=failure_id)
        started = {**order, "actual_start_at": iso(self.now + waiting_ms)}
        self.tell("maintenance_order", at_ms=self.now + waiting_ms, **started, status="started", actual_end_at=None)
        self._block = Block(state="aborted", until_ms=self.now + int(hours * MS_PER_HOUR), maintenance=started)

    def stop_for_operator(self, *, mode: str, minutes: float) -> None:
        """Stop for a reason the operator answers for; only long ones are reported as failures."""
        if minutes >= 45:
            self._failure_count += 1
            failure_id = f"ef-{self.work_unit_id}-{self._failure_count:03d}"
            self.tell("equipment_failure", event_id=failure_id, **self._failure(failure_id, mode, "operator"))
        self.block(state="stopped", minutes=minutes)

    def overhaul(self) -> None:
        """Begin the planned overhaul that is due."""
        due = self._preventive_ms.pop(0)
        started = {**self._preventive_order(due), "actual_start_at": iso(self.now)}
        self.tell("maintenance_order", **started, status="started", actual_end_at=None)
        hours = float(self.rng.uniform(2.5, 4.5))
        self._block = Block(state="maintenance", until_ms=self.now + int(hours * MS_PER_HOUR), maintenance=started)

    def _sit_out(self, until_ms: int) -> None:
        block = self._block
        assert block is not None  # noqa: S101  (live asks only while blocked)
        self.state = block.state
        self.advance(min(block.until_ms, until_ms))
        if self.now < block.until_ms:
            return
        self._block = None
        if block.maintenance is not None:
            self.tell("maintenance_order", **block.maintenance, status="completed", actual_end_at=iso(self.now))
            self.wear.overhaul()

    def _grow(self, until_ms: int) -> None:
        if until_ms > self.now:
            self.accumulate(elapsed_ms=until_ms - self.now)
            self.now = until_ms

    def _sample(self, *, is_state_change: bool) -> None:
        self.samples.append(
            Sample(
                at_ms=self.now,
                work_unit_id=self.work_unit_id,
                is_state_change=is_state_change,
                state=self.state,
                work_order_id=self.work_order_id,
                counters=self.counters(),
                sensors={} if is_state_change or self.state != "executing" else self.sensors(),
            )
        )

    def _failure(self, failure_id: str, mode: str, attribution: str) -> dict[str, Any]:
        return {
            "failure_id": failure_id,
            "work_unit_id": self.work_unit_id,
            "physical_asset_id": self.physical_asset_id,
            "failure_mode": mode,
            "attribution": attribution,
        }

    def _maintenance_order(
        self, maintenance_type: str, *, planned_start_at: str | None, failure_event_id: str | None, number: int = 0
    ) -> dict[str, Any]:
        self._maintenance_count += 0 if number else 1
        kind = "mc" if maintenance_type == "corrective" else "mp"
        return {
            "maintenance_order_id": f"{kind}-{self.work_unit_id}-{number or self._maintenance_count:03d}",
            "work_unit_id": self.work_unit_id,
            "physical_asset_id": self.physical_asset_id,
            "maintenance_type": maintenance_type,
            "planned_start_at": planned_start_at,
            "failure_event_id": failure_event_id,
        }

    def _preventive_order(self, due_ms: int) -> dict[str, Any]:
        number = 1 + (due_ms - self.start_ms) // (24 * MS_PER_HOUR)
        return self._maintenance_order("preventive", planned_start_at=iso(due_ms), failure_event_id=None, number=number)

    def _plan_preventive(self, due_ms: int) -> None:
        at = max(self.start_ms + MINUTE_MS, due_ms - 7 * 24 * MS_PER_HOUR)
        order = self._preventive_order(due_ms)
        self.tell("maintenance_order", at_ms=at, **order, status="planned", actual_start_at=None, actual_end_at=None)

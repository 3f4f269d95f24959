"""A machining centre's life: orders, setups, cycles, minor stops, scrap, wear.

Belongs here: what it makes and how its counters and sensors move. Does not belong here: time keeping and maintenance
(work_unit), orders (order_book).
"""

from __future__ import annotations

import math
from typing import Any

from ingest.simulator.order_book import OrderBook, WorkOrder
from ingest.simulator.scenario import Machining
from ingest.simulator.shift_calendar import epoch_ms
from ingest.simulator.troubles import MeterChange
from ingest.simulator.wear import MS_PER_HOUR
from ingest.simulator.work_unit import MINUTE_MS, WorkUnitLife, iso

POWER_KW = {
    "executing": 13.6,
    "setup": 5.2,
    "held": 4.1,
    "idle": 3.4,
    "aborted": 0.8,
    "stopped": 3.0,
    "maintenance": 0.9,
    "off": 0.15,
}
OPERATOR_STOPS = ("tool breakage", "program error", "chip jam", "missing fixture")
RUNNING_HOURS_PER_DAY = 18.0


class MachiningLife(WorkUnitLife):
    """The life of one machining centre."""

    failure_modes = ("spindle bearing wear", "ball screw wear", "spindle drive fault")

    def __init__(
        self, *, habits: Machining, order_book: OrderBook, meter_changes: tuple[MeterChange, ...], **shared: Any
    ) -> None:
        super().__init__(**shared)
        self._habits = habits
        self._orders = order_book
        self._meter_changes = sorted((epoch_ms(c.at), c.new_start_value) for c in meter_changes)
        self._good = habits.opening.good_count
        self._scrap = habits.opening.scrap_count
        self._running_ms = habits.opening.running_time_s * 1000
        self._energy_wh = float(habits.opening.energy_wh)
        self._order: WorkOrder | None = None
        self._order_start_ms = 0
        self._order_good = 0
        self._order_scrap = 0
        self._setup_left_ms = 0
        self._cycle_ms = 1
        self._into_cycle_ms = 0
        self._to_minor_stop_ms = self._draw_minor_stop()
        self._to_operator_stop_ms = self._draw_operator_stop()
        self._last_material = ""
        self._was_off = True
        self._base = {
            "vibration": float(self.rng.uniform(1.1, 1.5)),
            "bearing_temperature": float(self.rng.uniform(39.0, 44.0)),
            "spindle_load": float(self.rng.uniform(50.0, 57.0)),
        }

    def counters(self) -> dict[str, int]:
        """Good, scrap, running seconds, watt-hours."""
        return {
            "good_count": self._good,
            "scrap_count": self._scrap,
            "running_time_s": self._running_ms // 1000,
            "energy_wh": int(self._energy_wh),
        }

    def sensors(self) -> dict[str, float]:
        """Vibration, bearing temperature and spindle load under cut."""
        noise = self.rng.standard_normal(3)
        worn = self.wear.degradation
        warmth = 2.4 * math.sin((self.now / MS_PER_HOUR - 9.0) / 24.0 * 2.0 * math.pi)
        return {
            "vibration": round(self._base["vibration"] * (1.0 + 1.6 * worn + 0.06 * float(noise[0])), 4),
            "bearing_temperature": round(
                self._base["bearing_temperature"] + warmth + 19.0 * worn + 0.9 * float(noise[1]), 3
            ),
            "spindle_load": round(self._base["spindle_load"] + 8.0 * worn + 2.2 * float(noise[2]), 2),
        }

    def accumulate(self, *, elapsed_ms: int) -> None:
        """Make parts while executing; draw power always."""
        self._energy_wh += POWER_KW[self.state] * elapsed_ms / 3600.0
        until = self.now + elapsed_ms
        while self._meter_changes and self._meter_changes[0][0] <= until:
            at, start_value = self._meter_changes.pop(0)
            self._produce(at - (until - elapsed_ms))
            elapsed_ms = until - at
            self._replace_counter(at, start_value)
        self._produce(elapsed_ms)

    def work(self, *, until_ms: int, kind: str) -> None:
        """One step of a span: off, break or work."""
        if kind != "work":
            self.state = "off" if kind == "off" else "idle"
            self._was_off = self._was_off or kind == "off"
            self.advance(until_ms)
        elif self.until_preventive() <= self.now:
            self.overhaul()
        elif self._was_off:
            self._was_off = False
            self.block(state="idle", minutes=float(self.rng.uniform(3, 8)))
        elif self._order is None:
            self._begin_order()
        elif self._setup_left_ms > 0:
            self.state = "setup"
            before = self.now
            self.advance(min(until_ms, self.now + self._setup_left_ms))
            self._setup_left_ms -= self.now - before
        else:
            self._execute(until_ms)

    def _execute(self, until_ms: int) -> None:
        order = self._order
        assert order is not None  # noqa: S101  (work begins an order first)
        self.state = "executing"
        pace = self._habits.speed_ratio * float(self.rng.normal(1.0, 0.025))
        share = self._into_cycle_ms / self._cycle_ms
        self._cycle_ms = max(1000, round(order.run_time_ms / pace))
        self._into_cycle_ms = int(share * self._cycle_ms)
        left = order.planned_quantity - self._order_good - self._order_scrap
        self.advance(
            self.now
            + min(
                until_ms - self.now,
                max(1, left * self._cycle_ms - self._into_cycle_ms),
                self.wear.remaining_ms,
                self._to_minor_stop_ms,
                self._to_operator_stop_ms,
                max(1, self.until_preventive() - self.now),
            )
        )
        if self._order_good + self._order_scrap >= order.planned_quantity:
            self._complete_order(order)
        if self.wear.has_failed:
            self.fail()
        elif self._to_operator_stop_ms <= 0:
            self._to_operator_stop_ms = self._draw_operator_stop()
            mode = OPERATOR_STOPS[int(self.rng.integers(len(OPERATOR_STOPS)))]
            self.stop_for_operator(mode=mode, minutes=float(_held(self.rng.lognormal(3.6, 0.5), 15, 150)))
        elif self._to_minor_stop_ms <= 0:
            self._to_minor_stop_ms = self._draw_minor_stop()
            self.block(state="held", minutes=float(_held(self.rng.lognormal(1.6, 0.6), 1, 25)))

    def _produce(self, elapsed_ms: int) -> None:
        if self.state != "executing" or elapsed_ms <= 0:
            return
        self._running_ms += elapsed_ms
        self._to_minor_stop_ms -= elapsed_ms
        self._to_operator_stop_ms -= elapsed_ms
        self.wear.grow(elapsed_ms)
        made, self._into_cycle_ms = divmod(self._into_cycle_ms + elapsed_ms, self._cycle_ms)
        order = self._order
        assert order is not None  # noqa: S101  (nothing executes without an order)
        made = min(made, order.planned_quantity - self._order_good - self._order_scrap)
        scrap = int(self.rng.binomial(made, min(0.4, self._habits.scrap_ratio * (0.75 + 0.7 * self.wear.degradation))))
        self._good += made - scrap
        self._scrap += scrap
        self._order_good += made - scrap
        self._order_scrap += scrap

    def _begin_order(self) -> None:
        order = self._orders.draw(at_ms=self.now)
        self._order, self.work_order_id, self._order_start_ms = order, order.work_order_id, self.now
        self._order_good = self._order_scrap = 0
        changeover = 38.0 if order.material_id != self._last_material else 11.0
        self._setup_left_ms = int(changeover * float(self.rng.uniform(0.7, 1.4)) * MINUTE_MS)
        self._last_material = order.material_id
        self._into_cycle_ms = 0
        self.tell("work_response", **self._response(order, status="started", end_ms=None))
        self.tell("order_started", order=order)

    def _complete_order(self, order: WorkOrder) -> None:
        self.tell("work_response", **self._response(order, status="completed", end_ms=self.now))
        self.tell(
            "order_completed",
            order=order,
            good_quantity=self._order_good,
            scrap_quantity=self._order_scrap,
            worn=self.wear.degradation,
        )
        self._order, self.work_order_id = None, ""
        if self.rng.random() < 0.55:
            self.block(state="idle", minutes=float(self.rng.uniform(4, 30)))

    def _response(self, order: WorkOrder, *, status: str, end_ms: int | None) -> dict[str, Any]:
        return {
            "work_order_id": order.work_order_id,
            "work_unit_id": self.work_unit_id,
            "status": status,
            "actual_start_at": iso(self._order_start_ms),
            "actual_end_at": None if end_ms is None else iso(end_ms),
            "good_quantity": self._order_good,
            "scrap_quantity": self._order_scrap,
            "material_id": order.material_id,
        }

    def _replace_counter(self, at_ms: int, start_value: int) -> None:
        self.tell(
            "meter_change",
            at_ms=at_ms,
            work_unit_id=self.work_unit_id,
            physical_asset_id=self.physical_asset_id,
            metric="good_count",
            old_final_value=self._good,
            new_start_value=start_value,
            unit_code="H87",
        )
        self._good = start_value

    def _draw_minor_stop(self) -> int:
        mean = RUNNING_HOURS_PER_DAY / max(self._habits.minor_stops_per_day, 1e-6)
        return max(1, int(self.rng.exponential(mean) * MS_PER_HOUR))

    def _draw_operator_stop(self) -> int:
        mean = 6.0 * RUNNING_HOURS_PER_DAY / max(self._habits.operator_stops_per_week, 1e-6)
        return max(1, int(self.rng.exponential(mean) * MS_PER_HOUR))


def _held(value: float, low: float, high: float) -> float:
    """A value held between two bounds."""
    return min(max(value, low), high)

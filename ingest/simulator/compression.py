"""A compressor's life: it follows the demand for air, and wears.

Belongs here: air delivered, energy, load and sensors. Does not belong here: time keeping and maintenance (work_unit).
"""

from __future__ import annotations

import math
from typing import Any

from ingest.simulator.scenario import Compression
from ingest.simulator.wear import MS_PER_HOUR
from ingest.simulator.work_unit import WorkUnitLife

DEMAND_BY_KIND = {"work": 1.0, "break": 0.72, "off": 0.2}
IDLE_POWER_KW = {
    "idle": 16.0,
    "held": 16.0,
    "aborted": 0.6,
    "stopped": 1.2,
    "maintenance": 0.5,
    "off": 0.2,
    "setup": 2.0,
}
SPECIFIC_POWER_KW_PER_M3_MIN = 6.1


class CompressionLife(WorkUnitLife):
    """The life of one compressor."""

    failure_modes = ("airend bearing wear", "separator clogged", "inlet valve fault")

    def __init__(self, *, habits: Compression, **shared: Any) -> None:
        super().__init__(**shared)
        self._habits = habits
        self._air_l = float(habits.opening.air_volume_l)
        self._running_ms = habits.opening.running_time_s * 1000
        self._energy_wh = float(habits.opening.energy_wh)
        self._demand = 1.0
        self._swing = 0.0
        self._load = habits.demand_ratio
        self._to_idle_ms = self._draw_idle()
        self._base = {
            "vibration": float(self.rng.uniform(2.0, 2.6)),
            "discharge_temperature": float(self.rng.uniform(78.0, 83.0)),
            "discharge_pressure": float(self.rng.uniform(7.4, 7.6)),
            "motor_current": float(self.rng.uniform(96.0, 102.0)),
        }

    def counters(self) -> dict[str, int]:
        """Litres (which start again at the modulus), running seconds, watt-hours."""
        litres = int(self._air_l)
        if self._habits.air_volume_modulus_l is not None:
            litres %= self._habits.air_volume_modulus_l
        return {
            "air_volume_l": litres,
            "running_time_s": self._running_ms // 1000,
            "energy_wh": int(self._energy_wh),
        }

    def sensors(self) -> dict[str, float]:
        """Vibration, discharge temperature and pressure, motor current on load."""
        noise = self.rng.standard_normal(4)
        worn = self.wear.degradation
        warmth = 3.0 * math.sin((self.now / MS_PER_HOUR - 9.0) / 24.0 * 2.0 * math.pi)
        load = self._load
        return {
            "vibration": round(self._base["vibration"] * (1.0 + 1.3 * worn + 0.05 * float(noise[0])), 4),
            "discharge_temperature": round(
                self._base["discharge_temperature"] + warmth + 4.0 * (load - 0.6) + 15.0 * worn + 0.8 * float(noise[1]),
                3,
            ),
            "discharge_pressure": round(self._base["discharge_pressure"] - 0.35 * worn + 0.05 * float(noise[2]), 3),
            "motor_current": round(
                self._base["motor_current"] * (0.45 + 0.55 * load) * (1.0 + 0.07 * worn) + 0.9 * float(noise[3]), 2
            ),
        }

    def accumulate(self, *, elapsed_ms: int) -> None:
        """Deliver air at the demand of the hour."""
        if self.state != "executing":
            self._energy_wh += IDLE_POWER_KW[self.state] * elapsed_ms / 3600.0
            return
        self._swing = 0.8 * self._swing + 0.05 * float(self.rng.standard_normal())
        self._load = min(1.0, max(0.08, self._habits.demand_ratio * self._demand * (1.0 + self._swing)))
        minutes = elapsed_ms / 60_000
        air_m3 = self._habits.free_air_m3_per_min * self._load * minutes
        self._air_l += air_m3 * 1000.0
        self._energy_wh += air_m3 * SPECIFIC_POWER_KW_PER_M3_MIN / 60.0 * 1000.0 * (1.0 + 0.06 * self.wear.degradation)
        self._running_ms += elapsed_ms
        self._to_idle_ms -= elapsed_ms
        self.wear.grow(elapsed_ms)

    def work(self, *, until_ms: int, kind: str) -> None:
        """One step of a span; a compressor that runs always keeps the pressure at night too."""
        self._demand = DEMAND_BY_KIND[kind]
        if kind == "off" and self._habits.runs == "shifts":
            self.state = "off"
            self.advance(until_ms)
        elif self.until_preventive() <= self.now:
            self.overhaul()
        else:
            self.state = "executing"
            step = min(
                until_ms - self.now,
                self.wear.remaining_ms,
                self._to_idle_ms,
                max(1, self.until_preventive() - self.now),
            )
            self.advance(self.now + step)
            if self.wear.has_failed:
                self.fail()
            elif self._to_idle_ms <= 0:
                self._to_idle_ms = self._draw_idle()
                self.block(state="idle", minutes=float(self.rng.uniform(6, 25)))

    def _draw_idle(self) -> int:
        return max(1, int(self.rng.exponential(9.0) * MS_PER_HOUR))

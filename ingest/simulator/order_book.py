"""Customer orders and the work orders derived from them, for one work unit.

Belongs here: what is to be made next, for whom, in what quantity and by when. Does not belong here: making it
(machining), material (material_flow).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from ingest.simulator.wear import MS_PER_HOUR
from ingest.simulator.work_unit import Happening, iso

DAY_MS = 24 * MS_PER_HOUR


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkOrder:
    """One job: so many of a material on one work unit."""

    work_order_id: str
    customer_order_id: str
    material_id: str
    planned_quantity: int
    run_time_ms: int
    is_last: bool
    """Whether the customer order is complete with it."""


class OrderBook:
    """Hands out work orders; announces each customer and work order before it is due."""

    def __init__(
        self,
        *,
        work_unit_id: str,
        materials: tuple[str, ...],
        run_times_ms: dict[str, int],
        customers: tuple[str, ...],
        rng: np.random.Generator,
        start_ms: int,
    ) -> None:
        self._work_unit_id = work_unit_id
        self._materials = materials
        self._run_times_ms = run_times_ms
        self._customers = customers
        self._rng = rng
        self._start_ms = start_ms
        self._waiting: deque[WorkOrder] = deque()
        self._customer_order_count = 0
        self._work_order_count = 0
        self.happenings: list[Happening] = []

    def draw(self, *, at_ms: int) -> WorkOrder:
        """The next work order, released some hours before."""
        if not self._waiting:
            self._accept_customer_order(at_ms)
        order = self._waiting.popleft()
        released = max(self._start_ms + 2_000, at_ms - int(self._rng.uniform(8, 26) * MS_PER_HOUR))
        hours = order.planned_quantity * order.run_time_ms / MS_PER_HOUR
        planned_start = at_ms + int(self._rng.uniform(-2.0, 1.0) * MS_PER_HOUR)
        self._announce(
            released,
            "work_order",
            work_order_id=order.work_order_id,
            customer_order_id=order.customer_order_id,
            material_id=order.material_id,
            work_unit_id=self._work_unit_id,
            planned_quantity=order.planned_quantity,
            unit_code="H87",
            planned_start_at=iso(planned_start),
            planned_end_at=iso(planned_start + int(hours / 0.78 * MS_PER_HOUR)),
            status="released",
        )
        return order

    def _accept_customer_order(self, at_ms: int) -> None:
        self._customer_order_count += 1
        number = self._work_unit_id.rpartition("_")[2]
        customer_order_id = f"co-{number}-{self._customer_order_count:04d}"
        position = (self._customer_order_count - 1) % len(self._materials)
        material_id = self._materials[position]
        run_time_ms = self._run_times_ms[material_id]
        quantities = [
            10 * max(2, round(float(self._rng.uniform(3.5, 8.5)) * MS_PER_HOUR / run_time_ms / 10))
            for _ in range(int(self._rng.integers(2, 5)))
        ]
        for index, quantity in enumerate(quantities):
            self._work_order_count += 1
            self._waiting.append(
                WorkOrder(
                    work_order_id=f"wo-{number}-{self._work_order_count:04d}",
                    customer_order_id=customer_order_id,
                    material_id=material_id,
                    planned_quantity=quantity,
                    run_time_ms=run_time_ms,
                    is_last=index == len(quantities) - 1,
                )
            )
        accepted = max(self._start_ms + 1_000, at_ms - int(self._rng.uniform(30, 120) * MS_PER_HOUR))
        promised = at_ms + len(quantities) * DAY_MS // 2 + int(self._rng.uniform(1, 5) * DAY_MS)
        self._announce(
            accepted,
            "customer_order",
            customer_order_id=customer_order_id,
            party_id=self._customer_of(material_id),
            material_id=material_id,
            ordered_quantity=sum(quantities),
            unit_code="H87",
            promised_date=iso(promised)[:10],
        )

    def _customer_of(self, material_id: str) -> str:
        finished = sorted(self._run_times_ms)
        return self._customers[finished.index(material_id) * len(self._customers) // len(finished)]

    def _announce(self, at_ms: int, event_type: str, **members: object) -> None:
        self.happenings.append(
            Happening(at_ms=at_ms, event_type=event_type, work_unit_id=self._work_unit_id, members=dict(members))
        )

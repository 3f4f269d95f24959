"""Lots of one site: received and inspected, consumed, produced and tested, shipped.

Belongs here: what happens to material because orders start and end. Does not belong here: the orders (order_book,
machining), how an event is written (mes_events).
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingest.simulator.enterprise_rows import MaterialRow
from ingest.simulator.order_book import WorkOrder
from ingest.simulator.wear import MS_PER_HOUR
from ingest.simulator.work_unit import MINUTE_MS, Happening

REORDER_BELOW = 2_400
WEAK_SUPPLIER_SHIFT_MM = 0.11
INSPECTED_PER_RECEIPT = 50


@dataclass(kw_only=True, slots=True)
class Lot:
    """A lot in stock."""

    material_lot_id: str
    quantity: int


class MaterialFlow:
    """The stock of one site and what the MES reports of it."""

    def __init__(
        self,
        *,
        site_id: str,
        materials: tuple[MaterialRow, ...],
        bill_of_material: dict[str, str],
        customer_by_order: dict[str, str],
        weak_suppliers: frozenset[str],
        rng: np.random.Generator,
        start_ms: int,
    ) -> None:
        self._site_id = site_id
        self._materials = {m.material_id: m for m in materials}
        self._raw_of = bill_of_material
        self._customer_by_order = customer_by_order
        self._weak_suppliers = weak_suppliers
        self._rng = rng
        self._stock: dict[str, deque[Lot]] = defaultdict(deque)
        self._finished: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self._receipt_count = 0
        self._test_count = 0
        self._start_ms = start_ms
        self.happenings: list[Happening] = []

    def follow(self, happenings: list[Happening]) -> None:
        """Walk through a site's orders in time order."""
        for happening in sorted(happenings, key=lambda h: (h.at_ms, h.work_unit_id)):
            if happening.event_type == "order_started":
                self._consume(happening.at_ms, happening.members["order"], happening.work_unit_id)
            elif happening.event_type == "order_completed":
                self._finish(happening, happening.members["order"])

    def _consume(self, at_ms: int, order: WorkOrder, work_unit_id: str) -> None:
        raw = self._raw_of[order.material_id]
        if raw not in self._stock:
            self._receive(max(self._start_ms + 500, at_ms - 6 * MS_PER_HOUR), raw)
        needed = order.planned_quantity
        while needed > 0:
            lot = self._stock[raw][0]
            taken = min(needed, lot.quantity)
            self._move(
                at_ms,
                work_unit_id,
                lot.material_lot_id,
                material_id=raw,
                movement="consumed",
                quantity=taken,
                work_order_id=order.work_order_id,
            )
            lot.quantity -= taken
            needed -= taken
            if lot.quantity == 0:
                self._stock[raw].popleft()
            if not self._stock[raw]:
                self._receive(max(self._start_ms + 500, at_ms - 2 * MS_PER_HOUR), raw)
        if sum(lot.quantity for lot in self._stock[raw]) < REORDER_BELOW:
            self._receive(at_ms + int(self._rng.uniform(0.5, 5) * MS_PER_HOUR), raw)

    def _receive(self, at_ms: int, raw: str) -> None:
        self._receipt_count += 1
        supplier = self._materials[raw].supplier_party_id or ""
        lot_id = f"rl-{self._site_id}-{self._receipt_count:04d}"
        quantity = 50 * int(self._rng.integers(36, 72))
        self._move(at_ms, "", lot_id, material_id=raw, movement="received", quantity=quantity, party_id=supplier)
        shift = WEAK_SUPPLIER_SHIFT_MM if supplier in self._weak_suppliers else 0.0
        measured = round(8.0 + shift + 0.12 * float(self._rng.standard_normal()), 3)
        chance = 0.035 if supplier in self._weak_suppliers else 0.008
        rejected = int(self._rng.binomial(INSPECTED_PER_RECEIPT, chance))
        self._test(
            at_ms + 45 * MINUTE_MS,
            lot_id,
            raw,
            characteristic="wall_thickness",
            measured=measured,
            limits=(7.7, 8.3),
            inspected=INSPECTED_PER_RECEIPT,
            rejected=rejected,
            accepts=2,
        )
        self._stock[raw].append(Lot(material_lot_id=lot_id, quantity=quantity))

    def _finish(self, happening: Happening, order: WorkOrder) -> None:
        at_ms, unit = happening.at_ms, happening.work_unit_id
        good = int(happening.members["good_quantity"])
        lot_id = f"fl-{order.work_order_id}"
        if good > 0:
            self._move(
                at_ms,
                unit,
                lot_id,
                material_id=order.material_id,
                movement="produced",
                quantity=good,
                work_order_id=order.work_order_id,
            )
            self._finished[order.customer_order_id].append((lot_id, good))
            drift = 0.011 * float(happening.members["worn"])
            self._test(
                at_ms + 12 * MINUTE_MS,
                lot_id,
                order.material_id,
                characteristic="bore_diameter",
                measured=round(25.0 + drift + 0.0045 * float(self._rng.standard_normal()), 4),
                limits=(24.979, 25.021),
                inspected=20,
                rejected=int(self._rng.binomial(20, 0.006 + 0.02 * float(happening.members["worn"]))),
                accepts=1,
                work_order_id=order.work_order_id,
                work_unit_id=unit,
            )
        if order.is_last:
            shipped_at = at_ms + int(self._rng.uniform(3, 16) * MS_PER_HOUR)
            for lot, quantity in self._finished.pop(order.customer_order_id, []):
                self._move(
                    shipped_at,
                    unit,
                    lot,
                    material_id=order.material_id,
                    movement="shipped",
                    quantity=quantity,
                    party_id=self._customer_by_order[order.customer_order_id],
                    customer_order_id=order.customer_order_id,
                )

    def _move(
        self,
        at_ms: int,
        work_unit_id: str,
        material_lot_id: str,
        *,
        material_id: str,
        movement: str,
        quantity: int,
        party_id: str | None = None,
        work_order_id: str | None = None,
        customer_order_id: str | None = None,
    ) -> None:
        self._tell(
            at_ms,
            "lot_movement",
            work_unit_id,
            material_lot_id=material_lot_id,
            material_id=material_id,
            movement=movement,
            quantity=quantity,
            unit_code=self._materials[material_id].unit_code,
            party_id=party_id,
            work_order_id=work_order_id,
            customer_order_id=customer_order_id,
        )

    def _test(
        self,
        at_ms: int,
        material_lot_id: str,
        material_id: str,
        *,
        characteristic: str,
        measured: float,
        limits: tuple[float, float],
        inspected: int,
        rejected: int,
        accepts: int,
        work_order_id: str | None = None,
        work_unit_id: str | None = None,
    ) -> None:
        self._test_count += 1
        passed = limits[0] <= measured <= limits[1] and rejected <= accepts
        self._tell(
            at_ms,
            "test_result",
            work_unit_id or "",
            test_result_id=f"tr-{self._site_id}-{self._test_count:05d}",
            material_lot_id=material_lot_id,
            material_id=material_id,
            work_order_id=work_order_id,
            work_unit_id=work_unit_id,
            characteristic=characteristic,
            measured_value=measured,
            unit_code="MMT",
            lower_limit=limits[0],
            upper_limit=limits[1],
            result="pass" if passed else "fail",
            inspected_quantity=inspected,
            rejected_quantity=rejected,
        )

    def _tell(self, at_ms: int, event_type: str, work_unit_id: str, /, **members: Any) -> None:
        self.happenings.append(
            Happening(at_ms=at_ms, event_type=event_type, work_unit_id=work_unit_id, members=members)
        )

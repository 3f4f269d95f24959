"""A tiny plant written by hand into a warehouse file: what the loader would have brought, row by row.

Belongs here: readable statements about a plant (a site, a shift, a state at a time, a counter at a time) and the rows
they become in the loader's and the store's own tables. Does not belong here: what any of it means; the tests say that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa

from models.export import reference_tables
from models.store import open_store
from orchestration.warehouse.reference import copy_reference_tables
from orchestration.warehouse.schema import create_schema

CATEGORIES = {
    "executing": ("production", None),
    "setup": ("setup", None),
    "held": ("delay", "operator"),
    "idle": ("delay", "operator"),
    "aborted": ("down", "supplier"),
    "stopped": ("down", "operator"),
    "maintenance": ("planned_down", "planned"),
    "off": ("not_planned", None),
}
UNITS = {"good_count": "C62", "scrap_count": "C62", "running_time": "SEC", "energy": "KWH", "air_volume": "MTQ"}
ROLES = {"state": "state", "work_order": "context", **dict.fromkeys(UNITS, "counter")}


def at(text: str) -> datetime:
    """A UTC instant as the warehouse keeps it, without zone: `at("2026-03-03 09:00")`."""
    return datetime.fromisoformat(text)


@dataclass
class Plant:
    """Rows by table; `write` makes a warehouse of them."""

    rows: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    _sites: dict[str, str] = field(default_factory=dict)
    _mapped: set[tuple[str, str]] = field(default_factory=set)
    _messages: set[str] = field(default_factory=set)

    def add(self, table: str, **row: object) -> None:
        self.rows.setdefault(table, []).append(row)

    def site(self, site_id: str, *, time_zone: str = "UTC") -> None:
        self.add(
            "operations.site",
            site_id=site_id,
            enterprise_id="tiny",
            name=site_id,
            time_zone=time_zone,
            country_code="DE",
            operator_party_id="operator",
        )
        for state, (category, attribution) in CATEGORIES.items():
            self.add(
                "operations.state_category",
                site_id=site_id,
                state=state,
                time_category=category,
                attribution=attribution,
                mapping_version=1,
            )

    def shift(
        self,
        shift_id: str,
        *,
        site_id: str,
        hours: tuple[str, str],
        pause: tuple[str | None, str | None] = (None, None),
        iso_weekdays: str = "1234567",
    ) -> None:
        self.add(
            "operations.shift",
            shift_id=shift_id,
            site_id=site_id,
            name=shift_id,
            iso_weekdays=iso_weekdays,
            start_local_time=hours[0],
            end_local_time=hours[1],
            break_start_local_time=pause[0],
            break_end_local_time=pause[1],
        )

    def work_unit(
        self, work_unit_id: str, *, site_id: str, equipment_class: str = "mill", is_filled: bool = True
    ) -> str:
        """A work unit and the physical asset that fills it, whose id is returned; unless it stands beside it."""
        self._sites[work_unit_id] = site_id
        center, area, asset = f"{site_id}_line", f"{site_id}_hall", f"asset-{work_unit_id}"
        known = {row["equipment_id"] for row in self.rows.get("operations.equipment", [])}
        for equipment_id, level, parent in (
            (site_id, "site", None),
            (area, "area", site_id),
            (center, "work_center", area),
            (work_unit_id, "work_unit", center),
        ):
            if equipment_id not in known:
                self.add(
                    "operations.equipment",
                    equipment_id=equipment_id,
                    equipment_level=level,
                    parent_equipment_id=parent,
                    site_id=site_id,
                    name=equipment_id,
                    equipment_class=equipment_class if level == "work_unit" else None,
                )
        self.add(
            "operations.physical_asset",
            physical_asset_id=asset,
            serial_number=work_unit_id,
            equipment_class=equipment_class,
            model_name="Tiny 1",
            manufacturer_party_id="oem",
            commissioned_date=date(2025, 1, 1),
        )
        if is_filled:
            self.add(
                "operations.asset_assignment",
                asset_assignment_id=len(self.rows.get("operations.asset_assignment", [])) + 1,
                physical_asset_id=asset,
                work_unit_id=work_unit_id,
                assigned_from_at=at("2025-01-01"),
            )
        return asset

    def planned_run_time(self, material_id: str, seconds: str, *, equipment_class: str = "mill") -> None:
        self.add(
            "operations.material_definition",
            material_id=material_id,
            name=material_id,
            material_type="finished",
            unit_code="C62",
        )
        self.add(
            "operations.process_segment",
            process_segment_id=f"make_{material_id}",
            material_id=material_id,
            equipment_class=equipment_class,
            planned_run_time_per_item_s=Decimal(seconds),
        )

    def reading(
        self,
        work_unit_id: str,
        metric: str,
        event_at: datetime,
        value: str,
        *,
        historical: bool = False,
        message_id: str | None = None,
        received_at: datetime | None = None,
    ) -> None:
        role = ROLES.get(metric, "sensor")
        if (work_unit_id, metric) not in self._mapped:
            self._mapped.add((work_unit_id, metric))
            self.add(
                "raw.metric_mapping",
                site_id=self._sites[work_unit_id],
                edge_node_id="line",
                device_id=work_unit_id,
                metric_name=metric,
                work_unit_id=work_unit_id,
                metric=metric,
                metric_role=role,
                unit_code=UNITS.get(metric),
                factor=Decimal(1),
                unit_offset=Decimal(0),
            )
        readings = self.rows.setdefault("raw.reading", [])
        is_text = role in ("state", "context")
        message_id = message_id or f"m{len(readings):06d}"
        received_at = received_at or event_at + timedelta(seconds=1)
        self.message(
            self._sites[work_unit_id],
            message_id,
            device_id=work_unit_id,
            sent_at=received_at if historical else event_at,
            received_at=received_at,
        )
        readings.append(
            {
                "message_id": message_id,
                "metric_index": 0,
                "site_id": self._sites[work_unit_id],
                "edge_node_id": "line",
                "device_id": work_unit_id,
                "metric_name": metric,
                "value_decimal": None if is_text else Decimal(value),
                "value_double": None if is_text else float(value),
                "value_text": value if is_text else None,
                "quality": 192,
                "event_at": event_at,
                "received_at": received_at,
                "is_historical": historical,
                "flags": "",
                "landed_file": "landing/readings/site=tiny/day=2026-03-03/0.parquet",
                "file_row": len(readings),
            }
        )

    def message(
        self,
        site_id: str,
        message_id: str,
        *,
        device_id: str,
        sent_at: datetime,
        received_at: datetime,
        message_type: str = "DDATA",
        **session: object,
    ) -> None:
        """A message as it came, once; `session` names its edge node, bd_seq, birth_at and seq where they matter."""
        if message_id in self._messages:
            return
        self._messages.add(message_id)
        self.add(
            "raw.message",
            message_id=message_id,
            site_id=site_id,
            message_type=message_type,
            device_id=device_id,
            event_at=sent_at,
            received_at=received_at,
            reading_count=1,
            flags="",
            **{"edge_node_id": "line", **session},
        )

    def states(self, work_unit_id: str, *changes: tuple[str, str]) -> None:
        for event_at, state in changes:
            self.reading(work_unit_id, "state", at(event_at), state)

    def counter(self, work_unit_id: str, metric: str, *values: tuple[str, str]) -> None:
        for event_at, value in values:
            self.reading(work_unit_id, metric, at(event_at), value)

    def event(self, site_id: str, event_type: str, event_at: str, **members: object) -> None:
        events = self.rows.setdefault("raw.event", [])
        event_id = str(members.get("failure_id") or f"e{len(events):04d}")
        events.append(
            {
                "message_id": f"v{len(events):06d}",
                "site_id": site_id,
                "event_type": event_type,
                "event_id": event_id,
                "event_at": at(event_at),
                "received_at": at(event_at),
                "payload": json.dumps(
                    {
                        "event_id": event_id,
                        "event_type": event_type,
                        "event_at": f"{event_at.replace(' ', 'T')}:00Z",
                        **members,
                    }
                ),
                "flags": "",
            }
        )

    def work_order(self, work_unit_id: str, work_order_id: str, *, material_id: str, started: str) -> None:
        """A released order that the unit names from that time on."""
        self.event(
            self._sites[work_unit_id],
            "work_order",
            started,
            work_order_id=work_order_id,
            material_id=material_id,
            work_unit_id=work_unit_id,
            planned_quantity=1000,
            unit_code="C62",
            planned_start_at=f"{started.replace(' ', 'T')}:00Z",
            planned_end_at=f"{started[:10]}T23:00:00Z",
            status="released",
        )
        self.reading(work_unit_id, "work_order", at(started), work_order_id)

    def contract(self, contract_id: str, *physical_asset_ids: str, time_zone: str) -> None:
        self.add(
            "operations.contract",
            contract_id=contract_id,
            contract_version=1,
            name=contract_id,
            seller_party_id="oem",
            buyer_party_id="operator",
            currency_code="EUR",
            time_zone=time_zone,
            start_date=date(2026, 1, 1),
            billing_period="month",
            payment_terms_days=30,
            tax_category="S",
            tax_rate_percent=Decimal(19),
        )
        for asset in physical_asset_ids:
            self.add(
                "operations.contract_asset",
                contract_id=contract_id,
                physical_asset_id=asset,
                covered_from_date=date(2026, 1, 1),
            )

    def write(self, path: Path) -> None:
        """A warehouse file with these rows in the loader's own tables; the file must not exist yet."""
        path.parent.mkdir(parents=True, exist_ok=True)
        store = open_store(f"sqlite:///{path.with_suffix('.sqlite')}")
        with duckdb.connect(str(path)) as connection:
            connection.execute("set timezone = 'UTC'")
            create_schema(connection)
            copy_reference_tables(connection, tables=reference_tables(store))
            for table, rows in self.rows.items():
                _insert(connection, table, rows)
        store.dispose()


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[dict[str, object]]) -> None:
    rows = list(rows)
    names = sorted({name for row in rows for name in row})
    incoming = pa.table({name: [row.get(name) for row in rows] for name in names})
    connection.register("incoming", incoming)
    connection.execute(f"insert into {table} by name select * from incoming")
    connection.unregister("incoming")

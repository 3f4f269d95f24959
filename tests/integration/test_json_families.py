"""JSON as plants speak it, through a real broker and collector into the warehouse: what lands is what was published."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import aiomqtt

from ingest.collector import collect
from ingest.current_state import read_state
from ingest.quarantine import read_quarantine
from ingest.report import CollectReport
from ingest.site import Site
from orchestration.warehouse.landed import read_landed_files
from orchestration.warehouse.loader import load_files
from orchestration.warehouse.schema import EVENT as EVENT_TABLE
from orchestration.warehouse.schema import READING, open_warehouse
from tests.builders.sparkplug import a_json_site, a_umh_site
from tests.integration.brokers import Mosquitto, a_mosquitto

AT = datetime(2026, 3, 1, 0, 0, 0)  # noqa: DTZ001  (the warehouse's times carry no zone)
AT_S = 1_772_323_200
MTY, CGN = "acme/mx/mty", "umh/v1/meridian/cologne"
CNC, PUMP = "a/linea/cnc_201", "milling/pump_1"


class Said(NamedTuple):
    """One publication, and the rows it must become: device, metric, number or text, flags, seconds after AT."""

    topic: str
    payload: str | bytes
    rows: tuple[tuple[str, str, Decimal | str | None, str, float | None], ...]


def at_once(
    device: str, *values: tuple[str, Decimal | str | None], flags: str = "", after: float = 0
) -> tuple[Any, ...]:
    return tuple((device, metric, value, flags, after) for metric, value in values)


def on_receipt(device: str, *values: tuple[str, Decimal | str | None], flags: str = "no_timestamp") -> tuple[Any, ...]:
    return tuple((device, metric, value, flags, None) for metric, value in values)


PLAIN = (
    Said(
        f"{MTY}/{CNC}/husillo/motor",
        json.dumps({"timestamp": AT_S * 1000 + 250, "carga": 0.1, "piezas": 12345678901234567890, "fase": {"a": None}}),
        at_once(
            CNC,
            ("husillo/motor/carga", Decimal("0.1")),
            ("husillo/motor/piezas", Decimal(12345678901234567890)),
            ("husillo/motor/fase/a", None),
            after=0.25,
        ),
    ),
    Said(f"{MTY}/{CNC}", f'{{"ts": {AT_S}, "modo": 7}}', at_once(CNC, ("modo", Decimal(7)))),
    Said(f"{MTY}/{CNC}/temp", "21.50", on_receipt(CNC, ("temp", Decimal("21.5")))),
    Said(f"{MTY}/{CNC}/estado", '"MARCHA"', on_receipt(CNC, ("estado", "MARCHA"))),
    Said(f"{MTY}/{CNC}/puerta", "true", on_receipt(CNC, ("puerta", "true"))),
    Said(
        f"{MTY}/a/linea/energia",
        "1e400",
        on_receipt("a/linea", ("energia", "1E+400"), flags="shallow_topic,no_timestamp"),
    ),
    Said(
        f"{MTY}/lluvia",
        b"\xef\xbb\xbf0.5",
        on_receipt("", ("lluvia", Decimal("0.5")), flags="shallow_topic,no_timestamp"),
    ),
    Said(
        f"{MTY}/{CNC}/lote",
        f'[{{"ts": {AT_S}, "v": 1}}, {{"ts": {AT_S + 60}, "v": 2.000000000000000000001}}]',
        (
            (CNC, "lote/v", Decimal(1), "", 0),
            (CNC, "lote/v", "2.000000000000000000001", "", 60),
        ),
    ),
    Said(
        f"{MTY}/{CNC}/plc_7/ejes",
        '{"hora": "2026-02-28 18:00:30", "ejes": [{"n": "X", "pos": 1.5}, {"n": "Y", "pos": -0.25}], "meta": {"f": 1}}',
        at_once(CNC, ("plc_7/ejes/ejes/X/pos", Decimal("1.5")), ("plc_7/ejes/ejes/Y/pos", Decimal("-0.25")), after=30),
    ),
    Said(f"{MTY}/{CNC}/plc_7/aviso", "NIVEL BAJO", on_receipt(CNC, ("plc_7/aviso", "NIVEL BAJO"))),
    Said(f"{MTY}/{CNC}/debug/traza", "not a word of it", ()),
)
UMH = (
    Said(
        f"{CGN}/{PUMP}/_pump_v1/motor/speed",
        f'{{"timestamp_ms": {AT_S * 1000 + 5}, "value": 1500}}',
        at_once(PUMP, ("_pump_v1/motor/speed", Decimal(1500)), after=0.005),
    ),
    Said(
        f"{CGN}/{PUMP}/_raw/speed",
        f'{{"timestamp_ms": {AT_S * 1000}, "value": "running"}}',
        at_once(PUMP, ("_raw/speed", "running")),
    ),
    Said(
        f"{CGN}/{PUMP}/_historian/weather",
        f'{{"timestamp_ms": {AT_S}, "temp": 21.5, "group": {{"humidity": 42, "ok": false}}}}',
        at_once(
            PUMP,
            ("_historian/weather/temp", Decimal("21.5")),
            ("_historian/weather/group/humidity", Decimal(42)),
            ("_historian/weather/group/ok", "false"),
            flags="timestamp_unit_assumed",
        ),
    ),
    Said(
        f"{CGN}/{PUMP}/_analytics/work-order/create",
        '{"externalWorkOrderId": "#1247", "product": {"externalProductId": "poster"}, "quantity": 7500}',
        on_receipt(
            PUMP,
            ("_analytics/work-order/create/externalWorkOrderId", "#1247"),
            ("_analytics/work-order/create/product/externalProductId", "poster"),
            ("_analytics/work-order/create/quantity", Decimal(7500)),
        ),
    ),
    Said(f"{CGN}/{PUMP}/speed", "3", on_receipt(PUMP, ("speed", Decimal(3)), flags="no_contract,no_timestamp")),
)
REFUSED = {
    f"{MTY}/{CNC}/a": ('{"x": NaN}', "malformed_json"),
    f"{MTY}/{CNC}/b": ('{"x": 1, "x": 2}', "duplicate_member"),
    f"{CGN}/{PUMP}/_raw/c": ("RUNNING", "malformed_json"),
    f"{CGN}/{PUMP}/_event/work_order": ("{}", "contract_violation"),
}
EVENT = {
    "event_id": "e1",
    "event_type": "meter_change",
    "event_version": 1,
    "event_at": "2026-03-01T00:00:30Z",
    "work_unit_id": "pump_1",
    "physical_asset_id": "p-1",
    "metric": "energy",
    "old_final_value": 100.1,
    "new_start_value": 0,
    "unit_code": "KWH",
}


def the_sites(broker: Mosquitto) -> list[Site]:
    at_broker = {"broker": {"url": broker.url}}
    plain = a_json_site(
        topics={"roots": [MTY], "levels": ["area", "work_center", "work_unit"], "ignore": ["*/debug/*"]},
        payload=[
            {
                "topic": "*/plc_7/*",
                "time": {"member": "hora", "zone": "America/Monterrey"},
                "arrays": {"by": "n"},
                "leave_out": ["*/meta/*"],
                "plain_text": True,
            },
        ],
        **at_broker,
    )
    return [plain, a_umh_site(**at_broker)]


async def play(
    sites: list[Site], *, home: Path, port: int, publications: Iterable[tuple[str, str | bytes]]
) -> CollectReport:
    stop, ready, landed = asyncio.Event(), asyncio.Event(), asyncio.Event()
    messages = list(publications)
    wanted = len(messages) - 1  # one topic is ignored
    count = 0

    def on_batch(batch: Any) -> None:
        nonlocal count
        count += batch.message_count + batch.quarantined_count
        if count >= wanted:
            landed.set()

    task = asyncio.create_task(
        collect(sites, home=home, stop=stop, on_ready=ready.set, on_batch=on_batch, batch_seconds=0.1)
    )
    try:
        async with asyncio.timeout(60):
            await ready.wait()
            async with aiomqtt.Client("127.0.0.1", port) as plant:
                for topic, payload in messages:
                    await plant.publish(topic, payload, qos=1)
            await landed.wait()
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)
    return task.result()


def test_every_value_of_two_json_dialects_is_in_the_warehouse_as_it_was_said(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with a_mosquitto(tmp_path) as broker:
        sites = the_sites(broker)
        publications = [(said.topic, said.payload) for said in (*PLAIN, *UMH)]
        publications += [(topic, payload) for topic, (payload, _) in REFUSED.items()]
        events = [f"{CGN}/{PUMP}/_event/meter_change", "meridian/monterrey/_event/meter_change"]
        publications += [(topic, json.dumps(EVENT)) for topic in events]
        report = asyncio.run(play(sites, home=home, port=broker.port, publications=publications))
    assert report.message_count + report.quarantined_count == len(publications) - 1
    assert {each.topic: each.reason for each in read_quarantine(home).messages()} == {
        topic: reason for topic, (_, reason) in REFUSED.items()
    }
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        files = [file for batch in read_landed_files(home).values() for file in batch]
        for table in (READING, EVENT_TABLE):
            load_files(connection, table=table, files=files, home=home)
        found = connection.execute(
            "select topic, device_id, metric_name, value_decimal, value_text, flags, event_at, event_at_source "
            "from raw.reading order by topic, metric_index"
        ).fetchall()
        told = connection.execute("select topic, json_extract_string(payload, '$.event_id') from raw.event").fetchall()
    rows: dict[str, list[Any]] = {}
    for topic, device, metric, exact, text, flags, event_at, source in found:
        after = (event_at - AT) / timedelta(seconds=1) if source == "payload" else None
        rows.setdefault(topic, []).append((device, metric, text if exact is None else exact, flags, after))
    assert rows == {said.topic: list(said.rows) for said in (*PLAIN, *UMH) if said.rows}
    assert sorted(told) == sorted((topic, "e1") for topic in events)
    state = {value.path: value.value for value in read_state(home, "monterrey/a/linea/cnc_201/lote/v")}
    assert state == {"monterrey/a/linea/cnc_201/lote/v": Decimal("2.000000000000000000001")}

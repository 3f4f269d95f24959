"""NASA's turbofan run-to-failure histories (C-MAPSS), replayed as Sparkplug edge nodes.

Belongs here: reading `train_FD00x.txt.gz` and `test_FD00x.txt.gz`, one edge node and device per engine, one message per
cycle, values exactly as in the file. Does not belong here: the deployment that receives it (cmapss_deployment).

Cycle c of every engine is told at 2026-01-01T00:00Z + c hours; births carry no values, so that every row of the file
is in the data exactly once. A training engine ends with the failure it ran into, half an hour after its last cycle.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ingest.simulator.actions import Action, Connect, Disconnect, Publish
from ingest.simulator.edge_node import EdgeNode
from ingest.simulator.errors import ReplayDataError
from ingest.simulator.mes_events import event_payload, event_topic
from ingest.simulator.plan import Plan
from ingest.simulator.publication import Publication
from ingest.simulator.publisher import publish
from ingest.simulator.shift_calendar import epoch_ms
from ingest.simulator.wear import MS_PER_HOUR
from ingest.sparkplug.datatypes import DataType
from ingest.sparkplug.metrics import Metric

Part = Literal["train", "test"]

BASE_MS = epoch_ms(datetime(2026, 1, 1, tzinfo=UTC))
GROUP_ID = "cmapss"
ENTERPRISE_ID = SITE_ID = "nasa"
METRIC_NAMES = (*(f"op_setting_{n}" for n in range(1, 4)), *(f"s{n}" for n in range(1, 22)))
COLUMN_COUNT = 2 + len(METRIC_NAMES)
FAILURE_MODES = {
    "FD001": "HPC degradation",
    "FD002": "HPC degradation",
    "FD003": "HPC or fan degradation",
    "FD004": "HPC or fan degradation",
}


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One engine's recorded life; `rows[i]` are the settings and sensors of cycle i + 1."""

    work_unit_id: str
    part: Part
    rows: tuple[tuple[float, ...], ...]


async def publish_cmapss(
    path: Path,
    *,
    subset: str,
    broker_url: str,
    parts: Sequence[Part] = ("train", "test"),
    engines: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    username: str | None = None,
    password: str | None = None,
) -> Publication:
    """Publish a subset (FD001 … FD004) of the folder `path`; `engines` takes only the first so many of each part."""
    return await publish(
        cmapss_plan(path, subset=subset, parts=parts, engines=engines),
        broker_url=broker_url,
        on_progress=on_progress,
        username=username,
        password=password,
    )


def cmapss_plan(
    path: Path, *, subset: str, parts: Sequence[Part] = ("train", "test"), engines: int | None = None
) -> Plan:
    """The replay as a plan, engine after engine."""
    found = [engine for part in parts for engine in read_engines(path, subset=subset, part=part, engines=engines)]
    actions = [action for engine in found for action in _life(engine)]
    actions += _failures([engine for engine in found if engine.part == "train"], subset=subset)
    return Plan(actions=actions, action_count=len(actions), site_by_group={GROUP_ID: SITE_ID})


def read_engines(path: Path, *, subset: str, part: Part, engines: int | None = None) -> list[Engine]:
    """The engines of one file, checked: 26 columns, cycles counting from 1 without a gap."""
    if subset not in FAILURE_MODES:
        raise ReplayDataError(f"{subset!r} is no subset: use one of {', '.join(FAILURE_MODES)}", path=path)
    file = path / f"{part}_{subset}.txt.gz"
    if not file.is_file():
        raise ReplayDataError(f"this file does not exist: give the folder that holds {file.name}", path=file)
    rows_by_unit: dict[int, list[tuple[float, ...]]] = {}
    with gzip.open(file, "rt", encoding="ascii") as lines:
        for number, line in enumerate(lines, start=1):
            cells = line.split()
            if len(cells) != COLUMN_COUNT:
                raise ReplayDataError(f"line {number} has {len(cells)} columns instead of {COLUMN_COUNT}", path=file)
            rows = rows_by_unit.setdefault(int(cells[0]), [])
            if int(cells[1]) != len(rows) + 1:
                raise ReplayDataError(f"line {number}: cycle {cells[1]} does not follow cycle {len(rows)}", path=file)
            rows.append(tuple(map(float, cells[2:])))
    units = sorted(rows_by_unit)[:engines]
    return [Engine(work_unit_id=work_unit_id(part, unit), part=part, rows=tuple(rows_by_unit[unit])) for unit in units]


def work_unit_id(part: Part, unit: int) -> str:
    """How an engine is called as edge node, device and work unit."""
    return f"{part}_{unit:03d}"


def physical_asset_id(*, subset: str, work_unit: str) -> str:
    """The engine itself."""
    return f"{subset.lower()}-{work_unit.replace('_', '-')}"


def _life(engine: Engine) -> Iterator[Action]:
    node = EdgeNode(group_id=GROUP_ID, edge_node_id=engine.work_unit_id, client_id=f"sim-cmapss-{engine.work_unit_id}")
    device_id = engine.work_unit_id
    yield from node.connect(at_ms=BASE_MS)
    yield from node.device_birth(
        at_ms=BASE_MS,
        device_id=device_id,
        metrics=tuple(
            Metric(name=name, alias=alias, datatype=DataType.Double, value=None, timestamp=BASE_MS)
            for alias, name in enumerate(METRIC_NAMES, start=1)
        ),
    )
    at_ms = BASE_MS
    for row in engine.rows:
        at_ms += MS_PER_HOUR
        metrics = tuple(
            Metric(alias=alias, datatype=DataType.Double, value=value, timestamp=at_ms)
            for alias, value in enumerate(row, start=1)
        )
        yield from node.data(at_ms=at_ms, device_id=device_id, metrics=metrics)
    yield from node.stop(at_ms=at_ms + MS_PER_HOUR)


def _failures(engines: list[Engine], *, subset: str) -> Iterator[Action]:
    if not engines:
        return
    client_id = "sim-cmapss-mes"
    yield Connect(at_ms=BASE_MS, client_id=client_id)
    topic = event_topic(enterprise_id=ENTERPRISE_ID, site_id=SITE_ID, event_type="equipment_failure")
    for engine in engines:
        at_ms = BASE_MS + len(engine.rows) * MS_PER_HOUR + MS_PER_HOUR // 2
        failure_id = f"ef-{engine.work_unit_id}"
        members = {
            "failure_id": failure_id,
            "work_unit_id": engine.work_unit_id,
            "physical_asset_id": physical_asset_id(subset=subset, work_unit=engine.work_unit_id),
            "failure_mode": FAILURE_MODES[subset],
            "attribution": "supplier",
        }
        payload = event_payload(event_type="equipment_failure", event_id=failure_id, at_ms=at_ms, members=members)
        yield Publish(at_ms=at_ms, client_id=client_id, topic=topic, payload=payload, qos=1)
    yield Disconnect(at_ms=BASE_MS, client_id=client_id)

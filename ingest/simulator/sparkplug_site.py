"""A site that speaks Sparkplug: one edge node per work center, one device per work unit.

Belongs here: metric names and aliases, births from present values, store and forward over an outage, random bytes where
the scenario wants them. Does not belong here: the protocol's own rules (edge_node).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from ingest.simulator.actions import Action, Publish
from ingest.simulator.edge_node import EdgeNode
from ingest.simulator.plant_life import PlantLife
from ingest.simulator.randomness import stream
from ingest.simulator.scenario import Compression, Dialect, Plants
from ingest.simulator.shift_calendar import epoch_ms
from ingest.simulator.troubles import EdgeNodeOutage
from ingest.simulator.work_unit import Sample
from ingest.sparkplug.datatypes import DataType
from ingest.sparkplug.metrics import Metric
from ingest.sparkplug.topic import node_topic

BACKFILL_DELAY_MS = 1_000
BACKFILL_STEP_MS = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricKind:
    """One metric as the site's devices write it."""

    key: str
    name: str
    datatype: DataType
    unit: str | None


SHARED = (
    MetricKind(key="state", name="Status/State", datatype=DataType.String, unit=None),
    MetricKind(key="work_order", name="Status/WorkOrder", datatype=DataType.String, unit=None),
    MetricKind(key="running_time_s", name="Counters/RunningTime", datatype=DataType.Int64, unit="s"),
    MetricKind(key="energy_wh", name="Counters/Energy", datatype=DataType.Int64, unit="Wh"),
    MetricKind(key="vibration", name="Sensors/Vibration", datatype=DataType.Double, unit="mm/s"),
)
MACHINING = (
    *SHARED,
    MetricKind(key="good_count", name="Counters/Good", datatype=DataType.Int64, unit=None),
    MetricKind(key="scrap_count", name="Counters/Scrap", datatype=DataType.Int64, unit=None),
    MetricKind(key="bearing_temperature", name="Sensors/BearingTemperature", datatype=DataType.Double, unit="degC"),
    MetricKind(key="spindle_load", name="Sensors/SpindleLoad", datatype=DataType.Double, unit="%"),
)
COMPRESSION = (
    *SHARED,
    MetricKind(key="air_volume_l", name="Counters/AirVolume", datatype=DataType.UInt32, unit="L"),
    MetricKind(key="discharge_temperature", name="Sensors/DischargeTemperature", datatype=DataType.Double, unit="degC"),
    MetricKind(key="discharge_pressure", name="Sensors/DischargePressure", datatype=DataType.Double, unit="bar"),
    MetricKind(key="motor_current", name="Sensors/MotorCurrent", datatype=DataType.Double, unit="A"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A work unit as its edge node knows it."""

    work_unit_id: str
    device_id: str
    kinds: tuple[MetricKind, ...]
    first_alias: int


def actions_of_site(plants: Plants, dialect: Dialect, life: PlantLife) -> dict[str, list[Action]]:
    """The actions of every edge node of a site, by MQTT client."""
    devices: dict[str, list[Device]] = defaultdict(list)
    alias: defaultdict[str, int] = defaultdict(lambda: 1)
    for unit in plants.of_site(life.site_id):
        node, _, device_id = unit.address.partition("/")
        kinds = COMPRESSION if isinstance(unit, Compression) else MACHINING
        devices[node].append(
            Device(work_unit_id=unit.work_unit_id, device_id=device_id, kinds=kinds, first_alias=alias[node])
        )
        alias[node] += len(kinds)
    return {
        f"sim-{life.site_id}-{node}": _NodeStory(plants, dialect, life, node, of_node).tell()
        for node, of_node in devices.items()
    }


class _NodeStory:
    """One edge node from the first birth to the clean stop."""

    def __init__(
        self, plants: Plants, dialect: Dialect, life: PlantLife, edge_node_id: str, devices: list[Device]
    ) -> None:
        self._plants = plants
        self._words = dialect.state_words
        self._life = life
        self._devices = {d.work_unit_id: d for d in devices}
        self._edge = EdgeNode(
            group_id=plants.group_ids[life.site_id],
            edge_node_id=edge_node_id,
            client_id=f"sim-{life.site_id}-{edge_node_id}",
        )
        self._present: dict[str, dict[str, tuple[int, int | float | str]]] = {w: {} for w in self._devices}
        self._actions: list[Action] = []

    def tell(self) -> list[Action]:
        """All actions, in time order."""
        scenario = self._plants.scenario
        start_ms, end_ms = epoch_ms(scenario.start_at), epoch_ms(scenario.end_at)
        samples = [s for s in self._life.samples if s.work_unit_id in self._devices]
        position = 0
        while position < len(samples) and samples[position].at_ms == start_ms:  # the births say these
            self._remember(samples[position])
            position += 1
        self._be_born(start_ms)
        for outage in self._outages(start_ms, end_ms):
            position = self._speak_live(samples, position, epoch_ms(outage.from_at))
            position = self._sit_through(samples, position, outage)
        self._speak_live(samples, position, end_ms)
        self._actions += self._edge.stop(at_ms=end_ms)
        return self._with_random_bytes(end_ms)

    def _outages(self, start_ms: int, end_ms: int) -> list[EdgeNodeOutage]:
        found = [
            o
            for o in self._plants.scenario.troubles.edge_node_outages
            if (o.site_id, o.edge_node_id) == (self._life.site_id, self._edge.edge_node_id)
            and start_ms < epoch_ms(o.from_at)
            and epoch_ms(o.until_at) < end_ms
        ]
        return sorted(found, key=lambda o: o.from_at)

    def _speak_live(self, samples: list[Sample], position: int, until_ms: int) -> int:
        while position < len(samples) and samples[position].at_ms < until_ms:
            self._say(samples[position], at_ms=samples[position].at_ms, is_historical=False)
            position += 1
        return position

    def _sit_through(self, samples: list[Sample], position: int, outage: EdgeNodeOutage) -> int:
        """Be cut off, store; return, be born with the present values, forward what was stored."""
        self._actions += self._edge.lose_connection(at_ms=epoch_ms(outage.from_at))
        back_ms = epoch_ms(outage.until_at)
        stored: list[Sample] = []
        while position < len(samples) and samples[position].at_ms < back_ms:
            stored.append(samples[position])
            self._remember(samples[position])
            position += 1
        self._be_born(back_ms)
        for index, sample in enumerate(stored):
            at_ms = back_ms + BACKFILL_DELAY_MS + BACKFILL_STEP_MS * index
            position = self._speak_live(samples, position, at_ms)
            self._say(sample, at_ms=at_ms, is_historical=True)
        return position

    def _be_born(self, at_ms: int) -> None:
        self._actions += self._edge.connect(at_ms=at_ms)
        for device in self._devices.values():
            present = self._present[device.work_unit_id]
            metrics = []
            for offset, kind in enumerate(device.kinds):
                said_ms, value = present.get(kind.key, (at_ms, None))
                metrics.append(
                    Metric(
                        name=kind.name,
                        alias=device.first_alias + offset,
                        datatype=kind.datatype,
                        value=value,
                        timestamp=said_ms,
                        properties={} if kind.unit is None else {"engUnit": kind.unit},
                    )
                )
            self._actions += self._edge.device_birth(at_ms=at_ms, device_id=device.device_id, metrics=tuple(metrics))

    def _say(self, sample: Sample, *, at_ms: int, is_historical: bool) -> None:
        device = self._devices[sample.work_unit_id]
        values = self._values(sample)
        metrics = tuple(
            Metric(
                alias=device.first_alias + offset,
                datatype=kind.datatype,
                value=values[kind.key],
                timestamp=sample.at_ms,
                is_historical=is_historical,
            )
            for offset, kind in enumerate(device.kinds)
            if kind.key in values
        )
        self._actions += self._edge.data(at_ms=at_ms, device_id=device.device_id, metrics=metrics)
        if not is_historical:
            self._remember(sample)

    def _remember(self, sample: Sample) -> None:
        present = self._present[sample.work_unit_id]
        for key, value in self._values(sample).items():
            present[key] = (sample.at_ms, value)

    def _values(self, sample: Sample) -> dict[str, int | float | str]:
        return {
            "state": self._words[sample.state],
            "work_order": sample.work_order_id,
            **sample.counters,
            **sample.sensors,
        }

    def _with_random_bytes(self, end_ms: int) -> list[Action]:
        scenario = self._plants.scenario
        extra: list[Action] = []
        for trouble in scenario.troubles.mistyped_payloads:
            device = self._devices.get(trouble.work_unit_id)
            if device is None or trouble.kind != "random_bytes" or epoch_ms(trouble.at) >= end_ms:
                continue
            rng: np.random.Generator = stream(seed=scenario.seed, subject=f"random_bytes/{trouble.at.isoformat()}")
            topic = node_topic(
                group_id=self._edge.group_id,
                message_type="DDATA",
                edge_node_id=self._edge.edge_node_id,
                device_id=device.device_id,
            )
            # the first byte opens a protobuf field of a wire type that does not exist: never readable by chance
            payload = b"\xff" + rng.bytes(47)
            extra.append(
                Publish(at_ms=epoch_ms(trouble.at), client_id=self._edge.client_id, topic=topic, payload=payload, qos=0)
            )
        return sorted((*self._actions, *extra), key=lambda action: action.at_ms) if extra else self._actions

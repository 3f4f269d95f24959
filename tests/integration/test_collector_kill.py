"""Kill -9 of the collector at random: everything published is landed, nothing counts twice."""

from __future__ import annotations

import json
import random
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pyarrow.parquet as pq
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ingest.arrival import Arrival, message_id
from ingest.landing import read_manifests
from ingest.verification import find_fault
from tests.builders.sparkplug import MARCH_1, a_device_birth, a_json_site, a_metric, a_node_birth, a_site, device_data
from tests.integration.brokers import a_collector_process, a_mosquitto, stop

KILLS = 10


class Plant(threading.Thread):
    """Publishes JSON with QoS 1 and Sparkplug with QoS 0, until told to stop."""

    def __init__(self, port: int) -> None:
        super().__init__(name="plant")
        self.port = port
        self.done = threading.Event()
        self.sent: dict[str, int] = {}
        self.energy: list[int] = []

    def run(self) -> None:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="plant")
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        self._send(client, a_node_birth(), qos=0, readings=1)
        self._send(client, a_device_birth([a_metric("Counters/Energy", 0, alias=1)]), qos=0, readings=1)
        number = 0
        while not self.done.is_set():
            at = MARCH_1 + number * 10
            self.energy.append(number)
            reading = a_metric(value=number, alias=1, timestamp=at)
            self._send(client, device_data([reading], seq=(2 + number) % 256, at=at), qos=0, readings=1)
            text = json.dumps({"timestamp": at, "a": number, "b": number / 4})
            topic = "meridian/monterrey/mecanizado/cnc_201/husillo"
            self._send(client, Arrival(topic, text.encode(), 0), qos=1, readings=2)
            number += 1
            time.sleep(0.003)
        while client.want_write():
            time.sleep(0.01)
        self.last.wait_for_publish(10)
        client.disconnect()
        client.loop_stop()

    def _send(self, client: mqtt.Client, arrival: Arrival, *, qos: int, readings: int) -> None:
        self.last = client.publish(arrival.topic, arrival.payload, qos=qos)
        self.sent[message_id(arrival, has_own_time=True)] = readings


def landed(home: Path, kind: str, columns: list[str]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for manifest in read_manifests(home):
        for file in manifest.files:
            if file.kind == kind:
                assert find_fault(file, home=home) is None
                table = pq.ParquetFile(home / file.path, page_checksum_verification=True).read(columns)
                rows += zip(*(column.to_pylist() for column in table.columns), strict=True)
    return rows


@pytest.mark.timeout(240)
def test_ten_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    dice = random.Random(7)
    home = tmp_path / "home"
    with a_mosquitto(tmp_path) as broker:
        sites = [a_site(broker={"url": broker.url}), a_json_site(broker={"url": broker.url})]
        plant = Plant(broker.port)
        for kill in range(KILLS):
            with a_collector_process(sites, home, batch_seconds=0.2) as collector:
                if kill == 0:
                    plant.start()
                time.sleep(dice.uniform(0.05, 1.2))
                collector.kill()
        plant.done.set()
        plant.join()
        with a_collector_process(sites, home, batch_seconds=0.2) as collector:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                if {row[0] for row in landed(home, "messages", ["message_id"])} >= plant.sent.keys():
                    break
                time.sleep(0.5)
            stop(collector)
    messages = {row[0] for row in landed(home, "messages", ["message_id"])}
    assert len(plant.sent) > 1000
    assert messages == plant.sent.keys()
    assert landed(home, "quarantine", ["reason"]) == []
    readings = {
        row[:2]: row for row in landed(home, "readings", ["message_id", "metric_index", "metric_name", "value_double"])
    }
    assert len(readings) == sum(plant.sent.values())
    energy = sorted(row[3] for row in readings.values() if row[2] == "Counters/Energy")
    assert energy == sorted([0, *plant.energy])  # aliases outlived every kill
    assert [row for row in landed(home, "losses", ["loss_kind", "estimated_count"]) if row[0] == "seq_gap"] == []
    chain = list(read_manifests(home))
    assert [m.previous_sha256 for m in chain] == [None, *(m.sha256 for m in chain[:-1])]

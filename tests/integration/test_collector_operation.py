"""`lineshaft collect` as an operator meets it: its pages, its logs, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pyarrow.parquet as pq
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client.parser import text_string_to_metric_families

from ingest.errors import MonitoringError
from ingest.inventory import read_inventory
from ingest.monitoring import Monitor
from ingest.monitoring_server import serving
from tests.integration.brokers import REPOSITORY, Mosquitto, a_free_port, a_mosquitto

SECRET = "correct-horse-battery-staple"
TOPIC = "meridian/monterrey/mecanizado/cnc_201/husillo"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with a_mosquitto(tmp_path) as running:
        yield running


def a_deployment(directory: Path, broker: Mosquitto) -> Path:
    site = {
        "site_id": "monterrey",
        "time_zone": "America/Monterrey",
        "payload_family": "uns_json",
        "broker": {"url": broker.url, "username_env": "TEST_MQTT_USER", "password_env": "TEST_MQTT_PASSWORD"},
        "mapping": "mapping.yaml",
    }
    directory.mkdir()
    (directory / "mapping.yaml").write_text("version: 1\n", encoding="utf-8")
    document = {"enterprise": "meridian", "sites": [site]}  # JSON is YAML
    (directory / "lineshaft.yaml").write_text(json.dumps(document), encoding="utf-8")
    return directory


class Collecting:
    """`lineshaft collect` in a process of its own, subscribed."""

    def __init__(self, directory: Path, broker: Mosquitto, *options: str) -> None:
        self.home = directory / "home"
        self.errors = directory / "errors"
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "LINESHAFT_DEPLOYMENT": str(a_deployment(directory / "plant", broker)),
            "LINESHAFT_HOME": str(self.home),
            "TEST_MQTT_USER": "collector",
            "TEST_MQTT_PASSWORD": SECRET,
        }
        command = [sys.executable, "-c", "from orchestration.cli import main; main()", "collect", "--json", *options]
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self.process.stdout is not None
        assert json.loads(self.process.stdout.readline())["event"] == "ready"

    def stop(self) -> dict[str, Any]:
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0
        last: dict[str, Any] = json.loads(out.splitlines()[-1])
        return last

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.errors.read_text(encoding="utf-8").splitlines()]


def publish(broker: Mosquitto, *payloads: str) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="plant")
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for payload in payloads:
        last = client.publish(TOPIC, payload, qos=1)
    last.wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def messages(count: int) -> list[str]:
    return [json.dumps({"timestamp": 1_772_323_200_000 + number, "a": number}) for number in range(count)]


def get(port: int, page: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def metrics(port: int) -> dict[str, float]:
    _, text = get(port, "metrics")
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def until(true: Any) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def landed_count(home: Path) -> int:
    return sum(file.row_count for file in read_inventory(home).files() if file.kind == "messages")


def test_a_collector_says_how_it_is_and_keeps_its_secrets(broker: Mosquitto, tmp_path: Path) -> None:
    port = a_free_port()
    collecting = Collecting(tmp_path, broker, "--metrics", f"127.0.0.1:{port}")
    try:
        assert get(port, "healthz")[0] == 200
        publish(broker, *messages(20), "{")
        until(lambda: metrics(port).get("lineshaft_messages_landed_total monterrey") == 20)
        until(lambda: "lineshaft_messages_quarantined_total malformed_json monterrey" in metrics(port))
        found = metrics(port)
        assert found["lineshaft_messages_quarantined_total malformed_json monterrey"] == 1
        assert found["lineshaft_messages_unacknowledged monterrey"] == 0
        assert found["lineshaft_subscribed monterrey"] == found["lineshaft_healthy"] == 1
        assert found["lineshaft_batch_duration_seconds_count"] >= 1
        broker.process.kill()
        until(lambda: get(port, "healthz")[0] == 503)
        health = json.loads(get(port, "healthz")[1])
        assert health["reasons"] == ["monterrey is not subscribed"]
        assert get(port, "")[0] == 404
    finally:
        stopped = collecting.stop()
    assert stopped["message_count"] == 20
    events = {entry["event"] for entry in collecting.log()}
    assert {"serving_metrics", "collecting", "connection_lost"} <= events
    told = collecting.errors.read_text(encoding="utf-8") + json.dumps(stopped)
    assert SECRET not in told


def test_sigterm_lands_and_acknowledges_what_was_heard(broker: Mosquitto, tmp_path: Path) -> None:
    port = a_free_port()
    collecting = Collecting(tmp_path, broker, "--batch-seconds", "600", "--metrics", f"127.0.0.1:{port}")
    publish(broker, *messages(50))
    until(lambda: metrics(port)["lineshaft_messages_unacknowledged monterrey"] == 50)
    assert landed_count(collecting.home) == 0
    assert collecting.stop()["message_count"] == 50
    assert landed_count(collecting.home) == 50

    again: list[str] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="lineshaft-collector-monterrey", protocol=mqtt.MQTTv5)
    client.on_message = lambda _client, _data, message: again.append(message.topic)
    connected: list[bool] = []
    client.on_connect = lambda _client, _data, flags, *_: connected.append(flags.session_present)
    client.connect("127.0.0.1", broker.port, clean_start=False)
    client.loop_start()
    until(lambda: connected)
    publish(broker, '{"timestamp": 1772323300000, "a": 1}')  # comes after whatever the broker would give again
    until(lambda: again)
    client.disconnect()
    client.loop_stop()
    assert connected == [True]
    assert len(again) == 1


def test_an_address_that_is_taken_is_said_in_one_sentence() -> None:
    with serving(Monitor(), host="127.0.0.1", port=0) as port:
        with (
            pytest.raises(MonitoringError, match="name another address"),
            serving(Monitor(), host="127.0.0.1", port=port),
        ):
            pass
        assert get(port, "metrics")[0] == 200


def test_a_disk_that_is_full_is_unhealthy_and_nothing_is_lost_when_it_is_not(broker: Mosquitto, tmp_path: Path) -> None:
    """A file where a directory should be made refuses the batch as a full disk does; root may write anywhere else."""
    port = a_free_port()
    collecting = Collecting(tmp_path, broker, "--metrics", f"127.0.0.1:{port}")
    blocked = collecting.home / "landing" / "messages"
    blocked.touch()
    publish(broker, *messages(10))
    until(lambda: get(port, "healthz")[0] == 503)
    assert "the disk refuses batches" in json.loads(get(port, "healthz")[1])["reasons"]
    assert metrics(port)["lineshaft_messages_unacknowledged monterrey"] == 10
    blocked.unlink()
    until(lambda: landed_count(collecting.home) == 10)
    until(lambda: get(port, "healthz")[0] == 200)
    assert metrics(port)["lineshaft_landing_refused_total"] >= 1
    collecting.stop()
    files = [file for file in read_inventory(collecting.home).files() if file.kind == "messages"]
    assert sum(pq.ParquetFile(collecting.home / file.path).metadata.num_rows for file in files) == 10

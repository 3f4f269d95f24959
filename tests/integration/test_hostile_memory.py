"""Bombs against the memory of a process, and of a real collector behind a real broker: 512 MiB at most."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pyarrow.parquet as pq
import pytest

from ingest.landing import read_manifests
from tests.builders.hostile import JSON_BOMBS, JSON_TOPIC, NASTY_TOPICS, SPARKPLUG_BOMBS, SPARKPLUG_TOPIC
from tests.builders.sparkplug import MARCH_1, a_metric, a_node_birth, a_site, encode_payload
from tests.integration.brokers import REPOSITORY, Mosquitto, a_collector_process, a_mosquitto, stop

LIMIT_KIB = 512 * 1024
TOO_LARGE = {
    "booleans in many arrays",
    "a hundred thousand metrics",
    "eight million rows",
    "sixteen megabytes of quotes",
    "members under a long key",
    "keys a level below a long one",
    "a hundred thousand members",
    "more than the limit",
}
LARGEST_PACKET = 1_048_576


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with a_mosquitto(tmp_path) as broker:
        yield broker


def test_every_bomb_is_read_or_refused_within_512_mib(tmp_path: Path) -> None:
    folder = tmp_path / "bombs"
    folder.mkdir()
    for family, bombs in (("sparkplug", SPARKPLUG_BOMBS), ("json", JSON_BOMBS)):
        for name, make in bombs.items():
            (folder / f"{family} {name}").write_bytes(make())
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.hostile_process", str(folder), str(tmp_path / "home")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["peak_kib"] < LIMIT_KIB
    assert report["counts"]["neighbours"] == len(SPARKPLUG_BOMBS) + len(JSON_BOMBS)
    refused = {name: reason for name, reason in report["refused"].items() if reason}
    assert refused.items() >= dict.fromkeys(TOO_LARGE, "payload_too_large").items()


def test_a_collector_survives_what_a_broker_lets_through(broker: Mosquitto, tmp_path: Path) -> None:
    """Each bomb once, on topics the broker accepts, between messages of a neighbour that must all land."""
    home = tmp_path / "home"
    bombs = [(SPARKPLUG_TOPIC, make()) for make in SPARKPLUG_BOMBS.values()]
    bombs += [(JSON_TOPIC, make()) for make in JSON_BOMBS.values()]
    # what mosquitto itself refuses: no topic, characters of filters or of none, more than 200 levels
    nasty = [t for t in NASTY_TOPICS if t and not re.search("[\0\ud800+#]", t) and t.count("/") < 200]
    hostile = [(topic, b"{}") for topic in nasty] + [each for each in bombs if len(each[1]) < LARGEST_PACKET - 200]
    with a_collector_process([a_site(broker={"url": broker.url})], home, batch_seconds=0.2) as collector:
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        client.publish(
            "spBv1.0/hamburg/NBIRTH/line", a_node_birth(metrics=[a_metric("count", 0, alias=1)]).payload, qos=1
        )
        for number, (topic, payload) in enumerate(hostile, start=1):
            client.publish(topic, payload, qos=1)
            data = encode_payload(
                timestamp=MARCH_1 + number, seq=number % 256, metrics=[a_metric(value=number, alias=1)]
            )
            client.publish("spBv1.0/hamburg/NDATA/line", data, qos=1).wait_for_publish(60)
        client.disconnect()
        client.loop_stop()
        counted = [0, *range(1, len(hostile) + 1)]
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline and len(landed_counts(home)) < len(counted):
            assert collector.poll() is None
            time.sleep(0.5)
        status = Path(f"/proc/{collector.pid}/status").read_text(encoding="utf-8")
        stop(collector)
    assert collector.returncode == 0
    assert sorted(landed_counts(home)) == counted
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    assert int(peak) < LIMIT_KIB


def landed_counts(home: Path) -> list[int]:
    files = [file for manifest in read_manifests(home) for file in manifest.files if file.kind == "readings"]
    rows = [row for file in files for row in pq.ParquetFile(home / file.path).read().to_pylist()]
    return [int(row["value_decimal"]) for row in rows if row["metric_name"] == "count"]

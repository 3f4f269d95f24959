"""A third-party edge node, `pysparkplug`, against a real broker: births, data, a crash and a return."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingest.current_state import read_state
from ingest.landing import read_manifests
from tests.builders.sparkplug import a_site
from tests.integration.brokers import REPOSITORY, Mosquitto, a_collector_process, a_mosquitto, stop

EDGE_NODE = """
import json, os, sys, time
from pysparkplug import DataType, Device, EdgeNode, Metric, get_current_timestamp

port, life, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sent = []

def metric(name, datatype, value):
    made = Metric(timestamp=get_current_timestamp(), name=name, datatype=datatype, value=value)
    sent.append([name, datatype.name, value, made.timestamp])
    return made

node = EdgeNode("hamburg", "py_edge", [metric("uptime", DataType.UINT32, 1)])
node.register(Device("filler", [
    metric("Counters/Good", DataType.UINT64, 2**63 + 5),
    metric("Sensors/Temperature", DataType.DOUBLE, 21.5),
    metric("Sensors/Pressure", DataType.FLOAT, 1.25),
    metric("offset", DataType.INT32, -12),
    metric("running", DataType.BOOLEAN, True),
    metric("Status/State", DataType.STRING, "executing"),
    metric("profile", DataType.INT16_ARRAY, (-1, 2)),
]))
node.connect("127.0.0.1", port=port)
time.sleep(1.0)
for number in range(count):
    temperature = metric("Sensors/Temperature", DataType.DOUBLE, number / 4)
    node.update_device("filler", [metric("offset", DataType.INT32, -number), temperature])
    time.sleep(0.005)
time.sleep(1.0)
print(json.dumps(sent), flush=True)
if life == "crash":
    os._exit(9)
node.disconnect()
"""


@pytest.fixture
def peers_python() -> Path:
    """The interpreter of an environment with pysparkplug, which needs paho-mqtt < 2 and cannot share ours.

    Made by two commands (elsewhere than .venv-peers: name it in LINESHAFT_PEERS_VENV):

        python3 -m venv .venv-peers
        .venv-peers/bin/pip install -q "pysparkplug==0.6.1" "paho-mqtt<2"
    """
    python = Path(os.environ.get("LINESHAFT_PEERS_VENV", REPOSITORY / ".venv-peers")) / "bin" / "python"
    if not python.exists():
        pytest.skip(
            f"no environment with pysparkplug at {python.parents[1]}: python3 -m venv it, pip install pysparkplug"
        )
    return python


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with a_mosquitto(tmp_path) as broker:
        yield broker


def live(python: Path, broker: Mosquitto, life: str, count: int) -> list[list[Any]]:
    """One life of the edge node; returns what it sent: name, datatype, value, timestamp."""
    done = subprocess.run(
        [python, "-c", EDGE_NODE, str(broker.port), life, str(count)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == (9 if life == "crash" else 0), done.stderr
    sent: list[list[Any]] = json.loads(done.stdout)
    return sent


def readings(home: Path) -> list[dict[str, Any]]:
    files = [file for manifest in read_manifests(home) for file in manifest.files if file.kind == "readings"]
    return [row for file in files for row in pq.ParquetFile(home / file.path).read().to_pylist()]


def milliseconds(moment: datetime) -> int:
    return round(moment.replace(tzinfo=UTC).timestamp() * 1000)


def landed_value(row: dict[str, Any]) -> Any:
    if row["value_text"] is not None:
        return {"true": True, "false": False, "[-1,2]": [-1, 2]}.get(row["value_text"], row["value_text"])
    return row["value_double"] if row["value_decimal"] is None else int(row["value_decimal"])


def test_births_data_a_crash_and_a_return_land_as_they_were_sent(
    peers_python: Path, broker: Mosquitto, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with a_collector_process([a_site(broker={"url": broker.url})], home, batch_seconds=0.2) as collector:
        sent = live(peers_python, broker, "crash", 200)
        sent += live(peers_python, broker, "clean", 100)
        time.sleep(1.5)
        stop(collector)
    rows = [row for row in readings(home) if row["metric_name"] not in {"bdSeq", "Node Control/Rebirth"}]
    datatypes = {"UINT32": "UInt32", "UINT64": "UInt64", "INT16_ARRAY": "Int16Array"}
    expected = [(name, datatypes.get(datatype, datatype.capitalize()), value, at) for name, datatype, value, at in sent]
    found = [(row["metric_name"], row["datatype"], landed_value(row), milliseconds(row["event_at"])) for row in rows]
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    assert {row["flags"] for row in rows} == {""}
    births = {row["birth_at"] for row in rows}
    assert len(births) == 2  # bd_seq restarts with the process: only the birth time tells the two lives apart
    assert {row["bd_seq"] for row in rows} == {0}
    losses = [file for manifest in read_manifests(home) for file in manifest.files if file.kind == "losses"]
    kinds = [kind for file in losses for kind in pq.ParquetFile(home / file.path).read(["loss_kind"])[0].to_pylist()]
    assert "seq_gap" not in kinds
    assert {"death", "stale"} <= set(kinds)
    (good,) = read_state(home, "hamburg/py_edge/filler/Counters/Good")
    assert good.value == 2**63 + 5

"""What a running collector could not read comes back beside it: a real broker, a collector in its own process."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiomqtt
import pytest

from ingest.arrival import Arrival
from ingest.quarantine import read_quarantine, replay
from tests.builders.event_contracts import a_contract, an_event, write_contract
from tests.builders.quarantine import an_event_arrival, landed, landed_ids
from tests.builders.sparkplug import MARCH_1, a_device_birth, a_metric, a_node_birth, a_site, device_data
from tests.integration.brokers import Mosquitto, a_collector_process, a_mosquitto, stop

STROKE = {"event_id": "s1", "event_type": "press_stroke", "event_at": "2026-03-01T00:00:00Z", "force": 12.5}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with a_mosquitto(tmp_path) as broker:
        yield broker


def publish(broker: Mosquitto, *arrivals: Arrival) -> None:
    async def all_of_them() -> None:
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            for arrival in arrivals:
                await client.publish(arrival.topic, arrival.payload, qos=1)

    asyncio.run(all_of_them())


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.05)


def test_values_before_a_birth_and_events_before_their_contract_land_once_each(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """The collector came late: the edge node was born before it, and a press was plugged in without a contract."""
    home = tmp_path / "home"
    site = a_site(broker={"url": broker.url})
    nameless = [device_data([a_metric(value=n, alias=1)], seq=n, at=MARCH_1 + n * 1000) for n in (2, 3)]
    broken = an_event("work_response", status="fertig")
    with a_collector_process([site], home, batch_seconds=0.1) as collector:
        publish(
            broker,
            *nameless,
            an_event_arrival(STROKE, event_type="press_stroke", site_id="hamburg"),
            an_event_arrival(broken, event_type="work_response", site_id="hamburg"),
        )
        wait_until(lambda: len(read_quarantine(home)) == 4)
        publish(
            broker,
            a_node_birth(at=MARCH_1 + 4000),
            a_device_birth([a_metric("Counters/Good", 4, alias=1)], at=MARCH_1 + 4000),
        )
        wait_until(lambda: len(landed_ids(home)) == 4)  # and what waited for them, by itself

        write_contract(tmp_path / "events", a_contract())
        mended = site.model_copy(update={"events": tmp_path / "events"})
        report = replay(home, [mended])
        assert len(report.landed) == 1
        assert [each.reason for each in report.refused] == ["contract_violation"]

        publish(broker, device_data([a_metric(value=5, alias=1)], seq=2, at=MARCH_1 + 5000))
        wait_until(lambda: len(landed_ids(home)) == 6)
        stop(collector)

    good = sorted(row["value_decimal"] for row in landed(home, "readings") if row["metric_name"] == "Counters/Good")
    assert good == [2, 3, 4, 5]
    assert [json.loads(row["payload"]) for row in landed(home, "events")] == [STROKE]
    assert len(set(landed_ids(home))) == len(landed_ids(home))
    (left,) = read_quarantine(home).messages()
    assert left.detail.startswith('/status: enum: is "fertig"')

"""The collector against real brokers: STATE, rebirth, locks, restarts, a disk that refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pyarrow.parquet as pq
import pytest

from ingest.collector import collect
from ingest.current_state import read_state
from ingest.errors import CollectorLocked, LandingError
from ingest.landing import Landing, read_manifests
from ingest.quarantine import REPLAY_ID
from ingest.report import BatchReport, CollectReport
from ingest.site import Site
from ingest.sparkplug.payload import decode_payload
from tests.builders.sparkplug import MARCH_1, a_device_birth, a_json_site, a_metric, a_node_birth, a_site, device_data
from tests.integration.brokers import Mosquitto, a_free_port, a_mosquitto

STATE = "spBv1.0/STATE/lineshaft"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with a_mosquitto(tmp_path) as broker:
        yield broker


class Running:
    def __init__(self, stop: asyncio.Event, task: asyncio.Task[CollectReport], batches: list[BatchReport]) -> None:
        self.stop, self.task, self.batches = stop, task, batches

    async def end(self) -> CollectReport:
        self.stop.set()
        return await asyncio.wait_for(self.task, 20)

    async def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(600):
            if condition():
                return
            assert not self.task.done() or self.task.result()
            await asyncio.sleep(0.05)
        raise AssertionError("it did not happen within thirty seconds")

    def message_count(self) -> int:
        return sum(batch.message_count for batch in self.batches)


@asynccontextmanager
async def collecting(*sites: Site, home: Path) -> AsyncIterator[Running]:
    batches: list[BatchReport] = []
    stop = asyncio.Event()
    ready = asyncio.Event()
    options: dict[str, Any] = {"on_ready": ready.set, "on_batch": batches.append, "batch_seconds": 0.1}
    task = asyncio.create_task(collect(sites, home=home, stop=stop, **options))
    try:
        await asyncio.wait_for(ready.wait(), 20)
        yield Running(stop, task, batches)
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)


async def next_on(client: aiomqtt.Client, topic: str) -> bytes:
    async with asyncio.timeout(20):
        async for message in client.messages:
            if message.topic.value == topic:
                return bytes(message.payload)
    raise AssertionError(topic)


def test_state_follows_the_collector_and_contradicts_who_says_it_is_offline(broker: Mosquitto, tmp_path: Path) -> None:
    async def story() -> None:
        async with aiomqtt.Client("127.0.0.1", broker.port) as edge:
            await edge.subscribe(STATE, qos=1)
            async with collecting(a_site(broker={"url": broker.url}), home=tmp_path / "home") as running:
                birth = json.loads(await next_on(edge, STATE))
                assert birth["online"] is True
                await edge.publish(STATE, '{"online":false,"timestamp":1}', qos=1, retain=True)
                assert json.loads(await next_on(edge, STATE))["online"] is False
                assert json.loads(await next_on(edge, STATE)) == birth
                await running.end()
            farewell = json.loads(await next_on(edge, STATE))
            assert farewell["online"] is False
            assert farewell["timestamp"] >= birth["timestamp"]

    asyncio.run(story())


def test_an_unknown_alias_is_answered_by_a_request_for_rebirth(broker: Mosquitto, tmp_path: Path) -> None:
    async def story() -> None:
        async with aiomqtt.Client("127.0.0.1", broker.port) as edge:
            await edge.subscribe([("spBv1.0/hamburg/NCMD/milling_line", 0), (STATE, 1)])
            async with collecting(a_site(broker={"url": broker.url}), home=tmp_path / "home") as running:
                await next_on(edge, STATE)
                data = device_data([a_metric(value=1, alias=7)])
                await edge.publish(data.topic, data.payload)
                command = decode_payload(await next_on(edge, "spBv1.0/hamburg/NCMD/milling_line"))
                assert [(m.name, m.value) for m in command.metrics] == [("Node Control/Rebirth", "true")]
                report = await running.end()
        assert (report.message_count, report.quarantined_count) == (0, 1)

    asyncio.run(story())


def test_names_outlive_the_collector_and_a_restart_of_the_broker(broker: Mosquitto, tmp_path: Path) -> None:
    site, home = a_site(broker={"url": broker.url}), tmp_path / "home"

    async def publish(*arrivals: Any) -> None:
        async with aiomqtt.Client("127.0.0.1", broker.port) as edge:
            for arrival in arrivals:
                await edge.publish(arrival.topic, arrival.payload, qos=1)

    async def story() -> None:
        async with collecting(site, home=home) as running:
            await publish(a_node_birth(), a_device_birth([a_metric("Counters/Good", 1, alias=1)]))
            await running.until(lambda: running.message_count() == 2)
            await running.end()
        await publish(device_data([a_metric(value=2, alias=1, timestamp=MARCH_1 + 1)]))
        async with collecting(site, home=home) as running:
            await running.until(lambda: running.message_count() == 1)
            await asyncio.to_thread(broker.restart)
            await asyncio.sleep(1)
            await publish(device_data([a_metric(value=3, alias=1, timestamp=MARCH_1 + 2)], seq=3))
            await running.until(lambda: running.message_count() == 2)
            await running.end()

    asyncio.run(story())
    (good,) = read_state(home, "hamburg/+/+/Counters/Good")
    assert (good.value, good.is_stale) == (3, False)


def test_two_collectors_of_one_id_do_not_share_a_home(broker: Mosquitto, tmp_path: Path) -> None:
    async def story() -> None:
        site = a_json_site(broker={"url": broker.url})
        async with collecting(site, home=tmp_path / "home"):
            with pytest.raises(CollectorLocked, match="already runs"):
                await collect([site], home=tmp_path / "home")

    asyncio.run(story())


def test_a_disk_that_refuses_stops_acknowledging_and_nothing_is_lost(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, home = a_json_site(broker={"url": broker.url}), tmp_path / "home"
    refusals: list[int] = []
    commit = Landing.commit

    def refuse_twice(self: Landing, *args: Any, **kwargs: Any) -> Any:
        if len(refusals) < 2:
            refusals.append(1)
            raise LandingError("cannot land: No space left on device", path=home)
        return commit(self, *args, **kwargs)

    async def story() -> None:
        monkeypatch.setattr("ingest.collector.FIRST_RETRY_S", 0.1)
        monkeypatch.setattr(Landing, "commit", refuse_twice)
        async with collecting(site, home=home) as running:
            async with aiomqtt.Client("127.0.0.1", broker.port) as plant:
                for number in range(50):
                    text = json.dumps({"timestamp": MARCH_1 + number, "v": number})
                    await plant.publish("meridian/monterrey/a/cnc_201/x", text, qos=1)
            await running.until(lambda: running.message_count() == 50)
            await running.end()

    asyncio.run(story())
    assert len(refusals) == 2
    assert sum(f.row_count for m in read_manifests(home) for f in m.files if f.kind == "readings") == 50


@pytest.mark.filterwarnings("ignore::DeprecationWarning:amqtt.*")
def test_a_3_1_1_broker_keeps_the_session_of_a_named_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded broker queues for a client that is away only when it logged in by name."""
    from amqtt.broker import Broker as Amqtt

    monkeypatch.setenv("PLANT_USER", "collector")
    port, home = a_free_port(), tmp_path / "home"
    site = a_json_site(broker={"url": f"mqtt://127.0.0.1:{port}", "protocol": "3.1.1", "username_env": "PLANT_USER"})

    async def publish(first: int, count: int) -> None:
        topic = "meridian/monterrey/a/cnc_201/x"
        async with aiomqtt.Client("127.0.0.1", port, username="plant") as plant:
            await plant.subscribe(topic)
            for number in range(first, first + count):
                await plant.publish(topic, json.dumps({"timestamp": MARCH_1 + number, "v": number}), qos=1)
            for _ in range(count):  # amqtt forgets what it has not passed on when its sender leaves
                await next_on(plant, topic)

    async def story() -> None:
        amqtt = Amqtt(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": False}},
            }
        )
        await amqtt.start()
        async with collecting(site, home=home) as running:
            await publish(0, 100)
            await running.until(lambda: running.message_count() == 100)
            await running.end()
        await asyncio.sleep(1)  # amqtt loses what it sends to a client whose leaving it has not noticed yet
        await publish(100, 100)
        async with collecting(site, home=home) as running:
            await running.until(lambda: running.message_count() == 100)
            await running.end()
        await amqtt.shutdown()

    asyncio.run(story())
    files = [f for m in read_manifests(home) for f in m.files if f.kind == "readings"]
    values = [v for f in files for v in pq.ParquetFile(home / f.path).read(["value_double"])[0].to_pylist()]
    assert sorted(values) == list(range(200))


def losses(home: Path) -> list[tuple[Any, ...]]:
    files = [f for m in read_manifests(home) for f in m.files if f.kind == "losses"]
    rows = [row for f in files for row in pq.ParquetFile(home / f.path).read().to_pylist()]
    return [(row["loss_kind"], row["site_id"], row["edge_node_id"], row["until_at"] > row["from_at"]) for row in rows]


def test_when_nobody_listened_stands_in_the_ledger(broker: Mosquitto, tmp_path: Path) -> None:
    site, home = a_json_site(broker={"url": broker.url}), tmp_path / "home"

    async def publish(number: int) -> None:
        async with aiomqtt.Client("127.0.0.1", broker.port) as plant:
            await plant.publish("meridian/monterrey/a/cnc_201/x", f'{{"timestamp": {MARCH_1 + number}, "v": 1}}', qos=1)

    async def story() -> None:
        async with collecting(site, home=home) as running:
            await publish(1)
            await running.until(lambda: running.message_count() == 1)
            await asyncio.to_thread(broker.restart)
            await running.until(lambda: any(batch.loss_count for batch in running.batches))
            await running.end()
        async with collecting(site, home=home) as running:
            await running.until(lambda: any(batch.loss_count for batch in running.batches))
            await running.end()

    asyncio.run(story())
    assert losses(home) == [
        ("broker_unreachable", "monterrey", "", True),
        ("collector_offline", "monterrey", "", True),
    ]


def test_what_waits_for_a_birth_lands_by_itself_when_it_comes(broker: Mosquitto, tmp_path: Path) -> None:
    site, home = a_site(broker={"url": broker.url}), tmp_path / "home"

    async def story() -> None:
        async with aiomqtt.Client("127.0.0.1", broker.port) as edge, collecting(site, home=home) as running:
            early = device_data([a_metric(value=41, alias=1, timestamp=MARCH_1 + 500)], seq=1)
            await edge.publish(early.topic, early.payload, qos=1)
            await running.until(lambda: any(batch.quarantined_count for batch in running.batches))
            for birth in (a_node_birth(), a_device_birth([a_metric("Counters/Good", 42, alias=1)])):
                await edge.publish(birth.topic, birth.payload, qos=1)
            await running.until(lambda: any(m.collector == REPLAY_ID for m in read_manifests(home)))
            await running.end()

    asyncio.run(story())
    files = [f for m in read_manifests(home) for f in m.files if f.kind == "readings"]
    rows = [row for f in files for row in pq.ParquetFile(home / f.path).read().to_pylist()]
    good = sorted(int(row["value_decimal"]) for row in rows if row["metric_name"] == "Counters/Good")
    assert good == [41, 42]

"""Several brokers to one collector, and several collectors to one site."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ingest.arrival import Arrival, message_id
from ingest.current_state import read_state
from ingest.sparkplug.host import state_topic
from orchestration.warehouse.landed import read_landed_files
from orchestration.warehouse.loader import load_files
from orchestration.warehouse.schema import MESSAGE, READING, open_warehouse
from tests.builders.sparkplug import MARCH_1, a_json_site, a_site
from tests.integration.brokers import Mosquitto, a_mosquitto
from tests.integration.collector_members import Member, a_deployment, a_member, until
from tests.integration.test_collector_kill import landed


class Publisher(threading.Thread):
    """JSON at QoS 1 on a few topics, remembered by the identity that its rows will have."""

    def __init__(self, port: int, *, pause_s: float = 0.003) -> None:
        super().__init__(name="publisher", daemon=True)
        self.port, self.pause_s = port, pause_s
        self.done = threading.Event()
        self.sent: set[str] = set()
        self.last_value: dict[str, int] = {}

    def run(self) -> None:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="publisher")
        client.max_queued_messages_set(0)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        number = 0
        while not self.done.is_set():
            topic = f"meridian/monterrey/mecanizado/cnc_20{number % 3}/husillo"
            payload = json.dumps({"timestamp": MARCH_1 + number * 10, "v": number}).encode()
            info = client.publish(topic, payload, qos=1)
            self.sent.add(message_id(Arrival(topic, payload, 0), has_own_time=True))
            self.last_value[f"cnc_20{number % 3}"] = number
            number += 1
            time.sleep(self.pause_s)
        info.wait_for_publish(30)
        client.disconnect()
        client.loop_stop()

    def end(self) -> None:
        self.done.set()
        self.join(60)


@contextlib.contextmanager
def two_brokers(directory: Path) -> Iterator[tuple[Mosquitto, Mosquitto]]:
    for name in ("one", "two"):
        (directory / name).mkdir()
    with a_mosquitto(directory / "one") as one, a_mosquitto(directory / "two") as two:
        yield one, two


def message_ids(*homes: Path) -> list[str]:
    return [row[0] for home in homes for row in landed(home, "messages", ["message_id"])]


def loaded(warehouse_path: Path, *homes: Path) -> tuple[int, int]:
    """Messages and readings in a warehouse that loads these homes."""
    with open_warehouse(warehouse_path) as warehouse:
        for home in homes:
            files = [file for batch in read_landed_files(home).values() for file in batch]
            for table in (MESSAGE, READING):
                load_files(warehouse, table=table, files=files, home=home)
        counts = [warehouse.execute(f"select count(*) from raw.{name}").fetchone() for name in ("message", "reading")]
    return tuple(count[0] for count in counts if count)  # type: ignore[return-value]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("is_home_shared", [True, False], ids=["one home", "two homes"])
def test_two_collectors_share_a_site_and_one_that_dies_gets_its_part_when_it_returns(
    tmp_path: Path, is_home_shared: bool
) -> None:
    homes = (tmp_path / "home", tmp_path / ("home" if is_home_shared else "home-b"))
    with a_mosquitto(tmp_path) as broker, contextlib.ExitStack() as stack:
        deployment = a_deployment(tmp_path / "deployment", a_json_site(broker={"url": broker.url}, share="monterrey"))

        def start(name: str, home: Path) -> Member:
            member = stack.enter_context(a_member(name, deployment=deployment, home=home))
            member.until("ready")
            return member

        a, b = start("line-a", homes[0]), start("line-b", homes[1])
        publisher = Publisher(broker.port)
        publisher.start()
        a.until("batch", times=3)
        b.until("batch", times=3)
        b.kill()
        a.until("batch", times=a.count("batch") + 10)
        while_away = set(publisher.sent)
        time.sleep(1)
        missing = while_away - set(message_ids(*homes))
        assert missing, "mosquitto keeps a dead member's part for it: nobody else gets it"
        b = start("line-b", homes[1])
        b.until("batch", times=3)
        publisher.end()
        until(lambda: set(message_ids(*homes)) >= publisher.sent, why=b.explain)
        for member in (a, b):
            member.stop()
    assert set(message_ids(*homes)) == publisher.sent
    distinct_homes = dict.fromkeys(homes)
    assert loaded(tmp_path / "warehouse.duckdb", *distinct_homes) == (len(publisher.sent), len(publisher.sent))
    parts = [{row[0] for row in landed(home, "messages", ["message_id"])} for home in distinct_homes]
    if not is_home_shared:
        assert all(parts), "each has landed a part"
    now = [read_state(home, "monterrey/#") for home in distinct_homes]
    if is_home_shared:  # what two heard of one metric is one line, the newest of both
        assert {v.device_id.rpartition("/")[2]: int(str(v.value)) for v in now[0]} == publisher.last_value


@pytest.mark.timeout(240)
def test_a_broker_that_dies_and_returns_does_not_hold_up_the_other(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with two_brokers(tmp_path) as (one, two), contextlib.ExitStack() as stack:
        sites = [
            a_json_site(broker={"url": one.url}),
            a_site(broker={"url": one.url}),
            a_site(site_id="pune", group_id="pune", broker={"url": two.url}),
        ]
        member = stack.enter_context(
            a_member("line-a", deployment=a_deployment(tmp_path / "deployment", *sites), home=home)
        )
        member.until("ready")
        publisher = Publisher(one.port)
        publisher.start()
        until(lambda: state_of(one) and state_of(two), why=member.explain)
        two.process.kill()
        two.process.wait()
        for _ in range(5):  # landing goes on, batch after batch
            before = set(publisher.sent)
            until(lambda before=before: before <= set(message_ids(home)), seconds=20, why=member.explain)  # type: ignore[misc]
            time.sleep(0.3)
        assert state_of(one), "the host stays online where its broker stands"
        two.start()
        until(lambda: state_of(two), seconds=60, why=member.explain)
        publisher.end()
        until(lambda: set(message_ids(home)) >= publisher.sent, why=member.explain)
        member.stop()
        assert (state_of(one), state_of(two)) == (False, False)
    assert sorted(message_ids(home)) == sorted(publisher.sent)


def state_of(broker: Mosquitto) -> bool:
    """Whether the retained STATE on this broker says online."""
    import asyncio

    async def read() -> bool:
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            await client.subscribe(state_topic("lineshaft"), qos=1)
            try:
                async with asyncio.timeout(2):
                    message = await anext(client.messages)
            except TimeoutError:
                return False
            return bool(json.loads(bytes(message.payload))["online"])

    return asyncio.run(read())

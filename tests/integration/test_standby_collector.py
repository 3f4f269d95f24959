"""Two collectors of a standby group and one plant: whoever dies or freezes, the other goes on where it was."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import aiomqtt
import pytest

from ingest.landing import read_manifests
from ingest.sparkplug.host import state_topic
from orchestration.warehouse.landed import read_landed_files
from orchestration.warehouse.loader import load_files
from orchestration.warehouse.schema import MESSAGE, READING, open_warehouse
from tests.builders.sparkplug import a_json_site, a_site
from tests.integration.brokers import Mosquitto, a_mosquitto
from tests.integration.collector_members import Member, a_deployment, a_member, until
from tests.integration.test_collector_kill import Plant, landed

TTL_S, RENEWAL_S = 6.0, 1.0
POSTGRES = os.environ.get("LINESHAFT_TEST_POSTGRES_URL", "")


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param(
            "postgres",
            marks=[
                pytest.mark.xdist_group("postgres"),
                pytest.mark.skipif(not POSTGRES, reason="LINESHAFT_TEST_POSTGRES_URL names no Postgres database"),
            ],
        ),
    ]
)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'operations.sqlite'}"
        return
    from alembic import command

    from models.store import migration_config, open_store

    yield POSTGRES
    engine = open_store(POSTGRES)
    with engine.begin() as connection:
        command.downgrade(migration_config(connection), "base")
    engine.dispose()


class Pair:
    """The plant, its broker, and as many members as a test starts."""

    def __init__(self, broker: Mosquitto, directory: Path, store_url: str, stack: contextlib.ExitStack) -> None:
        self.broker, self.home = broker, directory / "home"
        self.plant = Plant(broker.port)
        self._store_url, self._stack = store_url, stack
        self._deployment = a_deployment(
            directory / "deployment", a_site(broker={"url": broker.url}), a_json_site(broker={"url": broker.url})
        )

    def member(self, name: str) -> Member:
        options = ["--standby-group", "plant", "--lease-seconds", str(TTL_S), "--renew-seconds", str(RENEWAL_S)]
        return self._stack.enter_context(
            a_member(
                name,
                deployment=self._deployment,
                home=self.home,
                options=options,
                environment={"LINESHAFT_DATABASE_URL": self._store_url},
            )
        )

    def everything_has_landed(self) -> bool:
        return {row[0] for row in landed(self.home, "messages", ["message_id"])} >= self.plant.sent.keys()

    def end(self) -> None:
        self.plant.done.set()
        self.plant.join()


@pytest.fixture
def pair(tmp_path: Path, store_url: str) -> Iterator[Pair]:
    with contextlib.ExitStack() as stack:
        yield Pair(stack.enter_context(a_mosquitto(tmp_path)), tmp_path, store_url, stack)


def assert_all_loaded_once(pair: Pair) -> None:
    """Lost 0, doubled 0, in the warehouse; and every alias had its name."""
    assert landed(pair.home, "quarantine", ["reason", "detail"]) == []
    files = [file for batch in read_landed_files(pair.home).values() for file in batch]
    with open_warehouse(pair.home / "warehouse.duckdb") as warehouse:
        for table in (MESSAGE, READING):
            load_files(warehouse, table=table, files=files, home=pair.home)
        messages = warehouse.execute("select message_id from raw.message").fetchall()
        energy = warehouse.execute(
            "select value_double from raw.reading where metric_name = 'Counters/Energy' order by 1"
        ).fetchall()
        reading_count = warehouse.execute("select count(*) from raw.reading").fetchone()
    assert len(messages) == len(pair.plant.sent)
    assert {row[0] for row in messages} == pair.plant.sent.keys()
    assert [row[0] for row in energy] == sorted([0, *pair.plant.energy])
    assert reading_count == (sum(pair.plant.sent.values()),)
    losses = landed(pair.home, "losses", ["loss_kind", "first_missing_seq", "last_missing_seq"])
    assert [row for row in losses if row[0] == "seq_gap"] == []


def tokens_of(home: Path) -> list[tuple[str, int | None]]:
    """Who committed under which token, in the order of commits, repetitions left out."""
    found: list[tuple[str, int | None]] = []
    for manifest in read_manifests(home):
        if not found or found[-1] != (manifest.collector, manifest.lease_token):
            found.append((manifest.collector, manifest.lease_token))
    return found


@pytest.mark.timeout(240)
def test_a_killed_collector_is_replaced_and_nothing_is_lost_or_doubled(pair: Pair) -> None:
    first = pair.member("line-a")
    first.until("ready")
    second = pair.member("line-b")
    second.until("standing_by")
    pair.plant.start()
    first.until("batch", times=5)
    first.kill()
    killed_at = time.monotonic()
    active = second.until("active")
    assert active["token"] == first.last_of("active")["token"] + 1
    took = second.until("batch")["seen_at"] - killed_at
    assert took < TTL_S + 2 + 10, "the lease's time, two seconds, and ten for a machine that others use too"
    again = pair.member("line-a")  # comes back, stands by, and takes its turn when the other leaves in order
    again.until("standing_by")
    second.until("batch", times=10)
    second.stop()
    again.until("batch", times=3)
    pair.end()
    until(pair.everything_has_landed, why=again.explain)
    assert tokens_of(pair.home) == [("line-a", 1), ("line-b", 2), ("line-a", 3)]
    assert again.count("standing_by") == 1
    online = read_retained(pair.broker, state_topic("lineshaft"))
    again.stop()
    assert b'"online":true' in online.replace(b" ", b"")
    assert_all_loaded_once(pair)


@pytest.mark.timeout(240)
def test_a_frozen_collector_that_wakes_up_lands_and_acknowledges_nothing_more(pair: Pair) -> None:
    first = pair.member("line-a")
    first.until("ready")
    second = pair.member("line-b")
    second.until("standing_by")
    pair.plant.start()
    first.until("batch", times=5)
    first.signal(signal.SIGSTOP)
    second.until("batch", times=5)
    woken_at = time.time_ns()
    first.signal(signal.SIGCONT)
    first.until("standing_by", times=2)
    second.until("batch", times=second.count("batch") + 5)
    pair.end()
    until(pair.everything_has_landed, why=second.explain)
    assert second.count("active") == 1, "the one that woke up must not throw its successor out"
    online = read_retained(pair.broker, state_topic("lineshaft"))
    assert b'"online":true' in online.replace(b" ", b"")
    assert len(first.logged("lease_lost")) == 1
    late = [m for m in read_manifests(pair.home) if m.collector == "line-a" and stamp_of(m.path) > woken_at]
    assert len(late) <= 1, "at most the batch that it was writing when it froze"
    held_until, taken_at = expiry_of(first), grant_of(second)
    assert held_until <= taken_at, "by the store's clock one right ended before the other began"
    second.stop()
    assert_all_loaded_once(pair)


def stamp_of(path: str) -> int:
    return int(Path(path).name.partition("-")[0])


def expiry_of(member: Member) -> datetime:
    renewals = [*member.logged("lease_acquired"), *member.logged("lease_renewed")]
    return max(datetime.fromisoformat(each["expires_at"]) for each in renewals)


def grant_of(member: Member) -> datetime:
    (grant,) = member.logged("lease_acquired")
    return datetime.fromisoformat(grant["granted_at"])


def read_retained(broker: Mosquitto, topic: str) -> bytes:
    import asyncio

    async def read() -> bytes:
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            await client.subscribe(topic, qos=1)
            async with asyncio.timeout(20):
                message = await anext(client.messages)
                return bytes(message.payload)

    return asyncio.run(read())

"""The collectors' lease on Postgres: compare and set under its isolation, by its clock.

Runs where LINESHAFT_TEST_POSTGRES_URL names an empty database and its driver is installed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from alembic import command
from sqlalchemy import Engine, update

from models.collector_lease import Answer, CollectorLeaseRow
from models.lease_store import LeaseStore
from models.store import migration_config, open_store, sessions

URL = os.environ.get("LINESHAFT_TEST_POSTGRES_URL", "")
MEMBERS = 8
pytestmark = [
    pytest.mark.xdist_group("postgres"),  # one database, one worker
    pytest.mark.skipif(not URL, reason="LINESHAFT_TEST_POSTGRES_URL names no Postgres database"),
]


@pytest.fixture
def engine() -> Iterator[Engine]:
    opened = open_store(URL)
    yield opened
    with opened.begin() as connection:
        command.downgrade(migration_config(connection), "base")
    opened.dispose()


@pytest.fixture
def members(engine: Engine) -> Iterator[list[LeaseStore]]:
    stores = [LeaseStore(URL, name="plant", holder=f"member-{number}", ttl_s=60) for number in range(MEMBERS)]
    yield stores
    for store in stores:
        store.close()


def ask_at_once(members: list[LeaseStore]) -> list[Answer]:
    start = Barrier(len(members))

    def ask(store: LeaseStore) -> Answer:
        start.wait()
        return store.claim()

    with ThreadPoolExecutor(len(members)) as pool:
        return list(pool.map(ask, members))


def test_of_eight_who_ask_at_once_one_gets_it_again_and_again(engine: Engine, members: list[LeaseStore]) -> None:
    for token in range(1, 8):
        answers = ask_at_once(members)
        assert [answer.is_ours for answer in answers].count(True) == 1
        holders = {store.claim().lease.holder for store in members}
        assert len(holders) == 1
        assert {store.claim().lease.token for store in members} == {token}
        with sessions(engine).begin() as session:
            ended = datetime(2026, 1, 1, tzinfo=UTC)
            session.execute(update(CollectorLeaseRow).values(expires_at=ended, holder="dead"))


def test_a_lease_is_renewed_given_back_and_counted_by_the_databases_clock(members: list[LeaseStore]) -> None:
    first, second = members[:2]
    granted = first.claim()
    assert granted.lease.expires_at - granted.now == timedelta(seconds=60)
    assert first.claim().lease.expires_at > granted.lease.expires_at
    assert not second.claim().is_ours
    first.release()
    assert second.claim().lease.token == 2

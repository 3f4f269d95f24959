"""models.lease_store on SQLite: one of those who ask is told yes, by the database's clock."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import update

from models.collector_lease import CollectorLeaseRow
from models.errors import StoreError
from models.lease_store import LeaseStore
from models.store import open_store, sessions


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'operations.sqlite'}"


@pytest.fixture
def members(url: str) -> Iterator[tuple[LeaseStore, LeaseStore]]:
    pair = tuple(LeaseStore(url, name="plant", holder=holder, ttl_s=60) for holder in ("a", "b"))
    yield pair[0], pair[1]
    for each in pair:
        each.close()


def let_expire(url: str, **changes: str) -> None:
    engine = open_store(url)
    with sessions(engine).begin() as session:
        session.execute(update(CollectorLeaseRow).values(expires_at=datetime(2026, 1, 1, tzinfo=UTC), **changes))
    engine.dispose()


def test_the_first_who_asks_holds_it_and_the_other_learns_who_does(members: tuple[LeaseStore, LeaseStore]) -> None:
    a, b = members
    granted = a.claim()
    assert granted.is_ours
    refused = b.claim()
    assert (refused.is_ours, refused.lease) == (False, granted.lease)
    assert granted.lease.expires_at - granted.now == timedelta(seconds=60)


def test_a_renewal_keeps_the_token_and_a_new_holder_raises_it(members: tuple[LeaseStore, LeaseStore], url: str) -> None:
    a, b = members
    assert [a.claim().lease.token for _ in range(3)] == [1, 1, 1]
    let_expire(url)
    assert b.claim().lease.token == 2
    late = a.claim()
    assert (late.is_ours, late.lease.holder) == (False, "b")


def test_what_is_released_is_free_and_a_stranger_releases_nothing(members: tuple[LeaseStore, LeaseStore]) -> None:
    a, b = members
    a.claim()
    b.release()
    assert not b.claim().is_ours
    a.release()
    assert b.claim().lease.token == 2


def test_groups_do_not_meet(members: tuple[LeaseStore, LeaseStore], url: str) -> None:
    members[0].claim()
    other = LeaseStore(url, name="elsewhere", holder="b", ttl_s=60)
    assert other.claim().is_ours
    other.close()


def test_of_eight_who_ask_at_once_for_a_lease_that_ended_one_gets_it(url: str) -> None:
    stores = [LeaseStore(url, name="plant", holder=f"member-{number}", ttl_s=60) for number in range(8)]
    stores[0].claim()
    for token in (2, 3, 4):
        let_expire(url, holder="dead")
        start = Barrier(len(stores))

        def ask(store: LeaseStore, start: Barrier = start) -> bool:
            start.wait()
            return store.claim().is_ours

        with ThreadPoolExecutor(len(stores)) as pool:
            assert list(pool.map(ask, stores)).count(True) == 1
        assert {store.claim().lease.token for store in stores} == {token}
    for store in stores:
        store.close()


def test_a_store_that_cannot_be_reached_says_so(members: tuple[LeaseStore, LeaseStore], url: str) -> None:
    engine = open_store(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE collector_lease")
    engine.dispose()
    with pytest.raises(StoreError, match="lease"):
        members[0].claim()

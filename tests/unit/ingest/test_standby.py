"""ingest.standby: turns, with the lease and the collecting played by fakes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest import standby
from ingest.errors import SessionTakenOver
from ingest.lease import LeaseTerms, Tenure
from ingest.report import CollectReport
from ingest.standby import Standing, collect_in_turn
from models.errors import StoreError
from models.lease import Lease, claim, give_up

TERMS = LeaseTerms(ttl_s=30, renewal_s=0.02, poll_s=0.02)
SHORT = LeaseTerms(ttl_s=0.4, renewal_s=0.02, poll_s=0.02)


class Answer:
    def __init__(self, lease: Lease, now: datetime, *, is_ours: bool) -> None:
        self.lease, self.now, self.is_ours = lease, now, is_ours


class Book:
    """One lease for several members, kept in memory, by a clock of its own."""

    def __init__(self) -> None:
        self.held: Lease | None = None
        self.is_down = False

    def now(self) -> datetime:
        return datetime.now(UTC)

    def expire(self) -> None:
        assert self.held is not None
        self.held = replace(self.held, expires_at=datetime(2026, 1, 1, tzinfo=UTC))


class Access:
    name = "plant"

    def __init__(self, book: Book, holder: str, terms: LeaseTerms) -> None:
        self._book, self._holder = book, holder
        self._ttl = timedelta(seconds=terms.ttl_s)

    def claim(self) -> Answer:
        if self._book.is_down:
            raise StoreError("the store is away")
        now = self._book.now()
        lease = claim(self._book.held, name="plant", holder=self._holder, now=now, ttl=self._ttl)
        if lease is not None:
            self._book.held = lease
        assert self._book.held is not None
        return Answer(self._book.held, now, is_ours=lease is not None)

    def release(self) -> None:
        if self._book.held is not None:
            self._book.held = give_up(self._book.held, holder=self._holder, now=self._book.now()) or self._book.held


class Collecting:
    """Stands where `collect` is: asks its fence again and again until told to stop."""

    def __init__(self) -> None:
        self.turns: list[tuple[str, int]] = []
        self.fails_with: Exception | None = None

    async def __call__(
        self, _sites: Any, *, collector_id: str, stop: asyncio.Event, session: str, tenure: Tenure, **_: Any
    ) -> CollectReport:
        assert session == "plant"
        self.turns.append((collector_id, tenure.lease.token))
        if self.fails_with is not None:
            error, self.fails_with = self.fails_with, None
            raise error
        while not stop.is_set():
            tenure.require()
            await asyncio.sleep(0.005)
        return CollectReport()


@pytest.fixture
def collecting(monkeypatch: pytest.MonkeyPatch) -> Collecting:
    played = Collecting()
    monkeypatch.setattr(standby, "collect", played)
    return played


class Member:
    def __init__(self, book: Book, name: str, terms: LeaseTerms = TERMS) -> None:
        self.stop = asyncio.Event()
        self.roles: list[str] = []
        self.task = asyncio.create_task(
            collect_in_turn(
                [],
                home=Path(),
                collector_id=name,
                access=Access(book, name, terms),
                terms=terms,
                stop=self.stop,
                on_standing=self._note,
            )
        )

    def _note(self, standing: Standing) -> None:
        self.roles.append(standing.role)

    async def until(self, *roles: str) -> None:
        async with asyncio.timeout(10):
            while self.roles != list(roles):  # noqa: ASYNC110  (a callback tells it)
                await asyncio.sleep(0.005)

    async def end(self) -> None:
        self.stop.set()
        await asyncio.wait_for(self.task, 10)


async def renewed(book: Book) -> None:
    before = book.held
    async with asyncio.timeout(10):
        while book.held == before:  # noqa: ASYNC110  (a fake tells nobody)
            await asyncio.sleep(0.005)


def test_one_collects_and_the_other_follows_at_once_when_it_leaves_in_order(collecting: Collecting) -> None:
    async def story() -> None:
        book = Book()
        a = Member(book, "a")
        await a.until("standing_by", "active")
        b = Member(book, "b")
        for _ in range(3):
            await renewed(book)
        assert b.roles == ["standing_by"], "a renewed lease is nobody else's"
        await a.end()
        await b.until("standing_by", "active")
        await b.end()

    asyncio.run(story())
    assert collecting.turns == [("a", 1), ("b", 2)]


def test_who_finds_the_lease_taken_ends_its_turn_and_stands_by(collecting: Collecting) -> None:
    async def story() -> None:
        book = Book()
        a = Member(book, "a")
        await a.until("standing_by", "active")
        assert book.held is not None
        later = datetime.now(UTC) + timedelta(seconds=60)
        book.held = Lease(name="plant", holder="b", token=2, expires_at=later)
        await a.until("standing_by", "active", "standing_by")
        book.expire()
        await a.until("standing_by", "active", "standing_by", "active")
        await a.end()

    asyncio.run(story())
    assert collecting.turns == [("a", 1), ("a", 3)]


def test_a_store_that_stays_away_ends_the_turn_and_its_return_begins_another(collecting: Collecting) -> None:
    async def story() -> None:
        book = Book()
        a = Member(book, "a", SHORT)
        await a.until("standing_by", "active")
        book.is_down = True
        await a.until("standing_by", "active", "standing_by")
        book.is_down = False
        await a.until("standing_by", "active", "standing_by", "active")
        await a.end()

    asyncio.run(story())
    assert collecting.turns == [("a", 1), ("a", 1)], "nobody held it meanwhile, so the token says nothing happened"


def test_whose_session_is_taken_gives_the_lease_up_before_it_asks_again(collecting: Collecting) -> None:
    collecting.fails_with = SessionTakenOver("another client", url="mqtt://b")

    async def story() -> None:
        book = Book()
        a = Member(book, "a", SHORT)
        await a.until("standing_by", "active")
        async with asyncio.timeout(5):
            while book.held is None or book.held.is_held_at(book.now()):  # noqa: ASYNC110  (a fake tells nobody)
                await asyncio.sleep(0.005)
        b = Member(book, "b")
        await b.until("standing_by", "active")
        await b.end()
        await a.end()

    asyncio.run(story())
    assert collecting.turns[:2] == [("a", 1), ("b", 2)]


def test_any_other_failure_ends_the_member(collecting: Collecting) -> None:
    collecting.fails_with = RuntimeError("broken")

    async def story() -> None:
        book = Book()
        member = Member(book, "a")
        with pytest.raises(RuntimeError, match="broken"):
            await asyncio.wait_for(member.task, 10)
        assert book.held is not None
        assert not book.held.is_held_at(book.now()), "and lets the others begin"

    asyncio.run(story())

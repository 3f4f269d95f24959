"""A seller's counter is created once, whoever looks first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from models.billing.number_sequence import GENESIS, NumberSequenceRow, invoice_number, locked_sequence
from models.store import sessions
from tests.builders.enterprise import a_store


class LateSession(Session):
    """A session whose first look misses a row that another transaction commits right after, as on Postgres."""

    has_looked = False

    def scalars(self, statement: Any, *arguments: Any, **options: Any) -> Any:
        if not self.has_looked:
            self.has_looked = True
            statement = statement.where(NumberSequenceRow.issue_year < 0)
        return super().scalars(statement, *arguments, **options)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with a_store(tmp_path) as opened:
        yield opened


def test_a_seller_starts_at_zero_each_year(engine: Engine) -> None:
    with sessions(engine).begin() as session:
        for year in (2026, 2027):
            row = locked_sequence(session, seller_party_id="weller", issue_year=year)
            assert (row.last_number, row.last_sha256) == (0, GENESIS)
    with sessions(engine).begin() as session:
        assert len(session.scalars(select(NumberSequenceRow)).all()) == 2


def test_a_counter_created_by_another_at_the_same_moment_is_used(engine: Engine) -> None:
    with sessions(engine).begin() as session:
        locked_sequence(session, seller_party_id="weller", issue_year=2026).last_number = 1
    with LateSession(engine) as session:
        assert locked_sequence(session, seller_party_id="weller", issue_year=2026).last_number == 1


def test_a_number_is_written_with_seller_and_year() -> None:
    assert invoice_number(seller_party_id="weller", issue_year=2026, number=1234567) == "WELLER-2026-1234567"

"""What goes into a column comes out of it: exact numbers and UTC instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from models.errors import MoneyError, TimelineError
from models.orm import ExactDecimal, UtcDateTime
from models.tables import METADATA

SQLITE = sqlite.dialect()
POSTGRES = postgresql.dialect()


@pytest.mark.parametrize("number", ["0.10", "1E+3", "12345678901234567890123456789.123456789", "-0.5"])
def test_a_decimal_survives_sqlite_as_text(number: str) -> None:
    column = ExactDecimal()
    stored = column.process_bind_param(Decimal(number), SQLITE)
    assert isinstance(stored, str)
    assert "E" not in stored
    assert column.process_result_value(stored, SQLITE) == Decimal(number)


def test_postgres_keeps_a_numeric() -> None:
    column = ExactDecimal()
    assert column.process_bind_param(Decimal("0.10"), POSTGRES) == Decimal("0.10")
    assert column.load_dialect_impl(POSTGRES).compile(POSTGRES) == "NUMERIC"
    assert column.load_dialect_impl(SQLITE).compile(SQLITE) == "TEXT"


def test_a_float_never_becomes_a_number_in_the_store() -> None:
    with pytest.raises(MoneyError):
        ExactDecimal().process_bind_param(0.1, SQLITE)  # type: ignore[arg-type]


def test_nothing_stays_nothing() -> None:
    assert ExactDecimal().process_bind_param(None, SQLITE) is None
    assert ExactDecimal().process_result_value(None, SQLITE) is None
    assert UtcDateTime().process_bind_param(None, SQLITE) is None
    assert UtcDateTime().process_result_value(None, SQLITE) is None


def test_an_instant_comes_back_in_utc_whatever_the_database_remembers() -> None:
    column, instant = UtcDateTime(), datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert column.process_result_value(column.process_bind_param(instant, SQLITE), SQLITE) == instant
    assert column.process_bind_param(instant, POSTGRES) == instant
    answered = instant.astimezone(timezone(timedelta(hours=2)))
    read = column.process_result_value(answered, POSTGRES)
    assert read is not None
    assert (read, read.utcoffset()) == (instant, timedelta(0))


def test_a_local_time_never_enters() -> None:
    with pytest.raises(TimelineError, match="not in UTC"):
        UtcDateTime().process_bind_param(datetime(2026, 3, 29, 1), SQLITE)  # noqa: DTZ001


def test_every_number_and_instant_of_the_store_uses_the_exact_types() -> None:
    kinds = {type(column.type).__name__ for table in METADATA.tables.values() for column in table.columns}
    assert kinds == {"Text", "Integer", "BigInteger", "Date", "ExactDecimal", "UtcDateTime"}

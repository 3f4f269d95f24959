"""The ground under every table: naming convention, declarative base, exact numbers and UTC instants.

Belongs here: what all row classes share. Does not belong here: a table, an engine, a query.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import DateTime, Dialect, MetaData, Numeric, Text, inspect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

from models.exact import exact
from models.timeline import require_utc


class ExactDecimal(TypeDecorator[Decimal]):
    """A Decimal digit for digit: text in SQLite, whose numbers are binary floats, and NUMERIC elsewhere."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """TEXT for SQLite, NUMERIC without a scale elsewhere: both keep trailing zeros."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """A float never gets in."""
        if value is None:
            return None
        number = exact(value)
        return format(number, "f") if dialect.name == "sqlite" else number

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 (the base's form)
        """What was written comes back."""
        return None if value is None else exact(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: only UTC goes in, UTC comes out; TIMESTAMP WITH TIME ZONE where the database has one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """A naive or local time never gets in."""
        if value is None:
            return None
        instant = require_utc(value).astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite forgets the zone, Postgres answers in the session's: both become UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Row(DeclarativeBase):
    """Base of every table. Constraint names follow one convention, so that a migration can name what it changes."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {Decimal: ExactDecimal, datetime: UtcDateTime, str: Text}  # noqa: RUF012 (SQLAlchemy's form)


AnyRow = TypeVar("AnyRow", bound=Row)


def copy_row(row: AnyRow, **changes: Any) -> AnyRow:
    """A new row, in no session, with the same values but for the changes; related rows are the caller's to give."""
    values = {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}
    return type(row)(**{**values, **changes})

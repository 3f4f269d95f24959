"""The database some peers write to: a schema of its own in the Postgres that tests use, dropped after.

Belongs here: finding it, the table, counting. Does not belong here: who writes to it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

SCHEMA = "ingest_benchmark"
METADATA = sa.MetaData(schema=SCHEMA)
READING = sa.Table(
    "reading",
    METADATA,
    sa.Column("topic", sa.Text),
    sa.Column("metric_name", sa.Text),
    sa.Column("event_at", sa.DateTime(timezone=True)),
    sa.Column("value_double", sa.Double),
    sa.Column("value_text", sa.Text),
)


def url() -> str | None:
    """An SQLAlchemy address, or None where no Postgres is named."""
    return os.environ.get("LINESHAFT_BENCHMARK_POSTGRES_URL") or os.environ.get("LINESHAFT_TEST_POSTGRES_URL") or None


@contextmanager
def an_empty_table(address: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        connection.execute(sa.text(f"drop schema if exists {SCHEMA} cascade"))
        connection.execute(sa.schema.CreateSchema(SCHEMA))
        METADATA.create_all(connection)
    try:
        yield engine
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text(f"drop schema if exists {SCHEMA} cascade"))
        engine.dispose()


def count_rows(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(READING)).scalar_one())

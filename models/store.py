"""The operational store: opening it at this version's tables, and sessions on it.

Belongs here: engines, connection settings, migration to head. Does not belong here: tables (orm.py), queries.

SQLite (the default) runs with a write-ahead log, synchronous=FULL (a committed invoice survives a power cut), enforced
foreign keys, and every writing session as BEGIN IMMEDIATE: a writer waits at its first statement instead of failing at
its first write. Reading sessions never wait.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

import models.tables  # noqa: F401 (a session needs every row class: a foreign key may name one nobody else imported)
from models.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config

BUSY_TIMEOUT_S = 30
_MIGRATION_LOCK = 7_206_517_301  # any number, the same in every process: Postgres' advisory locks are named by numbers


def open_store(url: str) -> Engine:
    """An engine on the store at `url`, created if missing and migrated to this version's tables."""
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            _migrate(connection)
    except SQLAlchemyError as failed:
        engine.dispose()
        raise StoreError(
            f"The operational store at {engine.url.render_as_string()} cannot be opened: {_first_line(failed)}"
        ) from failed
    except StoreError:
        engine.dispose()
        raise
    return engine


def sessions(engine: Engine, *, is_read_only: bool = False) -> sessionmaker[Session]:
    """A session factory: enter what its `begin()` returns, and leaving that block commits."""
    if is_read_only:
        engine = engine.execution_options(lineshaft_read_only=True)
    return sessionmaker(engine, expire_on_commit=False)


def migration_config(connection: Connection) -> Config:
    """Alembic's configuration on that connection; needs no file and no working directory."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "models:migrations")
    config.attributes["connection"] = connection
    return config


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            if parsed.database and parsed.database != ":memory:":
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S})
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        return create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError):
        raise StoreError(
            "The store's address is not a database URL; write it as sqlite:///operations.sqlite or "
            "postgresql+psycopg://user@host/database."
        ) from None
    except ModuleNotFoundError as missing:
        raise StoreError(f"The store's driver {missing.name} is not installed; install it beside Lineshaft.") from None


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.isolation_level = None  # sqlite3 would begin only at the first write, and never before DDL
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "recursive_triggers = ON",  # without it, INSERT OR REPLACE deletes a row without its delete trigger
    ):
        dbapi_connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    is_reader = connection.get_execution_options().get("lineshaft_read_only", False)
    connection.exec_driver_sql("BEGIN" if is_reader else "BEGIN IMMEDIATE")


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    config = migration_config(connection)
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    present = set(MigrationContext.configure(connection).get_current_heads())
    if present - known:
        raise StoreError(
            f"The operational store is at revision {', '.join(sorted(present - known))}, which this version of "
            "Lineshaft does not know; use the version that wrote it, or a later one."
        )
    if present != set(script.get_heads()):
        command.upgrade(config, "head")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]

"""Opening the store creates or migrates it, and says in one sentence what is wrong."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

import models.migrations.versions
from models.errors import StoreError
from models.store import migration_config, open_store, sessions
from models.tables import METADATA


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_store(f"sqlite:///{tmp_path / 'state' / 'operations.sqlite'}")
    yield opened
    opened.dispose()


def test_a_new_store_has_every_table(engine: Engine) -> None:
    assert set(inspect(engine).get_table_names()) == {*METADATA.tables, "alembic_version"}


def test_the_migrations_and_the_row_classes_agree(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []


def test_opening_again_changes_nothing(engine: Engine) -> None:
    def state() -> list[object]:
        with engine.connect() as connection:
            return list(connection.execute(text("SELECT type, name, sql FROM sqlite_master ORDER BY name")))

    before = state()
    open_store(str(engine.url)).dispose()
    assert state() == before


def test_the_migrations_run_back_to_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        command.downgrade(migration_config(connection), "base")
        assert connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all() == []
    assert inspect(engine).get_table_names() == ["alembic_version"]


def test_a_commit_survives_a_power_cut_and_foreign_keys_hold(engine: Engine) -> None:
    with engine.connect() as connection:
        settings = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}


def test_readers_do_not_wait_for_a_writer(engine: Engine) -> None:
    with sessions(engine).begin() as writer:
        writer.execute(text("INSERT INTO alembic_version VALUES ('x')"))
        with sessions(engine, is_read_only=True).begin() as reader:
            assert reader.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1


def test_a_store_of_a_later_version_is_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '2099_01_01_tomorrow'"))
    with pytest.raises(StoreError, match="2099_01_01_tomorrow, which this version of Lineshaft does not know"):
        open_store(str(engine.url))


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "operations.sqlite"
    path.write_text("not a database, but long enough to be read as a header of one hundred bytes" * 3)
    with pytest.raises(StoreError, match=r"operations\.sqlite cannot be opened"):
        open_store(f"sqlite:///{path}")


def test_an_address_that_is_none_is_explained() -> None:
    with pytest.raises(StoreError, match="write it as sqlite:///"):
        open_store("operations.sqlite")
    with pytest.raises(StoreError, match="write it as sqlite:///"):
        open_store("nosuchdatabase://host/name")


def test_a_missing_driver_is_named() -> None:
    with pytest.raises(StoreError, match="driver pymssql is not installed"):
        open_store("mssql+pymssql://lineshaft@localhost/lineshaft")


def test_a_store_in_memory_works_for_a_trial() -> None:
    engine = open_store("sqlite://")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM invoice")).scalar_one() == 0
    engine.dispose()


def test_revisions_are_named_by_date_and_fit_alembics_column(engine: Engine) -> None:
    with engine.connect() as connection:
        revisions = list(ScriptDirectory.from_config(migration_config(connection)).walk_revisions())
    assert [revision.revision for revision in reversed(revisions)] == [
        "2026_11_22_operational_store",
        "2026_11_22_issued_is_immutable",
        "2026_11_25_collector_lease",
        "2026_11_25_least_completeness",
        "2026_11_25_roots_and_checkpoints",
        "2026_11_25_meter_decisions",
        "2026_11_25_meter_boundaries",
        "2026_11_25_contract_versions",
        "2026_11_25_invoice_life_cycle",
        "2026_11_25_party_documents",
    ]
    assert all(len(revision.revision) <= 32 for revision in revisions)


def test_a_migration_does_not_lean_on_todays_row_classes() -> None:
    for path in Path(models.migrations.versions.__file__).parent.glob("2*.py"):
        imported = [node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        assert not any(module and module.startswith("models") for module in imported)


def test_a_session_knows_every_table_whatever_else_is_imported() -> None:
    """A fresh process that imports the store and one row class only; found by four processes issuing at once."""
    program = "import models.store, models.billing.invoice as i; print(len(i.Row.metadata.sorted_tables))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == str(len(METADATA.tables))

"""The store on Postgres: the same tables, triggers and gapless numbers as on SQLite.

Runs where LINESHAFT_TEST_POSTGRES_URL names an empty database and its driver is installed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from models.billing.contract_documents import apply_contracts
from models.billing.crediting import credit_invoice
from models.billing.invoicing import draft_invoice, issue_invoice
from models.billing.proof.checkpoints import make_missing_checkpoints, verify_checkpoints
from models.billing.verification import verify_invoice, verify_sequences
from models.export import reference_tables
from models.isa95.apply import apply_enterprise
from models.store import migration_config, open_store, sessions
from models.tables import METADATA
from tests.builders.contracts import a_contract
from tests.builders.enterprise import an_enterprise
from tests.builders.readings import a_rating

URL = os.environ.get("LINESHAFT_TEST_POSTGRES_URL", "")
NOW = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
pytestmark = [
    pytest.mark.xdist_group("postgres"),  # one database, one worker
    pytest.mark.skipif(not URL, reason="LINESHAFT_TEST_POSTGRES_URL names no Postgres database"),
]


@pytest.fixture
def engine() -> Iterator[Engine]:
    opened = open_store(URL)
    with sessions(opened).begin() as session:
        apply_enterprise(session, an_enterprise())
        apply_contracts(session, (a_contract(),))
    yield opened
    with opened.begin() as connection:
        command.downgrade(migration_config(connection), "base")
    opened.dispose()


def drafts(engine: Engine) -> list[str]:
    with sessions(engine).begin() as session:
        months = [f"2026-{month:02d}" for month in range(1, 13)]
        return [draft_invoice(session, rating=a_rating(a_contract(), month=month)).invoice_id for month in months]


def test_the_migrations_and_the_row_classes_agree(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
    open_store(URL).dispose()
    assert "invoice" in inspect(engine).get_table_names()


def test_reference_tables_are_the_same_columns(engine: Engine) -> None:
    tables = reference_tables(engine)
    assert tables["asset_assignment"].columns["assigned_from_at"] == [datetime(2025, 1, 1)] * 2  # noqa: DTZ001


def test_drawing_again_changes_nothing(engine: Engine) -> None:
    drafts(engine)
    with sessions(engine).begin() as session:
        assert draft_invoice(session, rating=a_rating(a_contract())).change == "unchanged"


def test_four_writers_at_once_draw_each_number_once(engine: Engine) -> None:
    ids = drafts(engine)
    start = Barrier(4)

    def work(worker: int) -> dict[str, str]:
        start.wait()
        numbers = {}
        for invoice_id in ids[worker:] + ids[:worker]:
            with sessions(engine).begin() as session:
                made = issue_invoice(session, invoice_id=invoice_id, issued_at=NOW, issued_on=date(2027, 1, 4))
                numbers[invoice_id] = made.invoice_number
        return numbers

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(work, range(4)))
    assert all(answer == answers[0] for answer in answers)
    assert sorted(answers[0].values()) == [f"WELLER-2027-{number:06d}" for number in range(1, 13)]
    with sessions(engine).begin() as session:
        assert verify_sequences(session) == ()
        assert [finding for invoice_id in ids for finding in verify_invoice(session, invoice_id)] == []


def test_four_who_credit_at_once_get_one_credit_note(engine: Engine) -> None:
    invoice_id = drafts(engine)[0]
    with sessions(engine).begin() as session:
        number = issue_invoice(session, invoice_id=invoice_id, issued_at=NOW).invoice_number
    start = Barrier(4)

    def work(worker: int) -> tuple[str, bool]:
        start.wait()
        with sessions(engine).begin() as session:
            note = credit_invoice(session, invoice_number=number, reason=f"worker {worker}", issued_at=NOW)
            return note.invoice_id, note.is_new

    with ThreadPoolExecutor(4) as pool:
        notes = sorted(pool.map(work, range(4)))
    assert notes == [(f"{invoice_id}.credit", False)] * 3 + [(f"{invoice_id}.credit", True)]
    with sessions(engine).begin() as session:
        assert verify_sequences(session) == ()
        assert verify_invoice(session, f"{invoice_id}.credit") == ()
        rating = a_rating(a_contract(), month="2026-01")
        assert draft_invoice(session, rating=rating).invoice_id == f"{invoice_id}.r2"
        assert draft_invoice(session, rating=rating).change == "unchanged"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoice SET payable_amount = 1 WHERE status = 'issued'",
        "UPDATE invoice SET status = 'draft' WHERE status = 'issued'",
        "DELETE FROM invoice",
        "UPDATE invoice_line SET quantity = 1",
        "DELETE FROM invoice_line_segment",
        "UPDATE number_sequence SET last_number = last_number + 2",
        "DELETE FROM number_sequence",
    ],
)
def test_what_was_issued_cannot_be_changed_by_anyone(engine: Engine, statement: str) -> None:
    with sessions(engine).begin() as session:
        issue_invoice(session, invoice_id=drafts(engine)[0], issued_at=NOW)
    with engine.connect() as connection, pytest.raises(IntegrityError, match=r"immutable|gapless"):
        connection.execute(text(statement))
    with engine.begin() as connection:
        connection.execute(text("UPDATE invoice SET status = 'paid' WHERE status = 'issued'"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE checkpoint SET documents_root = 'x'",
        "DELETE FROM checkpoint",
        "DELETE FROM checkpoint_document",
        "INSERT INTO checkpoint_document VALUES ('2026-04-02', 9, 'x', 'x')",
        "INSERT INTO checkpoint VALUES ('2026-04-04', 'x', 0, 'x', 0, 'x', NULL, 'x', NULL)",
        "UPDATE invoice SET readings_root = 'x' WHERE status <> 'draft'",
    ],
)
def test_what_a_checkpoint_sealed_cannot_be_changed(engine: Engine, statement: str) -> None:
    invoice_id = drafts(engine)[0]
    with sessions(engine).begin() as session:
        issue_invoice(session, invoice_id=invoice_id, issued_at=NOW)
    with sessions(engine).begin() as session:
        make_missing_checkpoints(session, now=NOW + timedelta(days=2), signer=None)
    with pytest.raises(IntegrityError, match=r"immutable|goes on from"), engine.begin() as connection:
        connection.execute(text(statement))


def test_four_who_make_checkpoints_at_once_make_each_once(engine: Engine) -> None:
    invoice_id = drafts(engine)[0]
    with sessions(engine).begin() as session:
        issue_invoice(session, invoice_id=invoice_id, issued_at=NOW)
    start = Barrier(4)

    def work(_: int) -> int:
        start.wait()
        with sessions(engine).begin() as session:
            return len(make_missing_checkpoints(session, now=NOW + timedelta(days=3), signer=None))

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(4))) == [0, 0, 0, 3]
    with sessions(engine).begin() as session:
        assert list(verify_checkpoints(session)) == []

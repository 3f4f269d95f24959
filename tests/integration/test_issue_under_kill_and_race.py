"""Issuing survives kill -9 before every step, and two processes that issue at once issue once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine

from models.billing.contract_documents import apply_contracts
from models.billing.document_model import InvoiceDocument
from models.billing.documents.sealed_copy import invoice_in_pdf
from models.billing.invoice_view import invoice_document
from models.billing.invoicing import draft_invoice, list_invoices
from models.billing.terms import CoveredAsset
from models.billing.verification import verify_document, verify_invoice, verify_sequences
from models.isa95.apply import apply_enterprise
from models.store import migration_config, open_store, sessions
from tests.builders.contracts import a_contract
from tests.builders.enterprise import ASSETS, a_store, an_enterprise
from tests.builders.readings import a_rating

ROOT = Path(__file__).parents[2]
CONTRACT = a_contract(
    assets=tuple(CoveredAsset(physical_asset_id=asset, covered_from_date=date(2026, 1, 1)) for asset in ASSETS)
)
NUMBERS = ["WELLER-2026-000001", "WELLER-2026-000002"]
POSTGRES = os.environ.get("LINESHAFT_TEST_POSTGRES_URL", "")
EPOCH = datetime(2026, 4, 5, tzinfo=UTC)


def draw(engine: Engine) -> None:
    with sessions(engine).begin() as session:
        for asset in ASSETS:
            draft_invoice(session, rating=a_rating(CONTRACT, asset=asset))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The drafts of March for two machines."""
    directory = tmp_path / "home"
    directory.mkdir()
    with a_store(directory, CONTRACT) as engine:
        draw(engine)
    return directory


@contextmanager
def opened(home: Path) -> Iterator[Engine]:
    engine = open_store(f"sqlite:///{home / 'operations.sqlite'}")
    try:
        yield engine
    finally:
        engine.dispose()


def process(*arguments: str, home: Path, database_url: str = "") -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LINESHAFT_")}
    environment |= {"LINESHAFT_HOME": str(home), "PYTHONPATH": str(ROOT)}
    if database_url:
        environment["LINESHAFT_DATABASE_URL"] = database_url
    words = [sys.executable, "-m", "tests.integration.issuing_process", *arguments]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)


def answer(running: subprocess.Popen[str]) -> list[str]:
    out, _ = running.communicate(timeout=400)
    assert running.returncode == 0
    return json.loads(out.splitlines()[-1])  # type: ignore[no-any-return]


def issued(home: Path) -> list[InvoiceDocument]:
    """Every document of the home, proven by the store, its chain and its own PDF."""
    with opened(home) as engine, sessions(engine, is_read_only=True).begin() as session:
        ids = [each.invoice_id for each in list_invoices(session)]
        assert verify_sequences(session) == ()
        assert [finding for each in ids for finding in verify_invoice(session, each)] == []
        documents = [invoice_document(session, each) for each in ids]
    files = sorted(path.name for path in (home / "invoices").iterdir() if not path.name.startswith("."))
    assert files == sorted(f"{each.invoice_number}.{kind}" for each in documents for kind in ("pdf", "xml"))
    for document in documents:
        copy = invoice_in_pdf((home / "invoices" / f"{document.invoice_number}.pdf").read_bytes())
        assert verify_document(copy) == ()
        assert replace(copy, status=document.status) == document
    return documents


def timeless(document: InvoiceDocument) -> InvoiceDocument:
    """Without the instant it was numbered at, and the seals over that instant: `issued` has proven those."""
    return replace(document, issued_at=EPOCH, previous_sha256="", invoice_sha256="")


def test_killed_before_any_step_the_next_run_issues_the_same_month(home: Path, tmp_path: Path) -> None:
    """Statements, commits, files: whatever had happened, numbers, members, documents and chain come out the same."""
    work = tmp_path / "killed"
    work.mkdir()
    steps = answer(process("kill", str(home), str(work), home=home))

    assert steps.count("commit") >= 3
    assert {"UPDATE invoice SET", "UPDATE number_sequence SET", "open", "fsync", "rename"} <= set(steps)
    expected = [timeless(document) for document in issued(work / "whole")]
    assert [document.invoice_number for document in expected] == NUMBERS
    for number, step in enumerate(steps, start=1):
        found = [timeless(document) for document in issued(work / str(number))]
        assert found == expected, f"killed before step {number}, {step}"


def race(home: Path, tmp_path: Path, *, database_url: str = "") -> None:
    start = tmp_path / "start"
    racers = [process("issue", str(start), home=home, database_url=database_url) for _ in range(2)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    start.touch()
    told = sorted(line for racer in racers for line in answer(racer))
    assert told == sorted(f"{number} {is_new}" for number in NUMBERS for is_new in (True, False))


def test_two_processes_at_once_issue_each_invoice_once_on_sqlite(home: Path, tmp_path: Path) -> None:
    race(home, tmp_path)
    assert [document.invoice_number for document in issued(home)] == NUMBERS


@pytest.mark.xdist_group("postgres")  # one database, one worker
@pytest.mark.skipif(not POSTGRES, reason="LINESHAFT_TEST_POSTGRES_URL names no Postgres database")
def test_two_processes_at_once_issue_each_invoice_once_on_postgres(tmp_path: Path) -> None:
    engine = open_store(POSTGRES)
    try:
        with sessions(engine).begin() as session:
            apply_enterprise(session, an_enterprise())
            apply_contracts(session, (CONTRACT,))
        draw(engine)
        race(tmp_path, tmp_path, database_url=POSTGRES)
        with sessions(engine).begin() as session:
            assert [each.invoice_number for each in list_invoices(session)] == NUMBERS
            assert verify_sequences(session) == ()
        with engine.begin() as connection:
            command.downgrade(migration_config(connection), "base")
    finally:
        engine.dispose()

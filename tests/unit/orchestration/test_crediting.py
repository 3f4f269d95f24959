"""`lineshaft invoice credit`: one credit note with its documents, and a list that adds up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from models.billing.documents.errors import TypesettingError
from models.billing.documents.sealed_copy import invoice_in_pdf
from models.billing.invoicing import draft_invoice, issue_invoice, list_invoices
from models.billing.verification import verify_document, verify_sequences
from models.errors import InvoiceNotCreditableError, InvoiceNotFoundError
from models.store import sessions
from orchestration.billing.crediting import credit_issued
from orchestration.commands.invoice import app
from orchestration.settings import load_deployment
from tests.builders.contracts import a_contract
from tests.builders.enterprise import a_store
from tests.builders.readings import a_rating

INVOICE, CREDIT_NOTE = "WELLER-2026-000001", "WELLER-2026-000002"
REASON = "Counter read twice on 12 March"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LINESHAFT_HOME", str(tmp_path))
    monkeypatch.delenv("LINESHAFT_DATABASE_URL", raising=False)
    monkeypatch.delenv("LINESHAFT_DEPLOYMENT", raising=False)
    return tmp_path


@pytest.fixture
def store(home: Path) -> Iterator[Engine]:
    """March of one machine, issued."""
    contract = a_contract()
    with a_store(home, contract) as engine:
        bill(engine)
        yield engine


def bill(engine: Engine, *, parts: tuple[str, ...] = ("1000", "6200")) -> None:
    with sessions(engine).begin() as session:
        outcome = draft_invoice(session, rating=a_rating(a_contract(), parts=parts))
        issue_invoice(session, invoice_id=outcome.invoice_id, issued_at=datetime(2026, 4, 2, tzinfo=UTC))


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return " ".join(result.stdout.split())


@pytest.mark.usefixtures("store")
def test_crediting_makes_one_credit_note_and_its_documents(home: Path) -> None:
    first = json.loads(run("credit", INVOICE, "--reason", REASON, "--issued-on", "2026-05-08", "--json"))
    again = json.loads(run("credit", INVOICE, "--reason", "Other", "--json"))

    assert first["credit_note"]["invoice_number"] == CREDIT_NOTE
    assert (first["invoice_number"], first["billing_period"], first["reason"]) == (INVOICE, "2026-03", REASON)
    assert (first["credit_note"].pop("is_new"), again["credit_note"].pop("is_new")) == (True, False)
    assert first == again
    assert sorted(path.name for path in (home / "invoices").iterdir()) == [f"{CREDIT_NOTE}.pdf", f"{CREDIT_NOTE}.xml"]
    assert verify_document(invoice_in_pdf(Path(first["pdf"]).read_bytes())) == ()


@pytest.mark.usefixtures("store")
def test_people_are_told_what_happened_and_what_comes_next() -> None:
    credited = ("credit", INVOICE, "--reason", REASON, "--issued-on", "2026-05-08")
    assert f"{INVOICE} credited by {CREDIT_NOTE} of 2026-05-08: {REASON}" in run(*credited)
    told = run(*credited)
    assert f"{INVOICE} had been credited by {CREDIT_NOTE}" in told
    assert "`lineshaft invoice draft 2026-03`, then issue it" in told


def test_the_list_names_types_and_adds_up(store: Engine) -> None:
    run("credit", INVOICE, "--reason", REASON)
    bill(store, parts=("1000", "6300"))

    listed = run("show")

    for expected in (f"{INVOICE} invoice credited", f"{CREDIT_NOTE} credit note issued", "-16,015.78", "16,052.67"):
        assert expected in listed
    assert listed.endswith("issued, less credit notes: 16,052.67 EUR")
    assert [each["credited_by"] for each in json.loads(run("show", "--json"))] == [CREDIT_NOTE, None, None]


@pytest.mark.usefixtures("store")
def test_one_document_shows_what_it_credits_or_is_credited_by() -> None:
    run("credit", INVOICE, "--reason", REASON)

    note, invoice = run("show", CREDIT_NOTE), run("show", INVOICE)

    assert f"Credit note for {INVOICE}: {REASON}" in note
    assert note.endswith("credited 16,015.78 EUR")
    assert "payable 16,015.78 EUR due 2026-05-02" in invoice
    assert invoice.endswith(f"credited in full by {CREDIT_NOTE}")


def test_a_reason_that_cannot_be_printed_uses_no_number_up(store: Engine, home: Path) -> None:
    with pytest.raises(TypesettingError):
        credit_issued(load_deployment(), INVOICE, reason="\N{OLD PERSIAN SIGN A}")

    assert not (home / "invoices").exists()
    with sessions(store).begin() as session:
        assert [each.invoice_number for each in list_invoices(session)] == [INVOICE]
    assert credit_issued(load_deployment(), INVOICE, reason=REASON).credit_note.invoice_number == CREDIT_NOTE
    with sessions(store).begin() as session:
        assert verify_sequences(session) == ()


@pytest.mark.usefixtures("store")
def test_what_cannot_be_credited_writes_nothing(home: Path) -> None:
    with pytest.raises(InvoiceNotFoundError, match="list the invoices"):
        credit_issued(load_deployment(), "WELLER-2026-000009", reason=REASON)
    with pytest.raises(InvoiceNotCreditableError, match="reason in words"):
        credit_issued(load_deployment(), INVOICE, reason=" ")
    assert not (home / "invoices").exists()

"""`lineshaft invoice approve|send|pay|void`: one step each, told to people and to machines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from models.billing.invoicing import draft_invoice
from models.errors import InvoiceStepError
from models.store import sessions
from orchestration.billing import issue_invoices
from orchestration.commands.invoice import app
from orchestration.errors import NotReadyError
from orchestration.settings import load_deployment
from tests.builders.contracts import a_contract
from tests.builders.enterprise import a_store
from tests.builders.readings import a_rating

INVOICE = "WELLER-2026-000001"
MARCH_ID = "eaas-cnc-hamburg.weller-mc630-1041.2026-03"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A home with the draft of March."""
    monkeypatch.setenv("LINESHAFT_HOME", str(tmp_path))
    monkeypatch.delenv("LINESHAFT_DATABASE_URL", raising=False)
    monkeypatch.delenv("LINESHAFT_DEPLOYMENT", raising=False)
    with a_store(tmp_path, a_contract()) as engine:
        with sessions(engine).begin() as session:
            draft_invoice(session, rating=a_rating(a_contract()))
        yield engine


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return " ".join(result.stdout.split())


@pytest.mark.usefixtures("store")
def test_a_month_goes_from_approval_to_payment_and_shows_who_did_what() -> None:
    required = load_deployment().model_copy(update={"approval": "required"})
    (blocked,) = issue_invoices(required, "2026-03").blocked
    assert blocked.reasons == ("nobody has approved it as it stands",)

    assert run("approve", "2026-03", "--by", "ada") == f"{MARCH_ID} is approved"
    assert [each.invoice.is_new for each in issue_invoices(required, "2026-03", issued_by="ben").issued] == [True]
    assert run("send", INVOICE, "--by", "cleo") == f"{INVOICE} is sent"
    assert json.loads(run("pay", INVOICE, "--by", "dan", "--json"))["status"] == "paid"
    assert run("pay", INVOICE) == f"{INVOICE} was paid"

    shown = run("show", INVOICE)
    for step in ("approved", "issued", "sent", "paid"):
        assert f"{step} 20" in shown
    assert "Z by dan" in shown
    assert run("show").endswith("issued, less credit notes: 16,015.78 EUR")


@pytest.mark.usefixtures("store")
def test_a_void_invoice_is_owed_by_nobody() -> None:
    issue_invoices(load_deployment(), "2026-03")
    assert run("void", INVOICE, "--reason", "wrong month", "--by", "eve") == f"{INVOICE} is void"
    assert "16,015.78 EUR" in run("show")
    assert "less credit notes" not in run("show")
    assert "wrong month" in run("show", INVOICE)
    with pytest.raises(InvoiceStepError, match="it is void"):
        run("send", INVOICE)


@pytest.mark.usefixtures("store")
def test_a_month_without_drafts_has_nothing_to_approve() -> None:
    with pytest.raises(NotReadyError, match="invoice draft 2026-04"):
        run("approve", "2026-04")

"""`lineshaft invoice correct`: what late readings change becomes a document; what they do not change stays alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from models.billing.documents.sealed_copy import invoice_in_pdf
from models.billing.invoicing import draft_invoice, issue_invoice
from models.billing.verification import verify_document
from models.store import sessions
from orchestration.billing.usage import PeriodUsage
from orchestration.commands.invoice import app
from orchestration.errors import NotReadyError
from tests.builders.contracts import ASSET, a_contract
from tests.builders.enterprise import a_store
from tests.builders.readings import MARCH, a_rating, availability_in_hours, usage_of

INVOICE, CORRECTION = "WELLER-2026-000001", "WELLER-2026-000002"
KEY = ("eaas-cnc-hamburg", ASSET)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """March of one machine, issued."""
    monkeypatch.setenv("LINESHAFT_HOME", str(tmp_path))
    monkeypatch.delenv("LINESHAFT_DATABASE_URL", raising=False)
    monkeypatch.delenv("LINESHAFT_DEPLOYMENT", raising=False)
    with a_store(tmp_path, a_contract()) as engine:
        with sessions(engine).begin() as session:
            outcome = draft_invoice(session, rating=a_rating(a_contract()))
            issue_invoice(session, invoice_id=outcome.invoice_id, issued_at=datetime(2026, 4, 2, tzinfo=UTC))
        yield engine


def measure(monkeypatch: pytest.MonkeyPatch, *, parts: str, until: datetime = MARCH.end) -> None:
    """What the warehouse knows now."""
    usage = {
        "good_count": usage_of("1000", parts),
        "running_time": usage_of("0", "1234567", metric="running_time", unit_code="SEC"),
    }
    known = PeriodUsage(
        usage={KEY: usage},
        availability={KEY: availability_in_hours()},
        completeness={},
        collected_until={ASSET: until},
    )
    monkeypatch.setattr("orchestration.billing.correcting.read_period", lambda *_: known)


def run(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=not exit_code)
    assert result.exit_code == exit_code
    return " ".join(result.stdout.split())


@pytest.mark.usefixtures("store")
def test_late_readings_are_billed_once_and_the_list_adds_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    measure(monkeypatch, parts="6300")
    words = ("correct", "--period", "2026-03", "--reason", "Late readings", "--by", "ada")

    assert f"{INVOICE} corrected by {CORRECTION}: 36.89 EUR" in run(*words)
    assert run(*words) == f"{INVOICE} is right as billed"

    copy = invoice_in_pdf((tmp_path / "invoices" / f"{CORRECTION}.pdf").read_bytes())
    assert verify_document(copy) == ()
    assert f"Corrects {INVOICE}: Late readings" in run("show", CORRECTION)
    assert run("show").endswith("issued, less credit notes: 16,052.67 EUR")


@pytest.mark.usefixtures("store")
def test_one_invoice_is_corrected_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    measure(monkeypatch, parts="4900")
    words = ("correct", "--period", "2026-03", "--reason", "Counted twice")
    answer = json.loads(run(*words, "--invoice", INVOICE, "--json"))
    assert answer["corrected"][0]["correction"]["document"]["document_type"] == "credit_note"
    with pytest.raises(NotReadyError, match="WELLER-2026-000009"):
        CliRunner().invoke(app, (*words, "--invoice", "WELLER-2026-000009"), catch_exceptions=False)


@pytest.mark.usefixtures("store")
def test_an_asset_that_is_not_collected_to_the_end_is_not_corrected(monkeypatch: pytest.MonkeyPatch) -> None:
    measure(monkeypatch, parts="6300", until=MARCH.start)
    told = run("correct", "--period", "2026-03", "--reason", "Late readings", exit_code=1)
    assert told.startswith("not corrected: eaas-cnc-hamburg weller-mc630-1041: it is collected until")

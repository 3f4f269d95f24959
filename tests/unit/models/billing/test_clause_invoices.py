"""An invoice under every clause of the trade proves itself from its own copy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from models.billing.document_model import InvoiceDocument
from models.billing.invoice_view import invoice_document
from models.billing.invoicing import draft_invoice, issue_invoice
from models.billing.verification import verify_document
from models.store import sessions
from tests.builders.clauses import a_performance_credit, a_severity_factor, an_indexed_price, some_hour_bands
from tests.builders.contracts import a_contract, a_flat_fee, an_availability_guarantee
from tests.builders.enterprise import a_store
from tests.builders.readings import a_rating

CONTRACT = a_contract(
    a_flat_fee(),
    an_availability_guarantee(
        points="linear", answers_for=["supplier", "planned"], bonus={"percent_per_point": "1", "cap_percent": "2"}
    ),
    a_severity_factor(),
    a_performance_credit(),
    some_hour_bands(),
    an_indexed_price(),
    an_indexed_price("indexed_flat_fee"),
)


@pytest.fixture
def document(tmp_path: Path) -> InvoiceDocument:
    with a_store(tmp_path, CONTRACT) as engine, sessions(engine).begin() as session:
        outcome = draft_invoice(session, rating=a_rating(CONTRACT, parts=("0", "100")))
        issue_invoice(session, invoice_id=outcome.invoice_id, issued_at=datetime(2026, 4, 2, 9, 30, tzinfo=UTC))
        return invoice_document(session, outcome.invoice_id)


def test_every_clause_is_proven_by_the_copy_alone(document: InvoiceDocument) -> None:
    assert verify_document(document) == ()
    assert {line.rule for line in document.lines} == {term.rule for term in CONTRACT.terms}


def test_an_altered_amount_of_any_line_is_found(document: InvoiceDocument) -> None:
    for place, line in enumerate(document.lines):
        altered = replace(line, line_extension_amount=line.line_extension_amount + Decimal("0.01"))
        lines = (*document.lines[:place], altered, *document.lines[place + 1 :])
        findings = verify_document(replace(document, lines=lines))
        assert any(finding.check == "rating" and finding.line_number == line.line_number for finding in findings)

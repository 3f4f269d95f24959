"""Corrections as e-invoices: both ways, several in a row, without an objection of EN 16931's rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from models.billing.correcting import correct_invoice
from models.billing.documents.en16931 import cii
from models.billing.documents.validation import business_rule_findings
from models.billing.invoice_view import invoice_document
from models.billing.invoicing import draft_invoice, issue_invoice
from models.store import sessions
from tests.builders.contracts import a_contract
from tests.builders.enterprise import a_store
from tests.builders.readings import a_rating

ISSUED_AT = datetime(2026, 4, 2, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """March of one machine, issued."""
    contract = a_contract()
    with a_store(tmp_path, contract) as opened:
        with sessions(opened).begin() as session:
            outcome = draft_invoice(session, rating=a_rating(contract))
            issue_invoice(session, invoice_id=outcome.invoice_id, issued_at=ISSUED_AT)
        yield opened


def test_en_16931_has_neither_error_nor_warning_for_corrections(engine: Engine) -> None:
    """One part more each time, so that a cent of tax may round either way; then credits, down to no part at all."""
    types = []
    for last_reading in ("6300", "6301", "6302", "6303", "4900", "1000"):
        with sessions(engine).begin() as session:
            rating = a_rating(a_contract(), parts=("1000", last_reading))
            made = correct_invoice(session, rating=rating, reason="Late readings", issued_at=ISSUED_AT)
            assert made.document is not None
            document = invoice_document(session, made.document.invoice_id)
        assert business_rule_findings(cii(document)) == []
        types.append(document.document_type)
    assert types == ["invoice"] * 4 + ["credit_note"] * 2

"""Late and corrected readings: the difference on the original period, to the cent, in whatever order they come."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from models.billing.correcting import Correction, correct_invoice
from models.billing.crediting import credit_invoice
from models.billing.document_model import InvoiceDocument
from models.billing.documents.en16931 import cii
from models.billing.invoice_view import invoice_document
from models.billing.invoicing import draft_invoice, issue_invoice, list_invoices
from models.billing.seal import invoice_sha256
from models.billing.verification import verify_document, verify_invoice, verify_sequences
from models.errors import InvoiceNotCorrectableError, InvoiceNotCreditableError
from models.store import sessions
from tests.builders.contracts import a_contract
from tests.builders.enterprise import a_store
from tests.builders.readings import a_rating

CONTRACT = a_contract()
MARCH_ID = "eaas-cnc-hamburg.weller-mc630-1041.2026-03"
NUMBER = "WELLER-2026-000001"
NOW = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
LATER = datetime(2026, 4, 20, 9, 30, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """March of one machine, issued over 5,200 parts: 1,200 of them in the second tier."""
    with a_store(tmp_path, CONTRACT) as opened:
        issued(opened)
        yield opened


def issued(engine: Engine, *, parts: str = "6200") -> None:
    with sessions(engine).begin() as session:
        outcome = draft_invoice(session, rating=a_rating(CONTRACT, parts=("1000", parts)))
        issue_invoice(session, invoice_id=outcome.invoice_id, issued_at=NOW)


def corrected(engine: Engine, *, parts: str, issued_on: date | None = None) -> Correction:
    with sessions(engine).begin() as session:
        rating = a_rating(CONTRACT, parts=("1000", parts))
        return correct_invoice(
            session, rating=rating, reason="Late readings", issued_at=LATER, issued_on=issued_on, issued_by="ada"
        )


def document(engine: Engine, made: Correction) -> InvoiceDocument:
    assert made.document is not None
    with sessions(engine).begin() as session:
        assert verify_invoice(session, made.document.invoice_id) == ()
        assert verify_sequences(session) == ()
        return invoice_document(session, made.document.invoice_id)


def owed(engine: Engine) -> Decimal:
    with sessions(engine).begin() as session:
        return sum((row.payable_amount for row in list_invoices(session)), Decimal(0))


def test_late_parts_are_billed_on_the_original_period_under_the_same_tiers(engine: Engine) -> None:
    made = corrected(engine, parts="6300")
    correction = document(engine, made)

    assert (correction.document_type, correction.preceding_invoice_number) == ("invoice", NUMBER)
    assert (correction.period_first_day, correction.period_last_day) == (date(2026, 3, 1), date(2026, 3, 31))
    assert correction.line_extension_amount == Decimal("31.00")  # 100 parts in the second tier, at 0.31
    assert (correction.tax_amount, correction.payable_amount) == (Decimal("5.89"), Decimal("36.89"))
    assert made.difference.amount == Decimal("36.89")
    assert correction.due_date == date(2026, 5, 20)
    assert b">384<" in cii(correction)


def test_readings_that_were_too_high_are_credited_by_the_difference(engine: Engine) -> None:
    made = corrected(engine, parts="4900")
    note = document(engine, made)

    assert (note.document_type, note.due_date) == ("credit_note", None)
    # 1,200 at 0.31 fall away, 100 of the first tier too
    assert note.line_extension_amount == Decimal("418.00")
    assert made.difference.amount == -note.payable_amount
    assert b">381<" in cii(note)


def test_the_same_readings_again_change_nothing(engine: Engine) -> None:
    assert corrected(engine, parts="6200").document is None
    corrected(engine, parts="6300")
    again = corrected(engine, parts="6300")
    assert (again.document, again.difference.amount) == (None, 0)
    with sessions(engine).begin() as session:
        assert len(list_invoices(session)) == 2
        rating = a_rating(CONTRACT, parts=("1000", "6300"))
        assert draft_invoice(session, rating=rating).change == "unchanged"


def test_several_corrections_in_a_row_continue_where_the_last_one_ended(engine: Engine) -> None:
    for parts in ("6300", "4900", "6200"):
        document(engine, corrected(engine, parts=parts))
    assert owed(engine) == Decimal("16015.78")


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(min_value=1000, max_value=9000), min_size=1, max_size=3, unique=True))
def test_the_order_of_late_arrivals_never_changes_the_corrected_total(arrivals: list[int]) -> None:
    """Whatever came before, once the last reading is known the documents add up to one invoice over it."""
    last = str(max(arrivals))
    with tempfile.TemporaryDirectory() as directory, a_store(Path(directory), CONTRACT) as engine:
        issued(engine, parts=last)
        expected = owed(engine)
    for order in permutations(arrivals):
        with tempfile.TemporaryDirectory() as directory, a_store(Path(directory), CONTRACT) as engine:
            issued(engine)
            known = 0
            for arrived in order:  # a counter is known up to the highest reading that has arrived
                known = max(known, arrived)
                corrected(engine, parts=str(known))
            assert owed(engine) == expected


@pytest.mark.parametrize("parts", ["6300", "4900"])
def test_an_altered_correction_is_found_even_resealed(engine: Engine, parts: str) -> None:
    correction = document(engine, corrected(engine, parts=parts))
    assert verify_document(correction) == ()
    for number, line in enumerate(correction.lines):
        altered = replace(line, line_extension_amount=line.line_extension_amount + Decimal("0.01"))
        lines = (*correction.lines[:number], altered, *correction.lines[number + 1 :])
        forged = replace(correction, lines=lines)
        assert {"rating", "total"} & {
            each.check for each in verify_document(replace(forged, invoice_sha256=invoice_sha256(forged)))
        }
    forged = replace(correction, tax_amount=correction.tax_amount + Decimal("0.01"))
    assert "total" in {each.check for each in verify_document(forged)}


def test_what_was_corrected_is_corrected_again_and_not_credited_whole(engine: Engine) -> None:
    made = corrected(engine, parts="6300")
    assert made.document is not None
    with sessions(engine).begin() as session:
        for number in (NUMBER, made.document.invoice_number):
            with pytest.raises(InvoiceNotCreditableError, match="correct"):
                credit_invoice(session, invoice_number=number, reason="x", issued_at=LATER)


def test_only_what_is_billed_and_known_can_be_corrected(engine: Engine) -> None:
    with pytest.raises(InvoiceNotCorrectableError, match="dated 2026-04-02"):
        corrected(engine, parts="6300", issued_on=date(2026, 4, 1))
    with sessions(engine).begin() as session:
        for rating, problem in (
            (a_rating(CONTRACT, month="2026-05"), "nothing is billed"),
            (a_rating(replace(CONTRACT, contract_version=2)), "version"),
            (a_rating(CONTRACT, parts=("5000", "4200"), flag="held"), "counter good_count fell"),
        ):
            with pytest.raises(InvoiceNotCorrectableError, match=problem):
                correct_invoice(session, rating=rating, reason="x", issued_at=LATER)

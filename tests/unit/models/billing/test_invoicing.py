"""The life of an invoice: drawn, drawn again, issued once, never changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.exc import IntegrityError

from models.billing.contract_documents import apply_contracts
from models.billing.invoice import InvoiceLineRow, InvoiceRow
from models.billing.invoice_view import invoice_document
from models.billing.invoicing import (
    DraftOutcome,
    draft_invoice,
    issue_invoice,
    list_evidence_files,
    list_invoices,
)
from models.billing.number_sequence import GENESIS, NumberSequenceRow
from models.billing.terms import CoveredAsset
from models.billing.verification import verify_invoice, verify_sequences
from models.errors import BillingError, InvoiceNotFoundError, InvoiceNotIssuableError, TimelineError
from models.isa95.party import PartyRow
from models.store import sessions
from tests.builders.contracts import a_contract
from tests.builders.enterprise import ASSETS, a_store
from tests.builders.readings import a_rating

MARCH_ID = "eaas-cnc-hamburg.weller-mc630-1041.2026-03"
NOW = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
BOTH_ASSETS = tuple(CoveredAsset(physical_asset_id=asset, covered_from_date=date(2026, 1, 1)) for asset in ASSETS)
CONTRACT = a_contract(assets=BOTH_ASSETS)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with a_store(tmp_path, CONTRACT) as opened:
        yield opened


def drafted(engine: Engine, *, parts: tuple[str, ...] = ("1000", "6200"), **given: str) -> DraftOutcome:
    with sessions(engine).begin() as session:
        return draft_invoice(session, rating=a_rating(CONTRACT, parts=parts, **given))  # type: ignore[arg-type]


def issued(engine: Engine, invoice_id: str = MARCH_ID) -> str:
    with sessions(engine).begin() as session:
        return issue_invoice(session, invoice_id=invoice_id, issued_at=NOW).invoice_number


def test_a_draft_is_created_then_left_alone_then_replaced(engine: Engine) -> None:
    assert drafted(engine) == DraftOutcome(invoice_id=MARCH_ID, change="created", status="draft")
    assert drafted(engine).change == "unchanged"
    assert drafted(engine, parts=("1000", "6300")).change == "replaced"
    with sessions(engine).begin() as session:
        assert session.scalars(select(InvoiceLineRow.quantity).where(InvoiceLineRow.line_number == 4)).one() == 1300


def test_a_draft_is_complete_but_has_no_number(engine: Engine) -> None:
    drafted(engine)
    with sessions(engine).begin() as session:
        document = invoice_document(session, MARCH_ID)
    assert (document.invoice_number, document.status, document.issued_on) == (None, "draft", None)
    assert (document.period_first_day, document.period_last_day) == (date(2026, 3, 1), date(2026, 3, 31))
    assert (document.seller.iban, document.buyer.city) == ("DE89370400440532013000", "Hamburg")
    assert (document.serial_number, document.asset_model_name) == ("1041", "Weller MC 630")
    assert document.line_extension_amount == document.tax_exclusive_amount == Decimal("13458.64")
    assert (document.tax_amount, document.payable_amount) == (Decimal("2557.14"), Decimal("16015.78"))
    assert [line.line_number for line in document.lines] == [1, 2, 3, 4, 5]
    parts_line = document.lines[2]
    assert (parts_line.metric, parts_line.quantity_flag, len(parts_line.segments)) == ("good_count", "actual", 1)
    assert parts_line.segments[0].opening.value == 1000


def test_issuing_numbers_dates_and_seals(engine: Engine) -> None:
    drafted(engine)
    with sessions(engine).begin() as session:
        invoice = issue_invoice(session, invoice_id=MARCH_ID, issued_at=NOW)
    assert invoice.invoice_number == "WELLER-2026-000001"
    assert (invoice.issued_on, invoice.due_date) == (date(2026, 4, 2), date(2026, 5, 2))
    with sessions(engine).begin() as session:
        document = invoice_document(session, MARCH_ID)
        assert (document.status, document.issued_at, document.previous_sha256) == ("issued", NOW, GENESIS)
        assert document.invoice_sha256 == invoice.invoice_sha256
        assert verify_invoice(session, MARCH_ID) == ()


def test_issuing_again_returns_the_same_invoice(engine: Engine) -> None:
    drafted(engine)
    with sessions(engine).begin() as session:
        first = issue_invoice(session, invoice_id=MARCH_ID, issued_at=NOW)
    with sessions(engine).begin() as session:
        again = issue_invoice(session, invoice_id=MARCH_ID, issued_at=NOW + timedelta(days=9))
    assert (first.is_new, again.is_new) == (True, False)
    assert replace(first, is_new=False) == again


def test_the_number_follows_the_year_on_the_invoice(engine: Engine) -> None:
    drafted(engine)
    with sessions(engine).begin() as session:
        late = issue_invoice(session, invoice_id=MARCH_ID, issued_at=NOW, issued_on=date(2027, 1, 2))
    assert late.invoice_number == "WELLER-2027-000001"


def test_an_issued_invoice_is_reported_not_touched_when_usage_changed(engine: Engine) -> None:
    drafted(engine)
    issued(engine)
    assert drafted(engine) == DraftOutcome(invoice_id=MARCH_ID, change="unchanged", status="issued")
    outcome = drafted(engine, parts=("1000", "6300"))
    assert (outcome.change, outcome.status) == ("issued_differs", "issued")
    assert outcome.differences == (
        "line 4: issued good_parts 1200 C62 at 0.31 = 372.00, now good_parts 1300 C62 at 0.31 = 403.00",
        "payable: issued 16015.78, now 16052.67 EUR",
    )
    with sessions(engine).begin() as session:
        assert verify_invoice(session, MARCH_ID) == ()


def test_a_tier_entered_after_issue_is_a_difference_too(engine: Engine) -> None:
    drafted(engine, parts=("1000", "1500"))
    issued(engine)
    outcome = drafted(engine)
    assert outcome.differences[1].startswith("line 4: issued availability -1 C62 at 800 = -800.00, now good_parts")
    assert outcome.differences[2].startswith("line 5: issued nothing, now availability")


def test_the_same_money_from_other_evidence_is_no_difference(engine: Engine) -> None:
    drafted(engine)
    issued(engine)
    assert drafted(engine, parts=("1000", "3000", "6200")).change == "unchanged"


def test_held_usage_is_drawn_but_not_issued(engine: Engine) -> None:
    outcome = drafted(engine, parts=("5000", "4200"), flag="held")
    assert "the counter good_count fell" in outcome.hold_reasons[0]
    with sessions(engine)() as session, pytest.raises(InvoiceNotIssuableError, match="stays a draft: good_parts"):
        issue_invoice(session, invoice_id=MARCH_ID, issued_at=NOW)
    with sessions(engine).begin() as session:
        (summary,) = list_invoices(session, status="draft")
    assert summary.hold_reasons == outcome.hold_reasons


def test_a_month_that_is_not_over_is_not_issued(engine: Engine) -> None:
    drafted(engine)
    with sessions(engine)() as session, pytest.raises(InvoiceNotIssuableError, match="not over on 2026-03-31"):
        issue_invoice(session, invoice_id=MARCH_ID, issued_at=NOW, issued_on=date(2026, 3, 31))


def test_a_draft_of_terms_that_no_longer_hold_is_not_issued(engine: Engine) -> None:
    """Drawn, then the contract agreed anew: the draft still has the old prices."""
    drafted(engine)
    agreed = replace(CONTRACT, contract_version=2)
    with sessions(engine).begin() as session:
        apply_contracts(session, (agreed,))
    with pytest.raises(InvoiceNotIssuableError, match="version 1 of eaas-cnc-hamburg, which is at version 2"):
        issued(engine)
    with sessions(engine).begin() as session:
        assert draft_invoice(session, rating=a_rating(agreed)).change == "replaced"
    assert issued(engine) == "WELLER-2026-000001"


def test_what_does_not_exist_is_named(engine: Engine) -> None:
    with sessions(engine)() as session:
        with pytest.raises(InvoiceNotFoundError, match="no invoice 'nowhere'"):
            issue_invoice(session, invoice_id="nowhere", issued_at=NOW)
        with pytest.raises(TimelineError):
            issue_invoice(session, invoice_id=MARCH_ID, issued_at=datetime(2026, 4, 2))  # noqa: DTZ001
        other = a_contract(assets=(CoveredAsset(physical_asset_id="ghost", covered_from_date=date(2026, 1, 1)),))
        with pytest.raises(BillingError, match="no physical_asset 'ghost'"):
            draft_invoice(session, rating=a_rating(other, asset="ghost"))
        with pytest.raises(BillingError, match="no party 'ghost'"):
            draft_invoice(session, rating=a_rating(a_contract(seller_party_id="ghost")))


def test_a_rolled_back_issue_gives_its_number_back(engine: Engine) -> None:
    drafted(engine)
    with sessions(engine)() as session:
        assert issue_invoice(session, invoice_id=MARCH_ID, issued_at=NOW).invoice_number == "WELLER-2026-000001"
        session.rollback()
    assert issued(engine) == "WELLER-2026-000001"


def test_a_company_that_moves_does_not_move_its_old_invoices(engine: Engine) -> None:
    drafted(engine)
    issued(engine)
    with sessions(engine).begin() as session:
        session.execute(update(PartyRow).values(city="Elsewhere"))
    with sessions(engine).begin() as session:
        assert invoice_document(session, MARCH_ID).buyer.city == "Hamburg"
        assert verify_invoice(session, MARCH_ID) == ()


def test_invoices_are_listed_by_period_contract_and_asset(engine: Engine) -> None:
    for month in ("2026-03", "2026-02"):
        for asset in reversed(ASSETS):
            drafted(engine, asset=asset, month=month)
    issued(engine)
    with sessions(engine).begin() as session:
        listed = [(row.billing_period, row.physical_asset_id[-4:], row.status) for row in list_invoices(session)]
        march = list_invoices(session, billing_period="2026-03", status="issued")
    assert listed == [
        ("2026-02", "1041", "draft"),
        ("2026-02", "1042", "draft"),
        ("2026-03", "1041", "issued"),
        ("2026-03", "1042", "draft"),
    ]
    assert [row.invoice_number for row in march] == ["WELLER-2026-000001"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoice SET payable_amount = '1'",
        "UPDATE invoice SET snapshot = '{}'",
        "UPDATE invoice SET invoice_sha256 = 'x'",
        "UPDATE invoice SET status = 'draft'",
        "DELETE FROM invoice",
        "INSERT OR REPLACE INTO invoice SELECT * FROM invoice",
        "UPDATE invoice_line SET quantity = '1'",
        "DELETE FROM invoice_line",
        (
            "INSERT INTO invoice_line SELECT invoice_id, 99, term_id, rule, description, quantity, unit_code, "
            "unit_price, line_extension_amount, metric, quantity_flag, explanation FROM invoice_line LIMIT 1"
        ),
        "UPDATE invoice_line_segment SET closing_reading = '1'",
        "DELETE FROM invoice_line_segment",
        "UPDATE number_sequence SET last_number = last_number + 2",
        "UPDATE number_sequence SET last_number = last_number - 1",
        "DELETE FROM number_sequence",
    ],
)
def test_what_was_issued_cannot_be_changed_by_anyone(engine: Engine, statement: str) -> None:
    drafted(engine)
    issued(engine)
    with engine.connect() as connection, pytest.raises(IntegrityError, match=r"immutable|gapless"):
        connection.execute(text(statement))


def test_only_the_status_of_an_issued_invoice_moves_and_only_forward(engine: Engine) -> None:
    drafted(engine)
    issued(engine)
    with sessions(engine).begin() as session:
        session.execute(update(InvoiceRow).values(status="paid"))
        assert verify_invoice(session, MARCH_ID) == ()
    with engine.connect() as connection, pytest.raises(IntegrityError, match="immutable"):
        connection.execute(text("UPDATE invoice SET status = 'issued'"))
    with engine.connect() as connection, pytest.raises(IntegrityError, match="no sent invoice is void"):
        connection.execute(text("UPDATE invoice SET status = 'void'"))


def test_a_draft_is_free_to_change(engine: Engine) -> None:
    drafted(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE invoice_line SET description = 'x'"))
        connection.execute(text("DELETE FROM invoice"))
        assert connection.execute(text("SELECT count(*) FROM invoice_line_segment")).scalar_one() == 0


def test_an_issued_status_needs_a_number_and_a_seal(engine: Engine) -> None:
    drafted(engine)
    with engine.connect() as connection:
        connection.execute(text("UPDATE invoice SET status = 'approved'"))
        with pytest.raises(IntegrityError, match="issued_is_complete"):
            connection.execute(text("UPDATE invoice SET status = 'issued'"))


def test_four_writers_at_once_draw_each_number_once(engine: Engine) -> None:
    months = [f"2026-0{month}" for month in range(1, 7)]
    ids = [drafted(engine, asset=asset, month=month).invoice_id for asset in ASSETS for month in months]
    start = Barrier(4)

    def work(worker: int) -> list[tuple[str, str]]:
        start.wait()
        numbers = []
        for invoice_id in ids[worker:] + ids[:worker]:
            with sessions(engine).begin() as session:
                made = issue_invoice(session, invoice_id=invoice_id, issued_at=NOW, issued_on=date(2026, 7, 1))
                numbers.append((invoice_id, made.invoice_number))
        return numbers

    with ThreadPoolExecutor(4) as pool:
        answers = [dict(numbers) for numbers in pool.map(work, range(4))]
    assert answers[0] == answers[1] == answers[2] == answers[3]
    assert sorted(answers[0].values()) == [f"WELLER-2026-{number:06d}" for number in range(1, 13)]
    with sessions(engine).begin() as session:
        assert verify_sequences(session) == ()
        assert [finding for invoice_id in ids for finding in verify_invoice(session, invoice_id)] == []
        assert session.get_one(NumberSequenceRow, ("weller", 2026)).last_number == 12


def test_the_explanation_of_every_line_is_stored_as_data(engine: Engine) -> None:
    drafted(engine)
    with sessions(engine).begin() as session:
        explanations = [json.loads(line.explanation) for line in session.scalars(select(InvoiceLineRow))]
    assert all(explanation.keys() == {"inputs", "formula", "steps", "result"} for explanation in explanations)


def test_every_file_that_a_reading_on_a_draft_or_an_invoice_names_is_listed_once(engine: Engine) -> None:
    with sessions(engine).begin() as session:
        assert list_evidence_files(session) == ()
    drafted(engine)
    with sessions(engine).begin() as session:
        named = set(session.execute(text("select closing_landed_file from invoice_line_segment")).scalars())
        assert list_evidence_files(session) == tuple(sorted(named)) != ()

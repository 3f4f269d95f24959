"""A credit note takes back one issued invoice, whole and once; then the period can be billed again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import IntegrityError

from models.billing.crediting import credit_invoice
from models.billing.document_model import InvoiceDocument
from models.billing.documents.sealed_copy import invoice_in_pdf
from models.billing.documents.store import write_documents
from models.billing.invoice import InvoiceRow
from models.billing.invoice_view import invoice_document
from models.billing.invoicing import DraftOutcome, IssuedInvoice, draft_invoice, issue_invoice, list_invoices
from models.billing.seal import invoice_sha256
from models.billing.verification import OWN_OF_A_CREDIT_NOTE, verify_document, verify_invoice, verify_sequences
from models.errors import InvoiceNotCreditableError, InvoiceNotFoundError, InvoiceNotIssuableError, TimelineError
from models.isa95.party import PartyRow
from models.store import sessions
from tests.builders.contracts import a_contract
from tests.builders.enterprise import a_store
from tests.builders.readings import a_rating

MARCH_ID = "eaas-cnc-hamburg.weller-mc630-1041.2026-03"
INVOICE, CREDIT_NOTE = "WELLER-2026-000001", "WELLER-2026-000002"
ISSUED_AT = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
CREDITED_AT = datetime(2026, 5, 7, 22, 15, tzinfo=UTC)  # 8 May in Hamburg
REASON = "Counter of weller-mc630-1041 read twice on 12 March"
CONTRACT = a_contract()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with a_store(tmp_path, CONTRACT) as opened:
        yield opened


def drafted(engine: Engine, *, parts: tuple[str, ...] = ("1000", "6200")) -> DraftOutcome:
    with sessions(engine).begin() as session:
        return draft_invoice(session, rating=a_rating(CONTRACT, parts=parts))


def issued(engine: Engine, invoice_id: str = MARCH_ID) -> IssuedInvoice:
    with sessions(engine).begin() as session:
        return issue_invoice(session, invoice_id=invoice_id, issued_at=ISSUED_AT)


def credited(
    engine: Engine, number: str = INVOICE, *, reason: str = REASON, issued_on: date | None = None
) -> IssuedInvoice:
    with sessions(engine).begin() as session:
        return credit_invoice(session, invoice_number=number, reason=reason, issued_at=CREDITED_AT, issued_on=issued_on)


def document_of(engine: Engine, invoice_id: str) -> InvoiceDocument:
    with sessions(engine).begin() as session:
        return invoice_document(session, invoice_id)


@pytest.fixture
def billed(engine: Engine) -> Engine:
    """The store with March issued."""
    drafted(engine)
    issued(engine)
    return engine


def test_a_credit_note_has_its_own_number_date_and_seal_and_no_due_date(billed: Engine) -> None:
    note = credited(billed)

    document = document_of(billed, note.invoice_id)
    assert note == IssuedInvoice(
        invoice_id=f"{MARCH_ID}.credit",
        document_type="credit_note",
        invoice_number=CREDIT_NOTE,
        issued_at=CREDITED_AT,
        issued_on=date(2026, 5, 8),
        due_date=None,
        invoice_sha256=invoice_sha256(document),
        is_new=True,
    )
    assert (document.preceding_invoice_number, document.preceding_issued_on) == (INVOICE, date(2026, 4, 2))
    assert (document.credit_reason, document.status) == (REASON, "issued")
    assert document.previous_sha256 == document_of(billed, MARCH_ID).invoice_sha256


def test_a_credit_note_repeats_its_invoice_to_the_last_reading(billed: Engine) -> None:
    before = document_of(billed, MARCH_ID)

    document = document_of(billed, credited(billed).invoice_id)

    own = {name: getattr(before, name) for name in OWN_OF_A_CREDIT_NOTE}
    assert replace(document, **own) == before
    assert document.payable_amount == Decimal("16015.78")
    assert sum(len(line.segments) for line in document.lines) == 3
    assert document_of(billed, MARCH_ID) == before


def test_a_credit_note_proves_itself_from_store_and_from_pdf(billed: Engine, tmp_path: Path) -> None:
    note = credited(billed)

    document = document_of(billed, note.invoice_id)
    files = write_documents(document, tmp_path)
    assert files.pdf.name == f"{CREDIT_NOTE}.pdf"
    assert invoice_in_pdf(files.pdf.read_bytes()) == document
    assert verify_document(invoice_in_pdf(files.pdf.read_bytes())) == ()
    with sessions(billed).begin() as session:
        assert verify_invoice(session, note.invoice_id) == ()
        assert verify_invoice(session, MARCH_ID) == ()
        assert verify_sequences(session) == ()


def test_crediting_again_returns_the_first_credit_note(billed: Engine) -> None:
    first = credited(billed)
    again = credited(billed, reason="Something else", issued_on=date(2026, 6, 1))

    assert again == replace(first, is_new=False)
    assert document_of(billed, first.invoice_id).credit_reason == REASON


def test_an_invoice_is_credited_by_its_id_as_well(billed: Engine) -> None:
    assert credited(billed, MARCH_ID).invoice_number == CREDIT_NOTE


def test_a_paid_invoice_can_be_credited(billed: Engine) -> None:
    with sessions(billed).begin() as session:
        session.execute(update(InvoiceRow).values(status="paid"))
    note = credited(billed)
    with sessions(billed).begin() as session:
        assert verify_invoice(session, note.invoice_id) == ()


def test_a_company_that_moved_is_credited_where_it_was_billed(billed: Engine) -> None:
    with sessions(billed).begin() as session:
        session.execute(update(PartyRow).values(city="Elsewhere"))
    assert document_of(billed, credited(billed).invoice_id).buyer.city == "Hamburg"


def test_the_year_on_the_credit_note_chooses_the_sequence(billed: Engine) -> None:
    assert credited(billed, issued_on=date(2027, 1, 4)).invoice_number == "WELLER-2027-000001"


def test_a_credit_note_is_never_dated_before_its_invoice(engine: Engine) -> None:
    drafted(engine)
    with sessions(engine).begin() as session:
        issue_invoice(session, invoice_id=MARCH_ID, issued_at=ISSUED_AT, issued_on=date(2026, 6, 30))
    with pytest.raises(InvoiceNotCreditableError, match="date the credit note 2026-06-30 or later"):
        credited(engine, issued_on=date(2026, 6, 29))
    assert credited(engine).issued_on == date(2026, 6, 30)


def test_a_reason_is_one_printable_line(billed: Engine) -> None:
    for reason in ("", " \n ", "bell \a", "half a character \ud800"):
        with pytest.raises(InvoiceNotCreditableError, match="needs a reason in words"):
            credited(billed, reason=reason)
    note = credited(billed, reason="  Zähler\n doppelt\tgelesen ")
    assert document_of(billed, note.invoice_id).credit_reason == "Zähler doppelt gelesen"


def test_what_cannot_be_credited_is_said_in_a_sentence(engine: Engine) -> None:
    drafted(engine)
    with pytest.raises(InvoiceNotFoundError, match="no invoice 'WELLER-2026-000009'"):
        credited(engine, "WELLER-2026-000009")
    with pytest.raises(InvoiceNotCreditableError, match="it is a draft, under which nothing is owed"):
        credited(engine, MARCH_ID)
    with sessions(engine)() as session, pytest.raises(TimelineError):
        credit_invoice(session, invoice_number=MARCH_ID, reason=REASON, issued_at=datetime(2026, 5, 7))  # noqa: DTZ001
    issued(engine)
    credited(engine)
    with pytest.raises(InvoiceNotCreditableError, match=f"it is the credit note of {INVOICE}"):
        credited(engine, CREDIT_NOTE)


def test_a_void_invoice_is_not_credited(billed: Engine) -> None:
    with sessions(billed).begin() as session:
        session.execute(update(InvoiceRow).values(status="void"))
    with pytest.raises(InvoiceNotCreditableError, match="it is void"):
        credited(billed)


def test_a_rolled_back_credit_gives_its_number_back(billed: Engine) -> None:
    with sessions(billed)() as session:
        credit_invoice(session, invoice_number=INVOICE, reason=REASON, issued_at=CREDITED_AT)
        session.rollback()
    assert credited(billed).invoice_number == CREDIT_NOTE


def test_a_credited_period_is_drawn_and_issued_again_as_the_next_revision(billed: Engine) -> None:
    corrected = ("1000", "6300")
    assert drafted(billed, parts=corrected).change == "issued_differs"
    credited(billed)

    second = DraftOutcome(invoice_id=f"{MARCH_ID}.r2", change="created", status="draft")
    assert drafted(billed, parts=corrected) == second
    assert drafted(billed, parts=corrected).change == "unchanged"
    assert drafted(billed).change == "replaced"
    assert drafted(billed, parts=corrected).change == "replaced"
    assert issued(billed, second.invoice_id).invoice_number == "WELLER-2026-000003"
    assert drafted(billed, parts=corrected) == replace(second, change="unchanged", status="issued")
    assert drafted(billed).change == "issued_differs"
    with sessions(billed).begin() as session:
        assert verify_invoice(session, second.invoice_id) == ()


def test_the_next_revision_is_not_dated_before_the_credit_note_that_made_room_for_it(billed: Engine) -> None:
    credited(billed)
    invoice_id = drafted(billed).invoice_id
    with (
        sessions(billed)() as session,
        pytest.raises(InvoiceNotIssuableError, match="was credited later than 2026-05-07; date it 2026-05-08 or later"),
    ):
        issue_invoice(session, invoice_id=invoice_id, issued_at=CREDITED_AT, issued_on=date(2026, 5, 7))
    second = issued(billed, invoice_id)
    assert (second.issued_on, second.due_date) == (date(2026, 5, 8), date(2026, 6, 7))


def test_the_next_revision_is_credited_like_the_first(billed: Engine) -> None:
    credited(billed)
    drafted(billed)
    issued(billed, f"{MARCH_ID}.r2")
    assert credited(billed, "WELLER-2026-000003").invoice_id == f"{MARCH_ID}.r2.credit"
    assert drafted(billed).invoice_id == f"{MARCH_ID}.r3"
    with sessions(billed).begin() as session:
        assert verify_sequences(session) == ()


def test_the_list_says_what_settles_what_and_any_sum_of_it_is_right(billed: Engine) -> None:
    credited(billed)
    drafted(billed, parts=("1000", "6300"))
    issued(billed, f"{MARCH_ID}.r2")

    with sessions(billed).begin() as session:
        listed = list_invoices(session, billing_period="2026-03", status="issued")

    told = [(each.document_type, each.revision, each.invoice_number, each.payable_amount) for each in listed]
    assert told == [
        ("invoice", 1, INVOICE, Decimal("16015.78")),
        ("credit_note", 1, CREDIT_NOTE, Decimal("-16015.78")),
        ("invoice", 2, "WELLER-2026-000003", Decimal("16052.67")),
    ]
    assert [each.credited_by for each in listed] == [CREDIT_NOTE, None, None]
    assert [each.preceding_invoice_number for each in listed] == [None, INVOICE, None]
    assert sum(each.payable_amount for each in listed) == Decimal("16052.67")
    assert sum(each.tax_exclusive_amount + each.tax_amount for each in listed) == Decimal("16052.67")


def test_a_tax_of_zero_is_listed_as_zero(tmp_path: Path) -> None:
    export = a_contract(tax_category="G", tax_rate_percent=Decimal(0), tax_exemption_reason="Export")
    with a_store(tmp_path, export) as engine:
        with sessions(engine).begin() as session:
            draft_invoice(session, rating=a_rating(export))
        issued(engine)
        credited(engine)
        with sessions(engine).begin() as session:
            assert [str(each.tax_amount) for each in list_invoices(session)] == ["0.00", "0.00"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoice SET payable_amount = '1' WHERE document_type = 'credit_note'",
        "UPDATE invoice SET credit_reason = 'x' WHERE document_type = 'credit_note'",
        "UPDATE invoice SET preceding_issued_on = '2026-01-01' WHERE document_type = 'credit_note'",
        "UPDATE invoice SET revision = 7",
        "UPDATE invoice SET document_type = 'invoice'",
        "UPDATE invoice SET due_date = '2026-05-01' WHERE document_type = 'credit_note'",
        "DELETE FROM invoice WHERE document_type = 'credit_note'",
        "UPDATE invoice_line SET quantity = '1' WHERE invoice_id LIKE '%.credit'",
        "DELETE FROM invoice_line_segment WHERE invoice_id LIKE '%.credit'",
    ],
)
def test_a_credit_note_is_as_immutable_as_an_invoice(billed: Engine, statement: str) -> None:
    credited(billed)
    with billed.connect() as connection, pytest.raises(IntegrityError, match="immutable"):
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE invoice SET document_type = 'receipt'", "document_type"),
        ("UPDATE invoice SET document_type = 'credit_note'", "credit_note_is_complete"),
        ("UPDATE invoice SET credit_reason = 'x'", "credit_note_is_complete"),
        (
            (
                "UPDATE invoice SET document_type = 'credit_note', preceding_invoice_number = 'nowhere', "
                "preceding_issued_on = '2026-04-01', credit_reason = 'x'"
            ),
            "FOREIGN KEY",
        ),
    ],
)
def test_half_a_credit_note_cannot_be_stored(engine: Engine, statement: str, refusal: str) -> None:
    drafted(engine)
    with engine.connect() as connection, pytest.raises(IntegrityError, match=refusal):
        connection.execute(text(statement))


def test_every_column_of_an_issued_document_but_its_status_is_guarded(billed: Engine) -> None:
    for column in InvoiceRow.__table__.columns:
        if column.name != "status":
            with billed.connect() as connection, pytest.raises(IntegrityError, match="immutable"):
                connection.execute(text(f"UPDATE invoice SET {column.name} = 'other'"))


def test_four_who_credit_at_once_get_one_credit_note(billed: Engine) -> None:
    start = Barrier(4)

    def work(worker: int) -> IssuedInvoice:
        start.wait()
        return credited(billed, reason=f"worker {worker}")

    with ThreadPoolExecutor(4) as pool:
        notes = list(pool.map(work, range(4)))

    assert sorted(note.is_new for note in notes) == [False, False, False, True]
    assert {replace(note, is_new=False) for note in notes} == {replace(notes[0], is_new=False)}
    with sessions(billed).begin() as session:
        assert session.scalar(select(func.count()).select_from(InvoiceRow)) == 2
        assert verify_sequences(session) == ()


def test_crediting_and_drawing_at_once_never_leaves_two_invoices_in_force(billed: Engine) -> None:
    start = Barrier(2)

    def credit() -> object:
        start.wait()
        return credited(billed)

    def draw() -> object:
        start.wait()
        return drafted(billed, parts=("1000", "6300"))

    with ThreadPoolExecutor(2) as pool:
        for job in (pool.submit(credit), pool.submit(draw)):
            job.result()
    assert drafted(billed, parts=("1000", "6300")).invoice_id == f"{MARCH_ID}.r2"
    with sessions(billed).begin() as session:
        assert [(each.document_type, each.revision) for each in list_invoices(session)] == [
            ("invoice", 1),
            ("credit_note", 1),
            ("invoice", 2),
        ]


def checks(document: InvoiceDocument) -> list[str]:
    return [finding.check for finding in verify_document(replace(document, invoice_sha256=invoice_sha256(document)))]


def test_a_resealed_forgery_still_lacks_what_a_credit_note_must_say(billed: Engine) -> None:
    document = document_of(billed, credited(billed).invoice_id)

    assert checks(document) == []
    assert checks(replace(document, preceding_invoice_number=None)) == ["reference"]
    assert checks(replace(document, credit_reason=None)) == ["reference"]
    assert checks(replace(document, due_date=document.issued_on)) == ["dates"]
    assert checks(replace(document, document_type="invoice")) == ["reference", "dates"]
    assert checks(replace(document, preceding_issued_on=None, credit_reason="Other")) == ["reference"]
    assert [each.check for each in verify_document(replace(document, credit_reason="Other"))] == ["seal"]


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE invoice SET preceding_issued_on = '2026-04-03' WHERE document_type = 'credit_note'",
        "UPDATE invoice_line SET description = 'Other' WHERE invoice_id LIKE '%.credit'",
        "UPDATE invoice SET preceding_invoice_number = 'nowhere' WHERE document_type = 'credit_note'",
    ],
)
def test_a_credit_note_that_takes_back_something_else_is_found_in_the_store(billed: Engine, tampering: str) -> None:
    note = credited(billed)
    with closing(sqlite3.connect(str(billed.url.database))) as connection:  # a stranger's: no foreign keys
        connection.executescript(
            f"DROP TRIGGER invoice_update_refused; DROP TRIGGER invoice_line_update_refused; {tampering}"
        )
    with sessions(billed).begin() as session:
        findings = {finding.check: finding.sentence for finding in verify_invoice(session, note.invoice_id)}
    assert findings.keys() - {"root"} == {"seal", "credit"}
    assert findings["credit"].startswith("it does not take back exactly what invoice")


def test_the_default_date_is_the_local_one(billed: Engine) -> None:
    with sessions(billed).begin() as session:
        at = CREDITED_AT - timedelta(hours=1)
        note = credit_invoice(session, invoice_number=INVOICE, reason=REASON, issued_at=at)
    assert note.issued_on == date(2026, 5, 7)

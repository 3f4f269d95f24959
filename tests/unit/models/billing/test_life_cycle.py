"""The steps of an invoice: each with who and when, only forward, and refused by the database to everyone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from models.billing.crediting import credit_invoice
from models.billing.invoicing import DraftOutcome, draft_invoice, issue_invoice, list_invoices
from models.billing.life_cycle import (
    MAY_FOLLOW,
    StepOutcome,
    approve_invoice,
    invoice_steps,
    pay_invoice,
    send_invoice,
    void_invoice,
)
from models.billing.verification import verify_invoice, verify_sequences
from models.errors import InvoiceNotFoundError, InvoiceNotIssuableError, InvoiceStepError
from models.store import sessions
from tests.builders.contracts import a_contract
from tests.builders.enterprise import a_store
from tests.builders.readings import a_rating

CONTRACT = a_contract()
MARCH_ID = "eaas-cnc-hamburg.weller-mc630-1041.2026-03"
NUMBER = "WELLER-2026-000001"
NOW = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
STATUSES = ("draft", "approved", "issued", "sent", "paid", "void")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A store with the draft of March."""
    with a_store(tmp_path, CONTRACT) as opened:
        drafted(opened)
        yield opened


def drafted(engine: Engine, *, parts: tuple[str, ...] = ("1000", "6200")) -> DraftOutcome:
    with sessions(engine).begin() as session:
        return draft_invoice(session, rating=a_rating(CONTRACT, parts=parts))


def approved(engine: Engine) -> StepOutcome:
    with sessions(engine).begin() as session:
        return approve_invoice(session, invoice_id=MARCH_ID, approved_at=NOW, approved_by="ada")


def issued(engine: Engine, **given: str) -> str:
    with sessions(engine).begin() as session:
        made = issue_invoice(session, invoice_id=MARCH_ID, issued_at=NOW, issued_by="ben", **given)  # type: ignore[arg-type]
        return made.invoice_number


def taken(engine: Engine) -> list[tuple[str, str]]:
    with sessions(engine).begin() as session:
        return [(step.status, step.taken_by) for step in invoice_steps(session, MARCH_ID)]


def test_every_step_is_kept_with_who_and_when(engine: Engine) -> None:
    assert approved(engine) == StepOutcome(invoice_id=MARCH_ID, invoice_number=None, status="approved", is_new=True)
    issued(engine, approval="required")
    with sessions(engine).begin() as session:
        send_invoice(session, number=NUMBER, sent_at=NOW + timedelta(days=1), sent_by="cleo")
        pay_invoice(session, number=NUMBER, paid_at=NOW + timedelta(days=20), paid_by="dan")
        steps = invoice_steps(session, MARCH_ID)
        assert verify_invoice(session, MARCH_ID) == ()
    assert taken(engine) == [("approved", "ada"), ("issued", "ben"), ("sent", "cleo"), ("paid", "dan")]
    assert [step.taken_at.day for step in steps] == [2, 2, 3, 22]


def test_asking_for_a_step_again_changes_nothing(engine: Engine) -> None:
    approved(engine)
    assert not approved(engine).is_new
    issued(engine)
    with sessions(engine).begin() as session:
        for _ in range(2):
            sent = send_invoice(session, number=NUMBER, sent_at=NOW, sent_by="cleo")
            paid = pay_invoice(session, number=NUMBER, paid_at=NOW, paid_by="dan")
        assert (sent.status, sent.is_new, paid.is_new) == ("paid", False, False)
    assert len(taken(engine)) == 4


def test_where_approval_is_required_an_unapproved_draft_is_not_issued(engine: Engine) -> None:
    with pytest.raises(InvoiceNotIssuableError, match="nobody has approved it as it stands"):
        issued(engine, approval="required")
    assert taken(engine) == []


def test_elsewhere_whoever_issues_approves(engine: Engine) -> None:
    issued(engine)
    assert taken(engine) == [("approved", "ben"), ("issued", "ben")]


def test_a_draft_drawn_again_keeps_its_approval_only_if_nothing_changed(engine: Engine) -> None:
    approved(engine)
    assert drafted(engine) == DraftOutcome(invoice_id=MARCH_ID, change="unchanged", status="approved")
    assert drafted(engine, parts=("1000", "6300")) == DraftOutcome(
        invoice_id=MARCH_ID, change="replaced", status="draft"
    )
    assert taken(engine) == []
    with pytest.raises(InvoiceNotIssuableError, match="nobody has approved"):
        issued(engine, approval="required")


def test_what_is_held_is_not_approved(engine: Engine) -> None:
    with sessions(engine).begin() as session:
        draft_invoice(session, rating=a_rating(CONTRACT, parts=("6000", "200"), flag="held"))
    with pytest.raises(InvoiceNotIssuableError):
        approved(engine)


def test_approved_content_is_frozen(engine: Engine) -> None:
    approved(engine)
    for statement in ("UPDATE invoice SET payable_amount = '1'", "UPDATE invoice_line SET quantity = '1'"):
        with engine.connect() as connection, pytest.raises(IntegrityError, match="immutable"):
            connection.execute(text(statement))


def test_void_keeps_its_number_and_lets_the_period_be_drawn_again(engine: Engine) -> None:
    issued(engine)
    with sessions(engine).begin() as session:
        void = void_invoice(session, number=NUMBER, reason=" wrong  month ", voided_at=NOW, voided_by="eve")
        assert (void.status, invoice_steps(session, MARCH_ID)[-1].note) == ("void", "wrong month")
    assert drafted(engine).invoice_id == f"{MARCH_ID}.r2"
    with sessions(engine).begin() as session:
        again = issue_invoice(session, invoice_id=f"{MARCH_ID}.r2", issued_at=NOW)
        assert again.invoice_number == "WELLER-2026-000002"
        assert [(row.invoice_number, row.status) for row in list_invoices(session)] == [
            (NUMBER, "void"),
            ("WELLER-2026-000002", "issued"),
        ]
        assert verify_sequences(session) == ()
        assert verify_invoice(session, MARCH_ID) == ()


def test_what_was_sent_or_settled_is_never_void(engine: Engine) -> None:
    issued(engine)
    with sessions(engine).begin() as session:
        note = credit_invoice(session, invoice_number=NUMBER, reason="Counter read twice", issued_at=NOW)
        for number, problem in ((NUMBER, "settles it already"), (note.invoice_number, "settles another document")):
            with pytest.raises(InvoiceStepError, match=problem):
                void_invoice(session, number=number, reason="x", voided_at=NOW, voided_by="eve")
        send_invoice(session, number=note.invoice_number, sent_at=NOW, sent_by="cleo")
    drafted(engine)
    with sessions(engine).begin() as session:
        issue_invoice(session, invoice_id=f"{MARCH_ID}.r2", issued_at=NOW)
        with pytest.raises(InvoiceStepError, match="a reason"):
            void_invoice(session, number=f"{MARCH_ID}.r2", reason=" ", voided_at=NOW, voided_by="eve")
        send_invoice(session, number=f"{MARCH_ID}.r2", sent_at=NOW, sent_by="cleo")
        with pytest.raises(InvoiceStepError, match="it is sent, not issued"):
            void_invoice(session, number=f"{MARCH_ID}.r2", reason="x", voided_at=NOW, voided_by="eve")


def test_a_draft_is_neither_sent_nor_paid(engine: Engine) -> None:
    with sessions(engine).begin() as session:
        with pytest.raises(InvoiceStepError, match="it is draft, not issued"):
            send_invoice(session, number=MARCH_ID, sent_at=NOW, sent_by="cleo")
        with pytest.raises(InvoiceStepError, match="it is draft, not issued or sent"):
            pay_invoice(session, number=MARCH_ID, paid_at=NOW, paid_by="dan")
        with pytest.raises(InvoiceNotFoundError):
            send_invoice(session, number="none", sent_at=NOW, sent_by="cleo")


@pytest.mark.parametrize("reached", STATUSES)
def test_the_database_lets_nobody_take_another_step(engine: Engine, reached: str) -> None:
    """The code's table of steps and the triggers agree, but for the approval that a changed draft loses."""
    if reached != "draft":
        approved(engine)
    if reached not in {"draft", "approved"}:
        issued(engine)
        with engine.begin() as connection:
            connection.execute(text(f"UPDATE invoice SET status = '{reached}'"))
    for wanted in STATUSES:
        is_allowed = (
            wanted == reached or reached in MAY_FOLLOW.get(wanted, ()) or (reached, wanted) == ("approved", "draft")
        )  # type: ignore[call-overload]
        with engine.connect() as connection:
            if is_allowed and (reached, wanted) != ("approved", "issued"):  # which needs a number, too
                connection.execute(text(f"UPDATE invoice SET status = '{wanted}'"))
            else:
                with pytest.raises(IntegrityError, match=r"only moves forward|issued_is_complete"):
                    connection.execute(text(f"UPDATE invoice SET status = '{wanted}'"))


def test_history_is_never_rewritten(engine: Engine) -> None:
    approved(engine)
    for statement in ("UPDATE invoice_step SET taken_by = 'x'", "DELETE FROM invoice_step"):
        with engine.connect() as connection, pytest.raises(IntegrityError, match="steps of an invoice are immutable"):
            connection.execute(text(statement))

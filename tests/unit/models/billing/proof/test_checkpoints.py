"""The daily chain: every day once, every document once, whatever happens between; and no way to change it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from models.billing.invoicing import draft_invoice, issue_invoice
from models.billing.proof.checkpoint import document_leaf
from models.billing.proof.checkpoints import (
    SignedCheckpoint,
    consistency_between,
    inclusion_of,
    list_checkpoints,
    make_missing_checkpoints,
    verify_checkpoints,
)
from models.billing.proof.merkle import EMPTY_ROOT, is_consistent, is_included
from models.billing.proof.signing import Signer, create_private_key, read_signer
from models.store import sessions
from tests.builders.contracts import a_contract
from tests.builders.enterprise import a_store
from tests.builders.readings import a_rating

APRIL_2 = datetime(2026, 4, 2, 23, 59, tzinfo=UTC)
SIGNER = read_signer(create_private_key())


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with a_store(tmp_path, a_contract()) as opened:
        yield opened


def issue(engine: Engine, month: int, *, at: datetime) -> str:
    with sessions(engine).begin() as session:
        draft = draft_invoice(session, rating=a_rating(a_contract(), month=f"2026-{month:02d}"))
        return issue_invoice(session, invoice_id=draft.invoice_id, issued_at=at, signer=SIGNER).invoice_number


def make(engine: Engine, now: datetime, *, signer: Signer | None = SIGNER) -> tuple[SignedCheckpoint, ...]:
    with sessions(engine).begin() as session:
        return make_missing_checkpoints(session, now=now, signer=signer)


def problems(engine: Engine) -> list[str]:
    with sessions(engine).begin() as session:
        return list(verify_checkpoints(session))


def counts(made: tuple[SignedCheckpoint, ...]) -> list[tuple[date, int, int]]:
    checkpoints = [each.checkpoint for each in made]
    return [(each.checkpoint_date, each.document_count, each.log_size) for each in checkpoints]


def test_nothing_issued_needs_no_checkpoint(engine: Engine) -> None:
    assert make(engine, APRIL_2) == ()
    assert problems(engine) == []


def test_every_day_gets_one_once_it_is_over_and_a_second_call_changes_nothing(engine: Engine) -> None:
    issue(engine, 1, at=APRIL_2)
    issue(engine, 2, at=APRIL_2)
    assert make(engine, APRIL_2) == ()
    made = make(engine, APRIL_2 + timedelta(days=3))
    assert counts(made) == [(date(2026, 4, 2), 2, 2), (date(2026, 4, 3), 0, 2), (date(2026, 4, 4), 0, 2)]
    assert made[1].checkpoint.documents_root == EMPTY_ROOT.hex()
    assert make(engine, APRIL_2 + timedelta(days=3)) == ()
    assert problems(engine) == []


def test_a_document_kept_after_its_days_checkpoint_enters_the_next_one(engine: Engine) -> None:
    issue(engine, 1, at=APRIL_2)
    make(engine, APRIL_2 + timedelta(days=1))
    late = issue(engine, 2, at=APRIL_2 + timedelta(seconds=50))
    assert counts(make(engine, APRIL_2 + timedelta(days=2))) == [(date(2026, 4, 3), 1, 2)]
    with sessions(engine).begin() as session:
        found = inclusion_of(session, late)
    assert found is not None
    assert found.signed.checkpoint.checkpoint_date == date(2026, 4, 3)
    assert problems(engine) == []


def test_a_rolled_back_catch_up_is_made_again(engine: Engine) -> None:
    issue(engine, 1, at=APRIL_2)
    with sessions(engine)() as session:
        lost = make_missing_checkpoints(session, now=APRIL_2 + timedelta(days=2), signer=SIGNER)
        session.rollback()
    assert make(engine, APRIL_2 + timedelta(days=2)) == lost


def test_a_path_leads_from_each_document_to_its_days_root(engine: Engine) -> None:
    numbers = [issue(engine, month, at=APRIL_2) for month in (1, 2, 3)]
    make(engine, APRIL_2 + timedelta(days=1))
    with sessions(engine).begin() as session:
        found = [inclusion_of(session, number) for number in numbers]
        seals = dict(session.execute(text("SELECT invoice_number, invoice_sha256 FROM invoice")).fetchall())
        assert inclusion_of(session, "WELLER-2026-000099") is None
    for number, each in zip(numbers, found, strict=True):
        assert each is not None
        assert is_included(
            document_leaf(invoice_number=number, invoice_sha256=seals[number]),
            index=each.index,
            size=3,
            path=[bytes.fromhex(step) for step in each.path],
            root=bytes.fromhex(each.signed.checkpoint.documents_root),
        )


def test_a_later_checkpoint_proves_an_earlier_one(engine: Engine) -> None:
    for month in (1, 2, 3):
        issue(engine, month, at=APRIL_2)
    issue(engine, 4, at=datetime(2026, 5, 3, tzinfo=UTC))
    make(engine, datetime(2026, 5, 4, tzinfo=UTC))
    with sessions(engine).begin() as session:
        all_of_them = list_checkpoints(session)
        earlier, later = all_of_them[0].checkpoint, all_of_them[-1].checkpoint
        path = consistency_between(session, earlier=earlier, later=later)
    assert (earlier.log_size, later.log_size) == (3, 4)
    assert is_consistent(
        old_size=3,
        old_root=bytes.fromhex(earlier.log_root),
        new_size=4,
        new_root=bytes.fromhex(later.log_root),
        path=[bytes.fromhex(step) for step in path],
    )


def test_keys_change_and_an_unsigned_chain_holds_too(engine: Engine) -> None:
    issue(engine, 1, at=APRIL_2)
    make(engine, APRIL_2 + timedelta(days=1), signer=None)
    make(engine, APRIL_2 + timedelta(days=2))
    make(engine, APRIL_2 + timedelta(days=3), signer=read_signer(create_private_key()))
    with sessions(engine).begin() as session:
        keys = [each.checkpoint.public_key for each in list_checkpoints(session)]
    assert (keys[0], keys[1], len(set(keys))) == (None, SIGNER.public_key, 3)
    assert problems(engine) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE checkpoint SET documents_root = 'x'",
        "UPDATE checkpoint SET signature = NULL, public_key = NULL",
        "DELETE FROM checkpoint",
        "UPDATE checkpoint_document SET invoice_sha256 = 'x'",
        "DELETE FROM checkpoint_document",
        "INSERT INTO checkpoint_document VALUES ('2026-04-02', 9, 'x', 'x')",
        "INSERT INTO checkpoint VALUES ('2026-04-03', 'x', 0, 'x', 0, 'x', NULL, 'x', NULL)",
        "INSERT INTO checkpoint SELECT '2026-04-01', checkpoint_sha256, 0, '', 0, '', NULL, '', NULL FROM checkpoint",
        "INSERT OR REPLACE INTO checkpoint SELECT * FROM checkpoint",
        "UPDATE invoice SET readings_root = 'x'",
        "UPDATE invoice SET lines_root = NULL",
        "UPDATE invoice SET signature = 'x'",
        "UPDATE invoice SET signing_public_key = 'x'",
    ],
)
def test_the_database_refuses_to_change_what_is_sealed(engine: Engine, statement: str) -> None:
    issue(engine, 1, at=APRIL_2)
    make(engine, APRIL_2 + timedelta(days=1))
    with pytest.raises(IntegrityError, match=r"immutable|goes on from"), engine.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("trigger", "statement", "problem"),
    [
        ("checkpoint_update", "UPDATE checkpoint SET documents_root = 'x'", "does not have the hash it states"),
        ("checkpoint_update", "UPDATE checkpoint SET checkpoint_sha256 = 'x'", "not signed by the key it names"),
        ("checkpoint_delete", "DELETE FROM checkpoint WHERE checkpoint_date = '2026-04-03'", "follows a gap"),
        ("checkpoint_delete", "DELETE FROM checkpoint WHERE checkpoint_date = '2026-04-02'", "does not name the hash"),
        ("checkpoint_document_update", "UPDATE checkpoint_document SET invoice_sha256 = 'x'", "do not give its root"),
        ("checkpoint_document_delete", "DELETE FROM checkpoint_document", "was left out"),
        ("invoice_update", "UPDATE invoice SET invoice_sha256 = 'x'", "has another seal now"),
        ("invoice_update", "UPDATE invoice SET invoice_number = 'x'", "no longer in the store"),
    ],
)
def test_what_was_changed_around_the_triggers_is_named(
    engine: Engine, trigger: str, statement: str, problem: str
) -> None:
    issue(engine, 1, at=APRIL_2)
    make(engine, APRIL_2 + timedelta(days=3))
    with engine.begin() as connection:
        connection.execute(text(f"DROP TRIGGER {trigger}_refused"))
        connection.execute(text(statement))
    assert any(problem in sentence for sentence in problems(engine))

"""The daily chain of checkpoints in the operational store: the rows, catching up, reading and verifying them.

Belongs here: which document is taken up when, and whether the chain holds. Does not belong here: what a checkpoint's
hash covers (checkpoint.py), who asks for one.

A day of UTC has one checkpoint, made once it is over, a day without documents too. It takes up every issued document
that no earlier one took up and that was issued before its day ended. So nothing is skipped: whoever asks next makes all
that is missing, and a document whose transaction ended after its day's checkpoint was made enters the next one.
Nothing commits here: the caller's transaction does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import CheckConstraint, UniqueConstraint, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.billing.invoice import InvoiceRow
from models.billing.number_sequence import GENESIS
from models.billing.proof.checkpoint import Checkpoint, checkpoint_sha256, document_leaf
from models.billing.proof.merkle import consistency_path, inclusion_path, root_of
from models.billing.proof.signing import Signer, checkpoint_message, is_signed
from models.orm import Row
from models.timeline import require_utc

ONE_DAY = timedelta(days=1)


class CheckpointRow(Row):
    """One row per day of UTC."""

    __tablename__ = "checkpoint"
    __table_args__ = (CheckConstraint("(public_key IS NULL) = (signature IS NULL)", name="signature"),)

    checkpoint_date: Mapped[date] = mapped_column(primary_key=True)
    previous_sha256: Mapped[str]
    document_count: Mapped[int]
    documents_root: Mapped[str]
    log_size: Mapped[int]
    log_root: Mapped[str]
    public_key: Mapped[str | None]
    checkpoint_sha256: Mapped[str]
    signature: Mapped[str | None]


class CheckpointDocumentRow(Row):
    """One row per document that a checkpoint took up, in the order of its leaves."""

    __tablename__ = "checkpoint_document"
    __table_args__ = (UniqueConstraint("invoice_number"),)

    checkpoint_date: Mapped[date] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    invoice_number: Mapped[str]
    invoice_sha256: Mapped[str]


@dataclass(frozen=True, kw_only=True)
class SignedCheckpoint:
    """A checkpoint with its hash and, where a key was configured, its signature."""

    checkpoint: Checkpoint
    checkpoint_sha256: str
    signature: str | None


@dataclass(frozen=True, kw_only=True)
class Inclusion:
    """Where a document stands in its day's tree, and the path from there to `documents_root`."""

    signed: SignedCheckpoint
    index: int
    path: tuple[str, ...]


def make_missing_checkpoints(session: Session, *, now: datetime, signer: Signer | None) -> tuple[SignedCheckpoint, ...]:
    """The checkpoints of all days that are over and had none, the oldest first; none if nothing was ever issued."""
    require_utc(now)
    if session.get_bind().dialect.name == "postgresql":  # SQLite's writers take turns anyway
        session.execute(text("LOCK TABLE checkpoint IN SHARE ROW EXCLUSIVE MODE"))
    last = session.scalars(select(CheckpointRow).order_by(CheckpointRow.checkpoint_date.desc()).limit(1)).one_or_none()
    first_issued_at = session.scalar(select(func.min(InvoiceRow.issued_at)))
    if last is not None:
        day, previous = last.checkpoint_date + ONE_DAY, last.checkpoint_sha256
    elif first_issued_at is not None:
        day, previous = first_issued_at.date(), GENESIS
    else:
        return ()
    log = _log_leaves(session)
    log_root = root_of(log)
    waiting = _waiting(session)
    made = []
    while day < now.date():
        due = [row for row in waiting if _issued_at(row) < _end_of(day)]
        waiting = waiting[len(due) :]
        leaves = [_leaf(row) for row in due]
        if leaves:
            log += leaves
            log_root = root_of(log)
        checkpoint = Checkpoint(
            checkpoint_date=day,
            previous_sha256=previous,
            document_count=len(leaves),
            documents_root=root_of(leaves).hex(),
            log_size=len(log),
            log_root=log_root.hex(),
            public_key=signer.public_key if signer else None,
        )
        signed = _signed(checkpoint, signer=signer)
        _keep(session, signed, documents=due)
        made.append(signed)
        previous, day = signed.checkpoint_sha256, day + ONE_DAY
    return tuple(made)


def list_checkpoints(session: Session) -> tuple[SignedCheckpoint, ...]:
    """All checkpoints, the oldest first."""
    return tuple(_of(row) for row in session.scalars(select(CheckpointRow).order_by(CheckpointRow.checkpoint_date)))


def inclusion_of(session: Session, number: str) -> Inclusion | None:
    """The checkpoint that took up a document and the path to its root; None until its day's is made."""
    document = session.scalars(
        select(CheckpointDocumentRow).where(CheckpointDocumentRow.invoice_number == number)
    ).one_or_none()
    if document is None:
        return None
    leaves = _leaves_of(session, document.checkpoint_date)
    return Inclusion(
        signed=_of(session.get_one(CheckpointRow, document.checkpoint_date)),
        index=document.position,
        path=tuple(each.hex() for each in inclusion_path(leaves, document.position)),
    )


def consistency_between(session: Session, *, earlier: Checkpoint, later: Checkpoint) -> tuple[str, ...]:
    """The path that shows that the later checkpoint's log begins with the earlier one's."""
    if earlier.log_size == 0:
        return ()
    return tuple(each.hex() for each in consistency_path(_log_leaves(session)[: later.log_size], earlier.log_size))


def verify_checkpoints(session: Session) -> Iterator[str]:
    """What does not hold of the chain, a sentence each: links, days, roots, signatures, documents left out."""
    previous, expected_day, log = GENESIS, None, []
    rows = list_checkpoints(session)
    for signed in rows:
        one, name = signed.checkpoint, f"the checkpoint of {signed.checkpoint.checkpoint_date}"
        leaves = _leaves_of(session, one.checkpoint_date)
        log += leaves
        if expected_day is not None and one.checkpoint_date != expected_day:
            yield f"{name} follows a gap: the one of {expected_day} is missing"
        yield from checkpoint_problems(signed, previous_sha256=previous)
        if (one.document_count, one.documents_root) != (len(leaves), root_of(leaves).hex()):
            yield f"the documents of {name} do not give its root"
        if (one.log_size, one.log_root) != (len(log), root_of(log).hex()):
            yield f"the documents up to {name} do not give its log_root"
        previous, expected_day = signed.checkpoint_sha256, one.checkpoint_date + ONE_DAY
    yield from _document_problems(session, last_day=rows[-1].checkpoint.checkpoint_date if rows else None)


def checkpoint_problems(signed: SignedCheckpoint, *, previous_sha256: str | None) -> Iterator[str]:
    """What does not hold of one checkpoint by itself, and behind the one before it if that is given."""
    one, name = signed.checkpoint, f"the checkpoint of {signed.checkpoint.checkpoint_date}"
    if previous_sha256 is not None and one.previous_sha256 != previous_sha256:
        yield f"{name} does not name the hash of the one before it"
    if signed.checkpoint_sha256 != checkpoint_sha256(one):
        yield f"{name} does not have the hash it states"
    message = checkpoint_message(signed.checkpoint_sha256)
    if one.public_key is None and signed.signature is None:
        return
    if not is_signed(message, public_key=one.public_key, signature=signed.signature):
        yield f"{name} is not signed by the key it names"


def _document_problems(session: Session, *, last_day: date | None) -> Iterator[str]:
    taken = {row.invoice_number: row.invoice_sha256 for row in session.scalars(select(CheckpointDocumentRow))}
    issued = session.execute(
        select(InvoiceRow.invoice_number, InvoiceRow.invoice_sha256, InvoiceRow.issued_at)
        .where(InvoiceRow.invoice_number.is_not(None))
        .order_by(InvoiceRow.invoice_number)
    )
    for number, sha256, issued_at in issued:
        sealed = taken.pop(str(number), None)
        if sealed is None and last_day is not None and issued_at is not None and issued_at.date() < last_day:
            yield f"{number} was left out: no checkpoint up to {last_day} took it up"
        elif sealed is not None and sealed != sha256:
            yield f"{number} has another seal now than when its checkpoint took it up"
    for number in sorted(taken):
        yield f"{number} stands in a checkpoint and is no longer in the store"


def _waiting(session: Session) -> Sequence[InvoiceRow]:
    """Issued documents that no checkpoint took up, in the order of their leaves."""
    taken = select(CheckpointDocumentRow.invoice_number)
    return session.scalars(
        select(InvoiceRow)
        .where(InvoiceRow.invoice_number.is_not(None), InvoiceRow.invoice_number.not_in(taken))
        .order_by(InvoiceRow.issued_at, InvoiceRow.invoice_number)
    ).all()


def _issued_at(row: InvoiceRow) -> datetime:
    return row.issued_at or datetime.max.replace(tzinfo=UTC)


def _end_of(day: date) -> datetime:
    return datetime.combine(day + ONE_DAY, time.min, tzinfo=UTC)


def _leaf(row: InvoiceRow | CheckpointDocumentRow) -> bytes:
    return document_leaf(invoice_number=str(row.invoice_number), invoice_sha256=str(row.invoice_sha256))


def _log_leaves(session: Session) -> list[bytes]:
    order = (CheckpointDocumentRow.checkpoint_date, CheckpointDocumentRow.position)
    return [_leaf(row) for row in session.scalars(select(CheckpointDocumentRow).order_by(*order))]


def _leaves_of(session: Session, day: date) -> list[bytes]:
    documents = select(CheckpointDocumentRow).where(CheckpointDocumentRow.checkpoint_date == day)
    return [_leaf(row) for row in session.scalars(documents.order_by(CheckpointDocumentRow.position))]


def _signed(checkpoint: Checkpoint, *, signer: Signer | None) -> SignedCheckpoint:
    sha256 = checkpoint_sha256(checkpoint)
    return SignedCheckpoint(
        checkpoint=checkpoint,
        checkpoint_sha256=sha256,
        signature=signer.sign(checkpoint_message(sha256)) if signer else None,
    )


def _keep(session: Session, signed: SignedCheckpoint, *, documents: Sequence[InvoiceRow]) -> None:
    one = signed.checkpoint
    session.add_all(
        CheckpointDocumentRow(
            checkpoint_date=one.checkpoint_date,
            position=position,
            invoice_number=row.invoice_number,
            invoice_sha256=row.invoice_sha256,
        )
        for position, row in enumerate(documents)
    )
    session.flush()  # before their checkpoint: none may enter it afterwards
    session.add(
        CheckpointRow(
            checkpoint_date=one.checkpoint_date,
            previous_sha256=one.previous_sha256,
            document_count=one.document_count,
            documents_root=one.documents_root,
            log_size=one.log_size,
            log_root=one.log_root,
            public_key=one.public_key,
            checkpoint_sha256=signed.checkpoint_sha256,
            signature=signed.signature,
        )
    )
    session.flush()


def _of(row: CheckpointRow) -> SignedCheckpoint:
    return SignedCheckpoint(
        checkpoint=Checkpoint(
            checkpoint_date=row.checkpoint_date,
            previous_sha256=row.previous_sha256,
            document_count=row.document_count,
            documents_root=row.documents_root,
            log_size=row.log_size,
            log_root=row.log_root,
            public_key=row.public_key,
        ),
        checkpoint_sha256=row.checkpoint_sha256,
        signature=row.signature,
    )

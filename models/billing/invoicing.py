"""From a rating to a draft, from a draft to an issued invoice.

Belongs here: the two transitions and the list of invoices and credit notes.
Does not belong here: pricing (rating), crediting (crediting.py), documents, payment.

One invoice per contract, asset and billing period. Drawing it again replaces a draft whose content changed and never
touches an issued one: it reports the difference, which a credit note must settle. Once credited, the next draw starts
the next revision.
Nothing commits here: the caller's transaction does (`with sessions(engine).begin() as session:`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Literal

from sqlalchemy import ColumnElement, func, select, union
from sqlalchemy.orm import Session, aliased

from models.billing.contract import ContractRow
from models.billing.document_model import DocumentType, TradeParty
from models.billing.in_force import lines_in_force, payable_in_force
from models.billing.invoice import InvoiceLineRow, InvoiceLineSegmentRow, InvoiceRow
from models.billing.invoice_view import document_of, invoice_row, line_rows
from models.billing.life_cycle import UNISSUED, record_step
from models.billing.number_sequence import invoice_number, locked_sequence
from models.billing.proof.roots import line_leaves, plain_lines, reading_leaves, root
from models.billing.proof.signing import Signer, invoice_message
from models.billing.rating import Rating
from models.billing.seal import canonical_json, invoice_sha256, sha256_of
from models.billing.totals import totals_of
from models.errors import BillingError, InvoiceNotIssuableError
from models.exact import plain_text
from models.isa95.equipment import PhysicalAssetRow
from models.isa95.party import PartyRow
from models.timeline import local_date, require_utc

ISSUED_BY = "lineshaft"
"""Whose step it is when a caller names nobody."""

DRAWN_AT_ISSUE = (
    "invoice_number", "issued_at", "issued_on", "due_date", "previous_sha256", "invoice_sha256",
    "readings_root", "lines_root", "signing_public_key", "signature",
)  # fmt: skip
"""What a document gets as it is issued; a copy of its row starts without."""
Approval = Literal["by_issuing", "required"]
DraftChange = Literal["created", "unchanged", "replaced", "issued_differs"]


@dataclass(frozen=True, kw_only=True)
class DraftOutcome:
    """What drawing a draft did; `hold_reasons` keep it from being issued, `differences` are against what was issued."""

    invoice_id: str
    change: DraftChange
    status: str
    hold_reasons: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class IssuedInvoice:
    """An issued invoice's or credit note's identity; `is_new` is False when it had been issued before this call.

    A credit note has no `due_date`.
    """

    invoice_id: str
    document_type: DocumentType
    invoice_number: str
    issued_at: datetime
    issued_on: date
    due_date: date | None
    invoice_sha256: str
    is_new: bool


@dataclass(frozen=True, kw_only=True)
class InvoiceSummary:
    """One line of a list of invoices and credit notes.

    Its amounts say what the buyer owes by it: a credit note's are negative here, so that any sum of them is right.
    `credited_by` is the number of the credit note that settles an invoice, `preceding_invoice_number` the invoice that
    a credit note settles or a correction corrects.
    """

    invoice_id: str
    document_type: DocumentType
    revision: int
    invoice_number: str | None
    status: str
    contract_id: str
    physical_asset_id: str
    billing_period: str
    buyer_party_id: str
    issued_on: date | None
    currency_code: str
    tax_exclusive_amount: Decimal
    tax_amount: Decimal
    payable_amount: Decimal
    preceding_invoice_number: str | None
    credited_by: str | None
    hold_reasons: tuple[str, ...]


def invoice_id_of(*, contract_id: str, physical_asset_id: str, billing_period: str, revision: int = 1) -> str:
    """The natural key as one name, fit for a file."""
    first = f"{contract_id}.{physical_asset_id}.{billing_period}"
    return first if revision == 1 else f"{first}.r{revision}"


def draft_invoice(session: Session, *, rating: Rating) -> DraftOutcome:
    """The draft of a rating: created, replaced if anything in it changed, or left alone.

    What was credited or void is over: the draft is the next revision then. A draft that is replaced takes its approval
    with it; one that is left alone keeps it.
    """
    present = latest_revision(session, rating)
    revision = present.revision if present is not None else 1
    if present is not None and is_over(session, present):
        present, revision = None, revision + 1
    fresh = _row_of(session, rating, revision=revision)
    if present is not None and present.status not in UNISSUED:
        differences = _differences(session, present, fresh)
        change: DraftChange = "issued_differs" if differences else "unchanged"
        return DraftOutcome(
            invoice_id=present.invoice_id, change=change, status=present.status, differences=differences
        )
    if present is not None and present.content_sha256 == fresh.content_sha256:
        change = "unchanged"
    else:
        change = "created" if present is None else "replaced"
        if present is not None:
            present.status = "draft"
            session.flush()  # what is approved is frozen: the approval goes first
            session.delete(present)
            session.flush()
        session.add(fresh)
        session.flush()
    status = present.status if present is not None and change == "unchanged" else "draft"
    return DraftOutcome(invoice_id=fresh.invoice_id, change=change, status=status, hold_reasons=rating.hold_reasons)


def is_over(session: Session, row: InvoiceRow) -> bool:
    """Whether nothing is billed by it any more: a credit note took it back, or it is void."""
    is_credited = row.invoice_number is not None and credit_note_row(session, row.invoice_number) is not None
    return is_credited or row.status == "void"


def issue_invoice(
    session: Session,
    *,
    invoice_id: str,
    issued_at: datetime,
    issued_on: date | None = None,
    signer: Signer | None = None,
    issued_by: str = ISSUED_BY,
    approval: Approval = "by_issuing",
) -> IssuedInvoice:
    """The draft as an invoice: numbered without a gap, dated, sealed; an issued one is returned as it is.

    `issued_at` is the instant at which this happens; `issued_on` is the date on the invoice, by default the local date
    of that instant. It is never before the service period is over, nor, of a later revision, before the credit note
    that made room for it.

    `approval` says whether whoever issues a draft approves it thereby, or somebody must have approved it before.
    """
    require_utc(issued_at)
    invoice_row(session, invoice_id)
    row = session.get_one(InvoiceRow, invoice_id, with_for_update=True, populate_existing=True)
    if row.status not in UNISSUED:
        return issued_invoice(row, is_new=False)
    credited_on = session.scalar(
        select(func.max(InvoiceRow.issued_on)).where(
            *_of_same_period(
                contract_id=row.contract_id,
                physical_asset_id=row.physical_asset_id,
                billing_period=row.billing_period,
            ),
            InvoiceRow.document_type == "credit_note",
        )
    )
    earliest = credited_on or local_date(row.period_end_at, row.time_zone)
    issued_on = issued_on or max(earliest, local_date(issued_at, row.time_zone))
    reasons = tuple(json.loads(row.hold_reasons))
    if issued_on < earliest:
        why = "was credited later than" if credited_on else "is not over on"
        reasons = (*reasons, f"{row.billing_period} {why} {issued_on}; date it {earliest} or later")
    agreed_version = session.get_one(ContractRow, row.contract_id).contract_version
    if row.contract_version != agreed_version:
        why = f"rated under version {row.contract_version} of {row.contract_id}, which is at version {agreed_version}"
        reasons = (*reasons, f"it was {why}; draw it again")
    if row.status == "draft" and approval == "required":
        reasons = (*reasons, "nobody has approved it as it stands")
    if reasons:
        raise InvoiceNotIssuableError(invoice_id, reasons)

    row.due_date = issued_on + timedelta(days=row.payment_terms_days)
    return number_and_seal(session, row, issued_at=issued_at, issued_on=issued_on, issued_by=issued_by, signer=signer)


def number_and_seal(
    session: Session,
    row: InvoiceRow,
    *,
    issued_at: datetime,
    issued_on: date,
    issued_by: str,
    signer: Signer | None = None,
) -> IssuedInvoice:
    """The last step of every document: the next number of its seller's year, and the seal over the seal before it.

    A draft that nobody approved is approved by whoever issues it. The seal covers the roots over readings and lines; a
    signer, where the deployment has one, signs the seal.
    """
    if row.status == "draft":
        record_step(session, row, status="approved", taken_at=issued_at, taken_by=issued_by)
        row.status = "approved"
        session.flush()
    record_step(session, row, status="issued", taken_at=issued_at, taken_by=issued_by)
    sequence = locked_sequence(session, seller_party_id=row.seller_party_id, issue_year=issued_on.year)
    sequence.last_number += 1
    row.invoice_number = invoice_number(
        seller_party_id=row.seller_party_id, issue_year=issued_on.year, number=sequence.last_number
    )
    row.issued_at = issued_at
    row.issued_on = issued_on
    row.previous_sha256 = sequence.last_sha256
    lines = plain_lines(document_of(row).lines)
    row.readings_root, row.lines_root = root(reading_leaves(lines)), root(line_leaves(lines))
    row.signing_public_key = signer.public_key if signer else None
    row.invoice_sha256 = invoice_sha256(document_of(row))
    row.signature = signer.sign(invoice_message(row.invoice_sha256)) if signer else None
    row.status = "issued"
    sequence.last_sha256 = row.invoice_sha256
    session.flush()
    return issued_invoice(row, is_new=True)


def issued_invoice(row: InvoiceRow, *, is_new: bool) -> IssuedInvoice:
    """The identity of a row that has a number."""
    names = [field.name for field in fields(IssuedInvoice) if field.name != "is_new"]
    return IssuedInvoice(**{name: getattr(row, name) for name in names}, is_new=is_new)


def credit_note_row(session: Session, number: str) -> InvoiceRow | None:
    """The credit note that settles the invoice of that number, if there is one."""
    return session.scalars(select(InvoiceRow).where(InvoiceRow.preceding_invoice_number == number)).one_or_none()


def list_invoices(
    session: Session, *, billing_period: str | None = None, status: str | None = None
) -> tuple[InvoiceSummary, ...]:
    """Drafts, invoices and credit notes by period, contract and asset; each credit note after what it credits."""
    note = aliased(InvoiceRow)
    query = (
        select(InvoiceRow, note.invoice_number)
        .outerjoin(note, note.preceding_invoice_number == InvoiceRow.invoice_number)
        .order_by(
            InvoiceRow.billing_period,
            InvoiceRow.contract_id,
            InvoiceRow.physical_asset_id,
            InvoiceRow.revision,
            InvoiceRow.document_type.desc(),
        )
    )
    if billing_period is not None:
        query = query.where(InvoiceRow.billing_period == billing_period)
    if status is not None:
        query = query.where(InvoiceRow.status == status)
    return tuple(_summary(row, credited_by=credited_by) for row, credited_by in session.execute(query))


def list_evidence_files(session: Session) -> tuple[str, ...]:
    """Every landed file that a reading on a draft, an invoice or a credit note names; each must stay provable."""
    query = union(select(InvoiceLineSegmentRow.opening_landed_file), select(InvoiceLineSegmentRow.closing_landed_file))
    return tuple(sorted(session.execute(query).scalars()))


def _summary(row: InvoiceRow, *, credited_by: str | None) -> InvoiceSummary:
    derived = {"hold_reasons", "credited_by", "preceding_invoice_number"}
    values = {field.name: getattr(row, field.name) for field in fields(InvoiceSummary) if field.name not in derived}
    if row.document_type == "credit_note":  # zero stays zero: -0.00 is no amount
        values |= {name: value.copy_negate() for name, value in values.items() if isinstance(value, Decimal) and value}
    return InvoiceSummary(
        **values,
        preceding_invoice_number=row.preceding_invoice_number or row.corrected_invoice_number,
        hold_reasons=tuple(json.loads(row.hold_reasons)),
        credited_by=credited_by,
    )


def latest_revision(session: Session, rating: Rating) -> InvoiceRow | None:
    """The newest invoice or draft of the rating's contract, asset and period, held until this transaction ends."""
    of_same_period = _of_same_period(
        contract_id=rating.contract.contract_id,
        physical_asset_id=rating.physical_asset_id,
        billing_period=rating.billing_period,
    )
    return session.scalars(
        select(InvoiceRow)
        .where(*of_same_period, InvoiceRow.document_type == "invoice", InvoiceRow.corrected_invoice_number.is_(None))
        .order_by(InvoiceRow.revision.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _of_same_period(
    *, contract_id: str, physical_asset_id: str, billing_period: str
) -> tuple[ColumnElement[bool], ...]:
    """The documents of one contract, asset and billing period."""
    return (
        InvoiceRow.contract_id == contract_id,
        InvoiceRow.physical_asset_id == physical_asset_id,
        InvoiceRow.billing_period == billing_period,
    )


def _row_of(session: Session, rating: Rating, *, revision: int) -> InvoiceRow:
    """The draft as a row not yet in the session; its fingerprint covers everything that may change before issue."""
    contract = rating.contract
    asset = session.get(PhysicalAssetRow, rating.physical_asset_id)
    if asset is None:
        raise BillingError(
            f"There is no physical_asset {rating.physical_asset_id!r}; apply the enterprise's files first."
        )
    totals = totals_of(
        (line.amount for line in rating.lines),
        tax_rate_percent=contract.tax_rate_percent,
        currency_code=contract.currency_code,
    )
    snapshot = {
        "seller": _trade_party(session, contract.seller_party_id),
        "buyer": _trade_party(session, contract.buyer_party_id),
        "contract_name": contract.name,
        "serial_number": asset.serial_number,
        "asset_model_name": asset.model_name,
    }
    row = InvoiceRow(
        invoice_id=invoice_id_of(
            contract_id=contract.contract_id,
            physical_asset_id=rating.physical_asset_id,
            billing_period=rating.billing_period,
            revision=revision,
        ),
        document_type="invoice",
        revision=revision,
        status="draft",
        contract_id=contract.contract_id,
        contract_version=contract.contract_version,
        physical_asset_id=rating.physical_asset_id,
        billing_period=rating.billing_period,
        period_start_at=rating.service_period.start,
        period_end_at=rating.service_period.end,
        seller_party_id=contract.seller_party_id,
        buyer_party_id=contract.buyer_party_id,
        currency_code=contract.currency_code,
        time_zone=contract.time_zone,
        payment_terms_days=contract.payment_terms_days,
        tax_category=contract.tax_category,
        tax_rate_percent=contract.tax_rate_percent,
        tax_exemption_reason=contract.tax_exemption_reason,
        line_extension_amount=totals.line_extension_amount.amount,
        tax_exclusive_amount=totals.tax_exclusive_amount.amount,
        tax_amount=totals.tax_amount.amount,
        tax_inclusive_amount=totals.tax_inclusive_amount.amount,
        payable_amount=totals.payable_amount.amount,
        snapshot=canonical_json(snapshot),
        hold_reasons=canonical_json(rating.hold_reasons),
        lines=line_rows(rating.lines),
    )
    row.content_sha256 = content_sha256(row)
    return row


def content_sha256(row: InvoiceRow) -> str:
    """The fingerprint of a draft: of everything that may change before it has a number."""
    return sha256_of([document_of(row), row.hold_reasons])


def _trade_party(session: Session, party_id: str) -> TradeParty:
    row = session.get(PartyRow, party_id)
    if row is None:
        raise BillingError(f"There is no party {party_id!r} in the store; apply the enterprise's files first.")
    return TradeParty(**{field.name: getattr(row, field.name) for field in fields(TradeParty)})


def _differences(session: Session, issued: InvoiceRow, fresh: InvoiceRow) -> tuple[str, ...]:
    """What a rating drawn today would bill otherwise; the file and row of a reading are not at issue."""
    sentences = [
        f"line {number}: issued {before}, now {after}"
        for number, (before, after) in enumerate(
            zip_longest(_billed(lines_in_force(session, issued)), _billed(fresh.lines), fillvalue="nothing"), 1
        )
        if before != after
    ]
    payable = payable_in_force(session, issued)
    if payable != fresh.payable_amount:
        sentences.append(f"payable: issued {payable}, now {fresh.payable_amount} {fresh.currency_code}")
    return tuple(sentences)


def _billed(lines: Iterable[InvoiceLineRow]) -> list[str]:
    return [
        f"{line.term_id} {plain_text(line.quantity)} {line.unit_code} at {plain_text(line.unit_price)} = "
        f"{line.line_extension_amount}"
        for line in lines
    ]

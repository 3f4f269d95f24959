"""From a rating to a draft, from a draft to an issued invoice.

Belongs here: the two transitions and the list of invoices. Does not belong here: pricing (rating), documents, payment.

One invoice per contract, asset and billing period. Drawing it again replaces a draft whose content changed and never
touches an issued one: it reports the difference, which a credit note or adjustment must settle.
Nothing commits here: the caller's transaction does (`with sessions(engine).begin() as session:`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.billing.document_model import TradeParty
from models.billing.invoice import InvoiceRow
from models.billing.invoice_view import document_of, invoice_row, line_rows
from models.billing.number_sequence import invoice_number, locked_sequence
from models.billing.rating import Rating
from models.billing.seal import canonical_json, invoice_sha256, sha256_of
from models.billing.totals import totals_of
from models.errors import BillingError, InvoiceNotIssuableError
from models.exact import plain_text
from models.isa95.equipment import PhysicalAssetRow
from models.isa95.party import PartyRow
from models.timeline import local_date, require_utc

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
    """An issued invoice's identity; `is_new` is False when it had been issued before this call."""

    invoice_id: str
    invoice_number: str
    issued_at: datetime
    issued_on: date
    due_date: date
    invoice_sha256: str
    is_new: bool


@dataclass(frozen=True, kw_only=True)
class InvoiceSummary:
    """One line of a list of invoices."""

    invoice_id: str
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
    hold_reasons: tuple[str, ...]


def invoice_id_of(*, contract_id: str, physical_asset_id: str, billing_period: str) -> str:
    """The natural key as one name, fit for a file."""
    return f"{contract_id}.{physical_asset_id}.{billing_period}"


def draft_invoice(session: Session, *, rating: Rating) -> DraftOutcome:
    """The draft of a rating: created, replaced if anything in it changed, or left alone."""
    fresh = _row_of(session, rating)
    present = session.get(InvoiceRow, fresh.invoice_id, with_for_update=True)
    if present is not None and present.status != "draft":
        differences = _differences(present, fresh)
        change: DraftChange = "issued_differs" if differences else "unchanged"
        return DraftOutcome(
            invoice_id=present.invoice_id, change=change, status=present.status, differences=differences
        )
    if present is not None and present.content_sha256 == fresh.content_sha256:
        change = "unchanged"
    else:
        change = "created" if present is None else "replaced"
        if present is not None:
            session.delete(present)
            session.flush()
        session.add(fresh)
        session.flush()
    return DraftOutcome(invoice_id=fresh.invoice_id, change=change, status="draft", hold_reasons=rating.hold_reasons)


def issue_invoice(
    session: Session, *, invoice_id: str, issued_at: datetime, issued_on: date | None = None
) -> IssuedInvoice:
    """The draft as an invoice: numbered without a gap, dated, sealed; an issued one is returned as it is.

    `issued_on` is the date on the invoice, by default the first local day after the service period, so that a rerun
    of the same month writes the same document. `issued_at` is the instant at which this happens.
    """
    require_utc(issued_at)
    invoice_row(session, invoice_id)
    row = session.get_one(InvoiceRow, invoice_id, with_for_update=True, populate_existing=True)
    if row.status != "draft":
        return _issued(row, is_new=False)
    after_period = local_date(row.period_end_at, row.time_zone)
    issued_on = issued_on or after_period
    reasons = tuple(json.loads(row.hold_reasons))
    if issued_on < after_period:
        reasons = (*reasons, f"{row.billing_period} is not over on {issued_on}; date it {after_period} or later")
    if reasons:
        raise InvoiceNotIssuableError(invoice_id, reasons)

    sequence = locked_sequence(session, seller_party_id=row.seller_party_id, issue_year=issued_on.year)
    sequence.last_number += 1
    row.invoice_number = invoice_number(
        seller_party_id=row.seller_party_id, issue_year=issued_on.year, number=sequence.last_number
    )
    row.issued_at = issued_at
    row.issued_on = issued_on
    row.due_date = issued_on + timedelta(days=row.payment_terms_days)
    row.previous_sha256 = sequence.last_sha256
    row.invoice_sha256 = invoice_sha256(document_of(row))
    row.status = "issued"
    sequence.last_sha256 = row.invoice_sha256
    session.flush()
    return _issued(row, is_new=True)


def list_invoices(
    session: Session, *, billing_period: str | None = None, status: str | None = None
) -> tuple[InvoiceSummary, ...]:
    """Invoices and drafts by period, contract and asset."""
    query = select(InvoiceRow).order_by(InvoiceRow.billing_period, InvoiceRow.contract_id, InvoiceRow.physical_asset_id)
    if billing_period is not None:
        query = query.where(InvoiceRow.billing_period == billing_period)
    if status is not None:
        query = query.where(InvoiceRow.status == status)
    names = [field.name for field in fields(InvoiceSummary) if field.name != "hold_reasons"]
    return tuple(
        InvoiceSummary(**{name: getattr(row, name) for name in names}, hold_reasons=tuple(json.loads(row.hold_reasons)))
        for row in session.scalars(query)
    )


def _row_of(session: Session, rating: Rating) -> InvoiceRow:
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
        ),
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
    row.content_sha256 = sha256_of([document_of(row), row.hold_reasons])
    return row


def _trade_party(session: Session, party_id: str) -> TradeParty:
    row = session.get(PartyRow, party_id)
    if row is None:
        raise BillingError(f"There is no party {party_id!r} in the store; apply the enterprise's files first.")
    return TradeParty(**{field.name: getattr(row, field.name) for field in fields(TradeParty)})


def _differences(issued: InvoiceRow, fresh: InvoiceRow) -> tuple[str, ...]:
    """What a rating drawn today would bill otherwise; the file and row of a reading are not at issue."""
    sentences = [
        f"line {number}: issued {before}, now {after}"
        for number, (before, after) in enumerate(zip_longest(_billed(issued), _billed(fresh), fillvalue="nothing"), 1)
        if before != after
    ]
    if issued.payable_amount != fresh.payable_amount:
        sentences.append(f"payable: issued {issued.payable_amount}, now {fresh.payable_amount} {fresh.currency_code}")
    return tuple(sentences)


def _billed(row: InvoiceRow) -> list[str]:
    return [
        f"{line.term_id} {plain_text(line.quantity)} {line.unit_code} at {plain_text(line.unit_price)} = "
        f"{line.line_extension_amount}"
        for line in row.lines
    ]


def _issued(row: InvoiceRow, *, is_new: bool) -> IssuedInvoice:
    names = [field.name for field in fields(IssuedInvoice) if field.name != "is_new"]
    return IssuedInvoice(**{name: getattr(row, name) for name in names}, is_new=is_new)

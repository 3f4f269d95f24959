"""Proving an invoice or a credit note: from its own copy alone, and against the store's chain.

Belongs here: recomputing every quantity from readings, every line from terms, the foot, the seal, the chain of seals,
and that a credit note takes back exactly what its invoice billed.
Does not belong here: whether the landed files still hold those readings (the evidence's hashes say where to look).

`verify_document` needs nothing but the document: the customer can run it. What it cannot see is whether an invoice was
left out of the seller's chain; `verify_sequences` sees that in the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.billing.correction_lines import correction_totals, is_correction, sides_of
from models.billing.document_model import DocumentLine, InvoiceDocument, LineSegment
from models.billing.invoice import InvoiceRow
from models.billing.invoice_view import document_of, invoice_document
from models.billing.number_sequence import GENESIS, NumberSequenceRow, invoice_number
from models.billing.proof.roots import line_leaves, plain_lines, reading_leaves, root
from models.billing.proof.signing import invoice_message, is_signed
from models.billing.rating import RatedLine, rate
from models.billing.rating.parts import UsagePart, parts_of
from models.billing.seal import invoice_sha256
from models.billing.terms import Contract, CoveredAsset, Term
from models.billing.totals import totals_of
from models.billing.usage import Availability, UsageRecord, segment_quantity, sum_of
from models.errors import ModelsError, RatingError
from models.exact import exact, plain_text
from models.money import Money
from models.timeline import Period

OWN_OF_A_CREDIT_NOTE = (
    "invoice_number", "invoice_id", "document_type", "status", "issued_on", "due_date", "issued_at",
    "preceding_invoice_number", "preceding_issued_on", "credit_reason", "previous_sha256", "invoice_sha256",
    "readings_root", "lines_root", "signing_public_key", "signature",
)  # fmt: skip
"""The fields in which a credit note may differ from the invoice it credits."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that does not hold: which check, on which line, in one sentence."""

    check: str
    sentence: str
    line_number: int | None = None


def verify_invoice(session: Session, invoice_id: str) -> tuple[Finding, ...]:
    """Everything that can be checked about one stored invoice; empty if it holds."""
    document = invoice_document(session, invoice_id)
    return (
        *verify_document(document),
        *_chain_findings(session, document),
        *_credited_findings(session, document),
    )


def verify_document(document: InvoiceDocument) -> tuple[Finding, ...]:
    """Everything that can be checked from the invoice's own copy; empty if it holds. The copy may be a forgery."""
    try:
        findings = [finding for line in document.lines for finding in _segment_findings(document, line)]
        if is_correction(document):
            sides = sides_of(document)
            for lines in (sides.billed, sides.right):
                findings += _rating_findings(replace(document, lines=lines))
        else:
            findings += _rating_findings(document)
        findings += _total_findings(document)
        findings += _reference_findings(document)
        findings += _root_findings(document)
        findings += _seal_findings(document)
    except (ModelsError, ArithmeticError) as absurd:
        return (Finding(check="number", sentence=f"it holds what no invoice holds: {absurd}"),)
    return tuple(findings)


def verify_sequences(session: Session) -> tuple[Finding, ...]:
    """Whether the numbers drawn and the invoices that carry one are the same, and each seal names the one before."""
    findings = []
    numbers = select(InvoiceRow.invoice_number).where(InvoiceRow.invoice_number.is_not(None))
    never_drawn = set(session.scalars(numbers))
    for sequence in session.scalars(select(NumberSequenceRow)):
        last_sha256 = GENESIS
        for number in range(1, sequence.last_number + 1):
            name = invoice_number(
                seller_party_id=sequence.seller_party_id, issue_year=sequence.issue_year, number=number
            )
            row = session.scalars(select(InvoiceRow).where(InvoiceRow.invoice_number == name)).one_or_none()
            never_drawn.discard(name)
            if row is None or row.previous_sha256 != last_sha256:
                problem = "is missing" if row is None else "does not continue the seal before it"
                findings.append(Finding(check="sequence", sentence=f"invoice {name} {problem}"))
            last_sha256 = row.invoice_sha256 or "" if row else ""
        if last_sha256 != sequence.last_sha256:
            sentence = f"{sequence.seller_party_id} {sequence.issue_year} does not end in its last invoice's seal"
            findings.append(Finding(check="sequence", sentence=sentence))
    findings += [
        Finding(check="sequence", sentence=f"invoice {number} has a number that nobody drew")
        for number in sorted(str(name) for name in never_drawn)
    ]
    return tuple(findings)


def _segment_findings(document: InvoiceDocument, line: DocumentLine) -> Iterator[Finding]:
    for segment in line.segments:
        name = f"segment {segment.segment_number}"
        try:
            recomputed = segment_quantity(segment)
        except ModelsError as unprovable:
            yield Finding(check="segment", sentence=str(unprovable), line_number=line.line_number)
            continue
        if recomputed != segment.quantity:
            sentence = f"{name} says {segment.quantity}, its readings say {recomputed}"
            yield Finding(check="segment", sentence=sentence, line_number=line.line_number)
        if segment.closing.at > document.period_end_at or segment.opening.at > segment.closing.at:
            sentence = f"{name} closes after the service period or before it opens"
            yield Finding(check="segment", sentence=sentence, line_number=line.line_number)
    for earlier, later in pairwise(line.segments):
        if earlier.closing != later.opening:
            sentence = f"segment {later.segment_number} does not open with the reading that closed the one before"
            yield Finding(check="segment", sentence=sentence, line_number=line.line_number)


def _rating_findings(document: InvoiceDocument) -> Iterator[Finding]:
    try:
        expected = _rated_again(document)
    except (ModelsError, ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as broken:
        yield Finding(check="rating", sentence=f"the lines cannot be rated again: {broken}")
        return
    if len(expected) != len(document.lines):
        sentence = f"the terms give {len(expected)} lines, the invoice has {len(document.lines)}"
        yield Finding(check="rating", sentence=sentence)
    for line, rated in zip(document.lines, expected, strict=False):
        billed = (line.term_id, line.unit_code, line.quantity, line.unit_price, line.line_extension_amount)
        proven = (rated.term_id, rated.unit_code, rated.quantity, rated.unit_price, rated.amount.amount)
        if billed != proven:
            sentence = f"billed {_told(billed)}, proven {_told(proven)}"
            yield Finding(check="rating", sentence=sentence, line_number=line.line_number)


def _told(line: tuple[str, str, Decimal, Decimal, Decimal]) -> str:
    term_id, unit_code, quantity, unit_price, amount = line
    return f"{term_id} {plain_text(quantity)} {unit_code} at {plain_text(unit_price)} = {plain_text(amount)}"


def _rated_again(document: InvoiceDocument) -> tuple[RatedLine, ...]:
    """The lines that the invoice's own terms, readings and measured times give."""
    period = Period(document.period_start_at, document.period_end_at)
    terms: dict[str, Term] = {}
    usage: dict[str, UsageRecord] = {}
    availability = None
    parts: dict[str, tuple[UsagePart, ...]] = {}
    for line in document.lines:
        inputs: Mapping[str, Any] = line.explanation["inputs"]  # type: ignore[assignment]  # checked by its use
        terms[line.term_id] = Term(**inputs["term"])
        if "availability" in inputs:
            availability = Availability(**{name: exact(value) for name, value in inputs["availability"].items()})
        if line.metric is not None and "parts" in inputs:
            parts[line.metric] = parts_of(inputs["parts"])
        if line.metric is not None:
            record = _usage_of(document, line, period)
            if usage.setdefault(line.metric, record) != record:
                raise RatingError(
                    f"line {line.line_number} shows other readings of {line.metric} than a line before it"
                )
    contract = Contract(
        contract_id=document.contract_id,
        contract_version=document.contract_version,
        name=document.contract_name,
        seller_party_id=document.seller.party_id,
        buyer_party_id=document.buyer.party_id,
        currency_code=document.currency_code,
        time_zone=document.time_zone,
        start_date=document.period_first_day,
        end_date=None,
        billing_period="month",
        payment_terms_days=document.payment_terms_days,
        tax_category=document.tax_category,
        tax_rate_percent=document.tax_rate_percent,
        tax_exemption_reason=document.tax_exemption_reason,
        assets=(
            CoveredAsset(physical_asset_id=document.physical_asset_id, covered_from_date=document.period_first_day),
        ),
        terms=tuple(terms.values()),
    )
    return rate(
        contract,
        physical_asset_id=document.physical_asset_id,
        service_period=period,
        usage=usage,
        availability=availability,
        parts=parts,
    ).lines


def _usage_of(document: InvoiceDocument, line: DocumentLine, period: Period) -> UsageRecord:
    segments: tuple[LineSegment, ...] = line.segments
    return UsageRecord(
        contract_id=document.contract_id,
        physical_asset_id=line.physical_asset_id,
        metric=str(line.metric),
        unit_code=segments[0].closing.unit_code if segments else line.unit_code,
        service_period=period,
        quantity=sum_of(segment.quantity for segment in segments),
        quantity_flag=line.quantity_flag,  # type: ignore[arg-type]  # rating reads it as text
        segments=segments,
    )


def _total_findings(document: InvoiceDocument) -> Iterator[Finding]:
    totals = (
        correction_totals(document)
        if is_correction(document)
        else totals_of(
            (Money(line.line_extension_amount, document.currency_code) for line in document.lines),
            tax_rate_percent=document.tax_rate_percent,
            currency_code=document.currency_code,
        )
    )
    for name in (
        "line_extension_amount",
        "tax_exclusive_amount",
        "tax_amount",
        "tax_inclusive_amount",
        "payable_amount",
    ):
        stated, proven = getattr(document, name), getattr(totals, name).amount
        if stated != proven:
            yield Finding(check="total", sentence=f"{name} says {stated}, the lines give {proven}")


def _reference_findings(document: InvoiceDocument) -> Iterator[Finding]:
    given = [document.preceding_invoice_number, document.preceding_issued_on, document.credit_reason]
    is_present = [value is not None for value in given]
    refers = document.document_type == "credit_note" or is_correction(document)
    if refers and not all(is_present):
        yield Finding(check="reference", sentence="a credit note must name the invoice it credits, its date and why")
    elif not refers and any(is_present):
        yield Finding(check="reference", sentence="an invoice credits nothing, this one names an invoice to credit")


def _root_findings(document: InvoiceDocument) -> Iterator[Finding]:
    """The roots and the signature; a document issued before there were any names none."""
    lines = plain_lines(document.lines)
    for name, leaves in (("readings_root", reading_leaves(lines)), ("lines_root", line_leaves(lines))):
        stated = getattr(document, name)
        if stated is not None and stated != root(leaves):
            yield Finding(check="root", sentence=f"{name} says {stated}, the content gives {root(leaves)}")
    if document.signature is None and document.signing_public_key is not None:
        yield Finding(check="signature", sentence="the seal names the key that signs it, and the signature is missing")
    elif document.signature is not None and not is_signed(
        invoice_message(document.invoice_sha256 or ""),
        public_key=document.signing_public_key,
        signature=document.signature,
    ):
        yield Finding(check="signature", sentence="the signature is not that of the named key over this seal")


def _due_date(document: InvoiceDocument, issued_on: date) -> date | None:
    return issued_on + timedelta(days=document.payment_terms_days) if document.document_type == "invoice" else None


def _seal_findings(document: InvoiceDocument) -> Iterator[Finding]:
    if document.invoice_number is None:
        return
    if document.issued_on is None or document.due_date != _due_date(document, document.issued_on):
        yield Finding(check="dates", sentence=f"the due date {document.due_date} does not follow from the issue date")
    if document.invoice_sha256 != invoice_sha256(document):
        yield Finding(check="seal", sentence="the seal does not match the content: something was altered after issue")


def _chain_findings(session: Session, document: InvoiceDocument) -> Iterator[Finding]:
    if document.invoice_number is None or document.issued_on is None:
        return
    number = int(document.invoice_number.rpartition("-")[2])
    expected: str | None = GENESIS
    name = "the first of the year"
    if number > 1:
        name = invoice_number(
            seller_party_id=document.seller.party_id, issue_year=document.issued_on.year, number=number - 1
        )
        expected = session.scalars(
            select(InvoiceRow.invoice_sha256).where(InvoiceRow.invoice_number == name)
        ).one_or_none()
    if document.previous_sha256 != expected:
        yield Finding(check="chain", sentence=f"the seal of the preceding invoice ({name}) is not the one named here")


def _credited_findings(session: Session, document: InvoiceDocument) -> Iterator[Finding]:
    if is_correction(document):
        yield from _corrected_findings(session, document)
        return
    if document.document_type != "credit_note":
        return
    number = document.preceding_invoice_number
    row = session.scalars(select(InvoiceRow).where(InvoiceRow.invoice_number == number)).one_or_none()
    own = {name: getattr(document, name) for name in OWN_OF_A_CREDIT_NOTE}
    if row is None or row.issued_on != document.preceding_issued_on or replace(document_of(row), **own) != document:
        yield Finding(check="credit", sentence=f"it does not take back exactly what invoice {number} billed")


def _corrected_findings(session: Session, document: InvoiceDocument) -> Iterator[Finding]:
    """Whether a correction takes back what the invoice and the corrections before it billed."""
    number = document.preceding_invoice_number
    original = session.scalars(select(InvoiceRow).where(InvoiceRow.invoice_number == number)).one_or_none()
    if original is None or original.issued_on != document.preceding_issued_on:
        yield Finding(check="correction", sentence=f"there is no invoice {number} of that date to correct")
        return
    corrections = select(InvoiceRow).where(InvoiceRow.corrected_invoice_number == number).order_by(InvoiceRow.revision)
    in_force = document_of(original).lines
    for row in session.scalars(corrections):
        if row.invoice_id == document.invoice_id:
            break
        in_force = sides_of(document_of(row)).right
    if [_amounts(line) for line in sides_of(document).billed] != [_amounts(line) for line in in_force]:
        yield Finding(check="correction", sentence=f"it does not take back exactly what was billed for {number}")


def _amounts(line: DocumentLine) -> tuple[object, ...]:
    return (line.term_id, line.quantity, line.unit_code, line.unit_price, line.line_extension_amount, line.segments)

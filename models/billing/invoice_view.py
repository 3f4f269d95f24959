"""Invoice rows as the frozen document, and the document's parts as rows.

Belongs here: the two directions of the same mapping, side by side. Does not belong here: when to draft or issue.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from models.billing.document_model import DocumentLine, InvoiceDocument, LineSegment, MeterReading, TradeParty
from models.billing.invoice import InvoiceLineRow, InvoiceLineSegmentRow, InvoiceRow
from models.billing.rating import RatedLine
from models.billing.seal import canonical_json
from models.errors import InvoiceNotFoundError
from models.timeline import local_date

READING_FIELDS = {
    "at": "at",
    "value": "reading",
    "unit_code": "unit_code",
    "message_id": "message_id",
    "metric_index": "metric_index",
    "landed_file": "landed_file",
    "file_row": "file_row",
    "file_sha256": "file_sha256",
}
"""Field of a MeterReading -> the column's name after `opening_` or `closing_`."""


def invoice_row(session: Session, invoice_id: str) -> InvoiceRow:
    """The row of that id."""
    row = session.get(InvoiceRow, invoice_id)
    if row is None:
        raise InvoiceNotFoundError(invoice_id)
    return row


def invoice_document(session: Session, invoice_id: str) -> InvoiceDocument:
    """The invoice, or draft, of that id, complete in itself."""
    return document_of(invoice_row(session, invoice_id))


def document_of(row: InvoiceRow) -> InvoiceDocument:
    """The frozen view of a row."""
    snapshot: dict[str, Any] = json.loads(row.snapshot)
    return InvoiceDocument(
        invoice_number=row.invoice_number,
        invoice_id=row.invoice_id,
        status=row.status,
        issued_on=row.issued_on,
        due_date=row.due_date,
        currency_code=row.currency_code,
        time_zone=row.time_zone,
        contract_id=row.contract_id,
        contract_version=row.contract_version,
        contract_name=snapshot["contract_name"],
        physical_asset_id=row.physical_asset_id,
        serial_number=snapshot["serial_number"],
        asset_model_name=snapshot["asset_model_name"],
        period_start_at=row.period_start_at,
        period_end_at=row.period_end_at,
        period_first_day=local_date(row.period_start_at, row.time_zone),
        period_last_day=local_date(row.period_end_at - timedelta(microseconds=1), row.time_zone),
        seller=TradeParty(**snapshot["seller"]),
        buyer=TradeParty(**snapshot["buyer"]),
        lines=tuple(_line_of(line, row, serial_number=snapshot["serial_number"]) for line in row.lines),
        tax_category=row.tax_category,
        tax_rate_percent=row.tax_rate_percent,
        tax_exemption_reason=row.tax_exemption_reason,
        line_extension_amount=row.line_extension_amount,
        tax_exclusive_amount=row.tax_exclusive_amount,
        tax_amount=row.tax_amount,
        tax_inclusive_amount=row.tax_inclusive_amount,
        payable_amount=row.payable_amount,
        payment_terms_days=row.payment_terms_days,
        document_type=row.document_type,  # type: ignore[arg-type]  # a check constraint holds it to the two
        preceding_invoice_number=row.preceding_invoice_number or row.corrected_invoice_number,
        preceding_issued_on=row.preceding_issued_on,
        credit_reason=row.credit_reason,
        issued_at=row.issued_at,
        previous_sha256=row.previous_sha256,
        invoice_sha256=row.invoice_sha256,
        readings_root=row.readings_root,
        lines_root=row.lines_root,
        signing_public_key=row.signing_public_key,
        signature=row.signature,
    )


def line_rows(lines: Iterable[RatedLine]) -> list[InvoiceLineRow]:
    """Rated lines as rows, numbered from 1."""
    return [
        InvoiceLineRow(
            line_number=number,
            term_id=line.term_id,
            rule=line.rule,
            description=line.description,
            quantity=line.quantity,
            unit_code=line.unit_code,
            unit_price=line.unit_price,
            line_extension_amount=line.amount.amount,
            metric=line.usage.metric if line.usage else None,
            quantity_flag=line.usage.quantity_flag if line.usage else None,
            explanation=canonical_json(line.explanation.as_data()),
            segments=[_segment_row(segment) for segment in line.usage.segments] if line.usage else [],
        )
        for number, line in enumerate(lines, start=1)
    ]


def _segment_row(segment: LineSegment) -> InvoiceLineSegmentRow:
    readings = {
        f"{side}_{column}": getattr(getattr(segment, side), name)
        for side in ("opening", "closing")
        for name, column in READING_FIELDS.items()
    }
    own = {name: value for name, value in asdict(segment).items() if name not in {"opening", "closing"}}
    return InvoiceLineSegmentRow(**own, **readings)


def _line_of(line: InvoiceLineRow, row: InvoiceRow, *, serial_number: str) -> DocumentLine:
    return DocumentLine(
        line_number=line.line_number,
        term_id=line.term_id,
        rule=line.rule,
        description=line.description,
        physical_asset_id=row.physical_asset_id,
        serial_number=serial_number,
        quantity=line.quantity,
        unit_code=line.unit_code,
        unit_price=line.unit_price,
        line_extension_amount=line.line_extension_amount,
        metric=line.metric,
        quantity_flag=line.quantity_flag,
        explanation=json.loads(line.explanation),
        segments=tuple(_segment_of(segment) for segment in line.segments),
    )


def _segment_of(segment: InvoiceLineSegmentRow) -> LineSegment:
    opening, closing = (
        MeterReading(**{name: getattr(segment, f"{side}_{column}") for name, column in READING_FIELDS.items()})
        for side in ("opening", "closing")
    )
    return LineSegment(
        segment_number=segment.segment_number,
        segment_kind=segment.segment_kind,
        opening=opening,
        closing=closing,
        quantity=segment.quantity,
        modulus=segment.modulus,
        old_final_value=segment.old_final_value,
        new_start_value=segment.new_start_value,
    )

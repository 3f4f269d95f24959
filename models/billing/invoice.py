"""Invoices and credit notes as rows: header, lines, and the meter segments that prove each line.

Belongs here: the tables. Does not belong here: drafting and issuing (invoicing.py), crediting, the frozen view.

Issued is immutable: triggers refuse any change to an issued invoice but the steps of its status.
`snapshot` is JSON text: seller, buyer, contract name and asset as they were, so that a company that moves changes no
invoice already drawn; the terms stand in each line's explanation.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.orm import Row

STATUS_CONDITION = "status IN ('draft', 'approved', 'issued', 'sent', 'paid', 'void')"


class InvoiceLineSegmentRow(Row):
    """One row per segment of a metered line: opening and closing reading with the file and row that hold them."""

    __tablename__ = "invoice_line_segment"
    __table_args__ = (
        ForeignKeyConstraint(
            ["invoice_id", "line_number"],
            ["invoice_line.invoice_id", "invoice_line.line_number"],
            ondelete="CASCADE",
        ),
        CheckConstraint("segment_kind IN ('increase', 'rollover', 'replacement', 'held')", name="segment_kind"),
    )

    invoice_id: Mapped[str] = mapped_column(primary_key=True)
    line_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    segment_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    segment_kind: Mapped[str]
    quantity: Mapped[Decimal]
    modulus: Mapped[Decimal | None]
    old_final_value: Mapped[Decimal | None]
    new_start_value: Mapped[Decimal | None]
    opening_at: Mapped[datetime]
    opening_reading: Mapped[Decimal]
    opening_unit_code: Mapped[str]
    opening_message_id: Mapped[str]
    opening_metric_index: Mapped[int]
    opening_landed_file: Mapped[str]
    opening_file_row: Mapped[int] = mapped_column(BigInteger)
    opening_file_sha256: Mapped[str]
    closing_at: Mapped[datetime]
    closing_reading: Mapped[Decimal]
    closing_unit_code: Mapped[str]
    closing_message_id: Mapped[str]
    closing_metric_index: Mapped[int]
    closing_landed_file: Mapped[str]
    closing_file_row: Mapped[int] = mapped_column(BigInteger)
    closing_file_sha256: Mapped[str]


class InvoiceLineRow(Row):
    """One row per line; `explanation` is JSON text."""

    __tablename__ = "invoice_line"

    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoice.invoice_id", ondelete="CASCADE"), primary_key=True)
    line_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    term_id: Mapped[str]
    rule: Mapped[str]
    description: Mapped[str]
    quantity: Mapped[Decimal]
    unit_code: Mapped[str]
    unit_price: Mapped[Decimal]
    line_extension_amount: Mapped[Decimal]
    metric: Mapped[str | None]
    quantity_flag: Mapped[str | None]
    explanation: Mapped[str]

    segments: Mapped[list[InvoiceLineSegmentRow]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by=InvoiceLineSegmentRow.segment_number
    )


class InvoiceRow(Row):
    """One row per contract, asset, billing period, revision and type of document.

    The first invoice is revision 1; a credit note has the revision of the invoice it credits, whose number, date and
    lines it repeats; the invoice drawn after it is the next revision.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint(
            "contract_id",
            "physical_asset_id",
            "billing_period",
            "revision",
            "document_type",
            name="uq_invoice_revision",  # the convention's name would be longer than Postgres allows
        ),
        UniqueConstraint("invoice_number"),
        UniqueConstraint("preceding_invoice_number"),  # an invoice is credited once
        CheckConstraint("document_type IN ('invoice', 'credit_note')", name="document_type"),
        CheckConstraint(
            "document_type = 'invoice' AND preceding_invoice_number IS NULL AND corrected_invoice_number IS NULL "
            "AND preceding_issued_on IS NULL AND credit_reason IS NULL "
            "OR (document_type = 'credit_note' OR corrected_invoice_number IS NOT NULL) "
            "AND (preceding_invoice_number IS NULL) <> (corrected_invoice_number IS NULL) "
            "AND preceding_issued_on IS NOT NULL AND credit_reason IS NOT NULL",
            name="credit_note_is_complete",
        ),
        CheckConstraint(STATUS_CONDITION, name="status"),
        CheckConstraint(
            "status IN ('draft', 'approved') OR (invoice_number IS NOT NULL AND issued_at IS NOT NULL "
            "AND issued_on IS NOT NULL "
            "AND (due_date IS NOT NULL) = (document_type = 'invoice') AND previous_sha256 IS NOT NULL "
            "AND invoice_sha256 IS NOT NULL)",
            name="issued_is_complete",
        ),
        Index(None, "billing_period"),  # `list_invoices` of one month
        Index(None, "corrected_invoice_number"),  # what an invoice was corrected by
    )

    invoice_id: Mapped[str] = mapped_column(primary_key=True)
    document_type: Mapped[str]
    revision: Mapped[int]
    status: Mapped[str]
    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.contract_id"))
    contract_version: Mapped[int]
    physical_asset_id: Mapped[str] = mapped_column(ForeignKey("physical_asset.physical_asset_id"))
    billing_period: Mapped[str]
    period_start_at: Mapped[datetime]
    period_end_at: Mapped[datetime]
    seller_party_id: Mapped[str] = mapped_column(ForeignKey("party.party_id"))
    buyer_party_id: Mapped[str] = mapped_column(ForeignKey("party.party_id"))
    currency_code: Mapped[str]
    time_zone: Mapped[str]
    payment_terms_days: Mapped[int]
    tax_category: Mapped[str]
    tax_rate_percent: Mapped[Decimal]
    tax_exemption_reason: Mapped[str | None]
    line_extension_amount: Mapped[Decimal]
    tax_exclusive_amount: Mapped[Decimal]
    tax_amount: Mapped[Decimal]
    tax_inclusive_amount: Mapped[Decimal]
    payable_amount: Mapped[Decimal]
    preceding_invoice_number: Mapped[str | None] = mapped_column(ForeignKey("invoice.invoice_number"))
    corrected_invoice_number: Mapped[str | None] = mapped_column(ForeignKey("invoice.invoice_number"))
    preceding_issued_on: Mapped[date | None]
    credit_reason: Mapped[str | None]
    snapshot: Mapped[str]
    hold_reasons: Mapped[str]
    content_sha256: Mapped[str]
    invoice_number: Mapped[str | None]
    issued_at: Mapped[datetime | None]
    issued_on: Mapped[date | None]
    due_date: Mapped[date | None]
    previous_sha256: Mapped[str | None]
    invoice_sha256: Mapped[str | None]
    readings_root: Mapped[str | None]
    lines_root: Mapped[str | None]
    signing_public_key: Mapped[str | None]
    signature: Mapped[str | None]

    lines: Mapped[list[InvoiceLineRow]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by=InvoiceLineRow.line_number
    )

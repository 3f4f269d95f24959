"""The invoice as a document sees it: frozen values, complete in themselves.

Belongs here: what a renderer (PDF, EN 16931 XML, evidence) needs, already computed, named as in EN 16931.
Does not belong here: computing an amount, reading a database, or layout.

Times: `service_period` is half-open UTC; `issued_on`, `due_date` and the period's first and last day are local dates
of the contract's zone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

SEALED_IF_PRESENT = {"sealed_if_present": True}
"""Marks a field that documents issued before it existed lack: None is left out of the canonical spelling."""

DocumentType = Literal["invoice", "credit_note"]
"""A credit note (UNTDID 1001: 381) takes back a whole invoice (380); its amounts are positive and mean the reverse."""
DocumentProfile = Literal["factur_x", "xrechnung_ubl", "xrechnung_cii", "peppol_bis_3"]
"""The form of a buyer's e-invoice; a party that names none gets Factur-X's EN 16931 profile."""


@dataclass(frozen=True, kw_only=True)
class TradeParty:
    """Seller (BG-4) or buyer (BG-7).

    `electronic_address` (BT-34, BT-49) has a scheme of the EAS list; without one the email stands in for it.
    `buyer_reference` is what the buyer wants on its invoices (BT-10, in Germany the Leitweg-ID); `contact_name` and
    `contact_phone` are the seller's contact (BG-6). `document_profile` is the buyer's.
    """

    party_id: str
    legal_name: str
    street: str
    city: str
    postal_code: str
    country_code: str
    vat_identifier: str | None = None
    email: str | None = None
    iban: str | None = None
    bic: str | None = None
    electronic_address: str | None = field(default=None, metadata=SEALED_IF_PRESENT)
    electronic_address_scheme: str | None = field(default=None, metadata=SEALED_IF_PRESENT)
    buyer_reference: str | None = field(default=None, metadata=SEALED_IF_PRESENT)
    contact_name: str | None = field(default=None, metadata=SEALED_IF_PRESENT)
    contact_phone: str | None = field(default=None, metadata=SEALED_IF_PRESENT)
    document_profile: DocumentProfile | None = field(default=None, metadata=SEALED_IF_PRESENT)


@dataclass(frozen=True, kw_only=True)
class MeterReading:
    """One counter reading as landed: its value, its UTC instant, and the file and row that hold it."""

    at: datetime
    value: Decimal
    unit_code: str
    message_id: str
    metric_index: int
    landed_file: str
    file_row: int
    file_sha256: str


@dataclass(frozen=True, kw_only=True)
class LineSegment:
    """A stretch of a line's quantity between two readings; `segment_kind` says how its quantity follows from them.

    What the two readings cannot tell stands beside them, so that the document alone proves the quantity: a rollover's
    modulus; a replaced counter's declared last and first value.
    """

    segment_number: int
    segment_kind: str
    opening: MeterReading
    closing: MeterReading
    quantity: Decimal
    modulus: Decimal | None = None
    old_final_value: Decimal | None = None
    new_start_value: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class DocumentLine:
    """Invoice line (BG-25). A credit has a negative quantity and a positive price (BR-27)."""

    line_number: int
    term_id: str
    rule: str
    description: str
    physical_asset_id: str
    serial_number: str
    quantity: Decimal
    unit_code: str
    unit_price: Decimal
    line_extension_amount: Decimal
    metric: str | None
    quantity_flag: str | None
    explanation: dict[str, object]
    segments: tuple[LineSegment, ...]


@dataclass(frozen=True, kw_only=True)
class InvoiceDocument:
    """An issued invoice (or a draft, whose number is None) or a credit note, with its EN 16931 totals.

    A credit note names the invoice it credits (BT-25, BT-26) and why, repeats its lines, readings and amounts, and has
    no due date. EN 16931 calls both an invoice, so do the fields here.

    `invoice_sha256` seals everything here but the status; it covers `previous_sha256`, the seal of the seller's
    document of that year before it, so that an altered, missing or inserted one breaks the chain. It covers the roots
    over readings and lines and the key that signs it (`models.billing.proof`); the signature is over the seal.
    """

    invoice_number: str | None
    invoice_id: str
    status: str
    issued_on: date | None
    due_date: date | None
    currency_code: str
    time_zone: str
    contract_id: str
    contract_version: int
    contract_name: str
    physical_asset_id: str
    serial_number: str
    asset_model_name: str
    period_start_at: datetime
    period_end_at: datetime
    period_first_day: date
    period_last_day: date
    seller: TradeParty
    buyer: TradeParty
    lines: tuple[DocumentLine, ...]
    tax_category: str
    tax_rate_percent: Decimal
    tax_exemption_reason: str | None
    line_extension_amount: Decimal
    tax_exclusive_amount: Decimal
    tax_amount: Decimal
    tax_inclusive_amount: Decimal
    payable_amount: Decimal
    payment_terms_days: int
    document_type: DocumentType = "invoice"
    preceding_invoice_number: str | None = None
    preceding_issued_on: date | None = None
    credit_reason: str | None = None
    issued_at: datetime | None = None
    previous_sha256: str | None = None
    invoice_sha256: str | None = None
    readings_root: str | None = field(default=None, metadata=SEALED_IF_PRESENT)
    lines_root: str | None = field(default=None, metadata=SEALED_IF_PRESENT)
    signing_public_key: str | None = field(default=None, metadata=SEALED_IF_PRESENT)
    signature: str | None = field(default=None, metadata=SEALED_IF_PRESENT)

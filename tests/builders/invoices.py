"""Invoices as documents see them: complete, and consistent to the cent.

`an_invoice_document()` is a machining centre billed per good part (graduated) and per running hour.
`a_compressor_invoice()` adds a base fee and an availability credit; `an_export_invoice()` is VAT category G in USD.
`a_credit_note()` takes back the compressor's invoice, `an_export_credit_note()` the one in USD.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from models.billing.document_model import InvoiceDocument
from models.billing.seal import invoice_sha256
from tests.builders.invoice_parts import MERIDIAN_DE, MERIDIAN_MX, WELLER, a_line, a_reading, a_segment, a_tier_line

MARCH_IN_HAMBURG = (datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC))
MARCH_IN_MONTERREY = (datetime(2026, 3, 1, 6, tzinfo=UTC), datetime(2026, 4, 1, 6, tzinfo=UTC))


def an_invoice_document(**changes: object) -> InvoiceDocument:
    """A machining centre in Hamburg: three tiers of parts, running hours with a replaced counter. 19 % VAT."""
    start, end = MARCH_IN_HAMBURG
    parts = (
        a_segment(
            opening=a_reading(
                at=datetime(2026, 2, 28, 22, 59, 30, tzinfo=UTC), value="184250", unit_code="H87", file_row=1204
            ),
            closing=a_reading(
                at=datetime(2026, 3, 31, 21, 59, 30, tzinfo=UTC),
                value="196810.000000000",
                unit_code="H87",
                file_row=877,
            ),
            quantity="12560",
        ),
    )
    changed_at = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
    hours = (
        a_segment(
            opening=a_reading(
                at=datetime(2026, 2, 28, 22, 59, 45, tzinfo=UTC), value="48216300", unit_code="SEC", file_row=1210
            ),
            closing=a_reading(at=changed_at, value="3600", unit_code="SEC", file_row=412),
            quantity="612000",
            kind="replacement",
            old_final_value="48824700",
            new_start_value="0",
        ),
        a_segment(
            opening=a_reading(at=changed_at, value="3600", unit_code="SEC", file_row=412),
            closing=a_reading(
                at=datetime(2026, 3, 31, 21, 59, 45, tzinfo=UTC), value="626167", unit_code="SEC", file_row=881
            ),
            quantity="622567",
            number=2,
        ),
    )
    lines = (
        a_tier_line(number=1, band="0 to 5000", quantity="5000", unit_price="1.10", amount="5500.00", segments=parts),
        a_tier_line(
            number=2, band="5000 to 12000", quantity="7000", unit_price="0.985", amount="6895.00", segments=parts
        ),
        a_tier_line(number=3, band="over 12000", quantity="560", unit_price="0.87", amount="487.20", segments=parts),
        a_line(
            number=4,
            term_id="per_hour",
            rule="per_unit",
            description="Running hours",
            metric="running_time",
            quantity="342.9353",
            unit_code="HUR",
            unit_price="14.50",
            amount="4972.56",
            segments=hours,
            steps=(
                "running_time: 2 segment(s) add up to 1234567 SEC (actual)",
                "1234567 SEC = 342.9353 HUR, rounded half-up at 4 decimals",
            ),
        ),
    )
    document = InvoiceDocument(
        invoice_number="WELLER-2026-00003",
        invoice_id="eaas-cnc-hamburg.weller-mc630-1001.2026-03",
        status="issued",
        issued_on=date(2026, 4, 5),
        due_date=date(2026, 5, 5),
        currency_code="EUR",
        time_zone="Europe/Berlin",
        contract_id="eaas-cnc-hamburg",
        contract_version=2,
        contract_name="Machining as a service, Hamburg",
        physical_asset_id="weller-mc630-1001",
        serial_number="MC630-1001",
        asset_model_name="Weller MC630 machining centre",
        period_start_at=start,
        period_end_at=end,
        period_first_day=date(2026, 3, 1),
        period_last_day=date(2026, 3, 31),
        seller=WELLER,
        buyer=MERIDIAN_DE,
        lines=lines,
        tax_category="S",
        tax_rate_percent=Decimal(19),
        tax_exemption_reason=None,
        line_extension_amount=Decimal("17854.76"),
        tax_exclusive_amount=Decimal("17854.76"),
        tax_amount=Decimal("3392.40"),
        tax_inclusive_amount=Decimal("21247.16"),
        payable_amount=Decimal("21247.16"),
        payment_terms_days=30,
        issued_at=datetime(2026, 4, 5, 4, tzinfo=UTC),
        previous_sha256=hashlib.sha256(b"WELLER-2026-00002").hexdigest(),
    )
    document = replace(document, **changes)  # type: ignore[arg-type]  # any field may be changed by its name
    if document.invoice_number is None or "invoice_sha256" in changes:
        return document
    return replace(document, invoice_sha256=invoice_sha256(document))


def a_draft_document() -> InvoiceDocument:
    """The same invoice before it has a number and a date."""
    return an_invoice_document(
        invoice_number=None,
        status="draft",
        issued_on=None,
        due_date=None,
        issued_at=None,
        previous_sha256=None,
        invoice_sha256=None,
    )


def a_compressor_invoice() -> InvoiceDocument:
    """A compressor in Hamburg: base fee, air with a rolled-over counter, and a credit for missed availability."""
    asset = ("weller-ax75-2001", "AX75-2001")
    air = (
        a_segment(
            opening=a_reading(
                at=datetime(2026, 2, 28, 22, 59, 10, tzinfo=UTC), value="4294120.5", unit_code="MTQ", file_row=77
            ),
            closing=a_reading(
                at=datetime(2026, 3, 31, 21, 59, 10, tzinfo=UTC), value="61730.204", unit_code="MTQ", file_row=91
            ),
            quantity="62577.000",
            kind="rollover",
            modulus="4294967.296",
        ),
    )
    lines = (
        a_line(
            number=1,
            term_id="base_fee",
            rule="flat_fee",
            description="Base fee, air compressor",
            asset=asset,
            quantity="1",
            unit_code="MON",
            unit_price="1850",
            amount="1850.00",
            steps=("the contract covers the whole month",),
        ),
        a_line(
            number=2,
            term_id="air",
            rule="per_unit",
            description="Compressed air",
            asset=asset,
            metric="air_volume",
            quantity="62577",
            unit_code="MTQ",
            unit_price="0.0194",
            amount="1213.99",
            segments=air,
            flag="estimated",
            steps=("air_volume: 1 segment(s) add up to 62577 MTQ (estimated)",),
        ),
        a_line(
            number=3,
            term_id="availability",
            rule="availability_guarantee",
            asset=asset,
            description="Credit: availability below the guaranteed 98 %",
            quantity="-1",
            unit_code="C62",
            unit_price="111.00",
            amount="-111.00",
            inputs={
                "availability": {
                    "scheduled_s": "2674800",
                    "supplier_down_s": "112320",
                    "operator_down_s": "7200",
                    "planned_down_s": "28800",
                },
                "base_amount": "1850",
            },
            steps=(
                "answerable time: 2674800 - 28800 planned - 7200 operator = 2638800 s",
                "availability: 1 - 112320 / 2638800 = 0.9574 (shown at 4 decimals), guaranteed 0.98",
                "whole points short: 2",
                "2 point(s) x 3 %, at most 20 %, is 6 % of 1850 EUR",
            ),
        ),
    )
    return an_invoice_document(
        invoice_number="WELLER-2026-00007",
        invoice_id="eaas-air-hamburg.weller-ax75-2001.2026-03",
        contract_id="eaas-air-hamburg",
        contract_version=1,
        contract_name="Compressed air as a service, Hamburg",
        physical_asset_id=asset[0],
        serial_number=asset[1],
        asset_model_name="Weller AX75 screw compressor",
        lines=lines,
        line_extension_amount=Decimal("2952.99"),
        tax_exclusive_amount=Decimal("2952.99"),
        tax_amount=Decimal("561.07"),
        tax_inclusive_amount=Decimal("3514.06"),
        payable_amount=Decimal("3514.06"),
    )


def an_export_invoice() -> InvoiceDocument:
    """A machining centre in Monterrey: US dollars, category G, a buyer whose tax number has no country prefix."""
    start, end = MARCH_IN_MONTERREY
    asset = ("weller-mc630-1005", "MC630-1005")
    parts = (
        a_segment(
            opening=a_reading(
                at=datetime(2026, 3, 1, 5, 58, tzinfo=UTC), value="90210", unit_code="H87", site="monterrey", file_row=5
            ),
            closing=a_reading(
                at=datetime(2026, 4, 1, 5, 57, 12, 250000, tzinfo=UTC),
                value="94334",
                unit_code="H87",
                site="monterrey",
                file_row=9,
            ),
            quantity="4124",
        ),
    )
    lines = (
        a_line(
            number=1,
            term_id="per_part",
            rule="graduated",
            description="Good parts, tier 1 (0 to 5000)",
            asset=asset,
            metric="good_count",
            quantity="4124",
            unit_code="H87",
            unit_price="1.245",
            amount="5134.38",
            segments=parts,
            inputs={"priced_quantity": "4124"},
            steps=("good_count: 1 segment(s) add up to 4124 H87 (actual)", "tier 1 (0 to 5000) holds 4124 of 4124"),
        ),
    )
    return an_invoice_document(
        invoice_number="WELLER-2026-00011",
        invoice_id="eaas-cnc-monterrey.weller-mc630-1005.2026-03",
        currency_code="USD",
        time_zone="America/Monterrey",
        contract_id="eaas-cnc-monterrey",
        contract_version=1,
        contract_name="Machining as a service, Monterrey",
        physical_asset_id=asset[0],
        serial_number=asset[1],
        period_start_at=start,
        period_end_at=end,
        buyer=MERIDIAN_MX,
        lines=lines,
        tax_category="G",
        tax_rate_percent=Decimal(0),
        tax_exemption_reason="Service supplied outside the European Union; not subject to German VAT",
        line_extension_amount=Decimal("5134.38"),
        tax_exclusive_amount=Decimal("5134.38"),
        tax_amount=Decimal("0.00"),
        tax_inclusive_amount=Decimal("5134.38"),
        payable_amount=Decimal("5134.38"),
    )


def a_credit_note(**changes: object) -> InvoiceDocument:
    """The compressor's invoice taken back, availability credit and all."""
    return _crediting(a_compressor_invoice(), invoice_number="WELLER-2026-00018", **changes)


def an_export_credit_note() -> InvoiceDocument:
    """The invoice in US dollars taken back."""
    return _crediting(an_export_invoice(), invoice_number="WELLER-2026-00019")


def _crediting(invoice: InvoiceDocument, **changes: object) -> InvoiceDocument:
    credited = replace(
        invoice,
        invoice_id=f"{invoice.invoice_id}.credit",
        document_type="credit_note",
        preceding_invoice_number=invoice.invoice_number,
        preceding_issued_on=invoice.issued_on,
        credit_reason="The counter was read in litres and billed in cubic metres; a corrected invoice follows",
        issued_on=date(2026, 5, 8),
        due_date=None,
        issued_at=datetime(2026, 5, 7, 22, 15, tzinfo=UTC),
        previous_sha256=hashlib.sha256(b"WELLER-2026-00017").hexdigest(),
    )
    credited = replace(credited, **changes)  # type: ignore[arg-type]  # any field may be changed by its name
    return replace(credited, invoice_sha256=invoice_sha256(credited))

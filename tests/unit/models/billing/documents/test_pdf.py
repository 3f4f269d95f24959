"""What a customer reads in the PDF."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from lxml import etree
from pypdf import PdfReader

from models.billing.document_model import InvoiceDocument
from models.billing.documents.en16931 import cii
from models.billing.documents.errors import DraftHasNoNumberError, TypesettingError
from models.billing.documents.evidence import evidence_csv
from models.billing.documents.figures import readable_amount
from models.billing.documents.pdf import invoice_pdf
from models.billing.documents.sealed_copy import sealed_copy
from tests.builders.invoices import (
    a_compressor_invoice,
    a_credit_note,
    a_draft_document,
    an_export_credit_note,
    an_export_invoice,
    an_invoice_document,
)

EVERY_INVOICE = pytest.mark.parametrize(
    "build", [an_invoice_document, a_compressor_invoice, an_export_invoice, a_credit_note, an_export_credit_note]
)


def reader_of(document: InvoiceDocument) -> PdfReader:
    xml = cii(document) if document.invoice_number else None
    return PdfReader(io.BytesIO(invoice_pdf(document, xml=xml)))


def text_of(document: InvoiceDocument) -> str:
    return "\n".join(page.extract_text() for page in reader_of(document).pages)


@EVERY_INVOICE
def test_pdf_xml_and_document_agree_to_the_cent(build: Callable[[], InvoiceDocument]) -> None:
    document = build()
    text = text_of(document)

    in_xml = {
        Decimal(str(element.text))
        for element in etree.fromstring(cii(document)).iter()
        if etree.QName(element).localname.endswith("Amount") and etree.QName(element).localname != "ChargeAmount"
    }
    in_document = {
        *(line.line_extension_amount for line in document.lines),
        document.line_extension_amount,
        document.tax_exclusive_amount,
        document.tax_amount,
        document.tax_inclusive_amount,
        document.payable_amount,
    }
    assert in_xml == in_document
    for amount in in_document:
        assert readable_amount(amount, currency_code=document.currency_code) in text


@EVERY_INVOICE
def test_the_same_document_is_the_same_bytes(build: Callable[[], InvoiceDocument]) -> None:
    xml = cii(build())

    assert invoice_pdf(build(), xml=xml) == invoice_pdf(build(), xml=xml)


@EVERY_INVOICE
def test_one_to_three_pages_numbered(build: Callable[[], InvoiceDocument]) -> None:
    pages = reader_of(build()).pages

    assert 1 <= len(pages) <= 3
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page.extract_text()


def test_the_page_names_parties_machine_contract_and_period() -> None:
    text = text_of(an_invoice_document())

    for expected in (
        "Invoice WELLER-2026-00003",
        "5 April 2026",
        "5 May 2026",
        "Meridian Components Hamburg GmbH",
        "20457 Hamburg",
        "Serial number MC630-1001",
        "eaas-cnc-hamburg, version 2",
        "1 March 2026 \N{EN DASH} 31 March 2026",
        "DE02 1203 0000 0000 2020 51",
        "Total without VAT",
        "VAT 19 %",
        "EUR 21,247.16",
    ):
        assert expected in text


def test_a_metered_line_shows_both_readings_on_the_contracts_clock() -> None:
    text = text_of(an_invoice_document())

    for expected in (
        "2026-02-28 23:59:30 +01:00",
        "184,250",
        "2026-03-31 23:59:30 +02:00",
        "196,810",
        "12,560",
        "Actual: both readings were received from the machine.",
        "old one until 48,824,700 s, new one from 0 s",
        "1,234,567",
        "rounded half-up at 4 decimals",
    ):
        assert expected in text


def test_price_steps_are_lines_with_their_bounds() -> None:
    text = text_of(an_invoice_document())

    for expected in ("tier 1 (0 to 5,000)", "tier 2 (5,000 to 12,000)", "tier 3 (over 12,000)", "0.985", "6,895.00"):
        assert expected in text


def test_a_credit_is_explained_and_an_estimate_named() -> None:
    text = text_of(a_compressor_invoice())

    for expected in (
        "\N{MINUS SIGN}111.00",
        "31 h 12 min",
        "Whole points short: 2.",
        "is 6 % of 1,850 EUR.",
        "Estimated: a reading was missing",
        "The counter rolled over at 4,294,967.296 m³",
    ):
        assert expected in text


def test_an_export_prints_its_currency_and_the_reason_for_no_vat() -> None:
    text = text_of(an_export_invoice())

    assert "USD 5,134.38" in text
    assert "VAT 0 % (category G)" in text
    assert "not subject to German" in text


def test_landed_files_rows_and_short_hashes_are_listed() -> None:
    document = an_invoice_document()
    text = text_of(document)

    for line in document.lines:
        for segment in line.segments:
            for reading in (segment.opening, segment.closing):
                assert reading.landed_file.rpartition("/")[2] in text
                assert reading.file_sha256[:12] in text
                assert str(reading.file_row) in text
    assert str(document.invoice_sha256) in text


def test_xml_and_evidence_are_attached_with_their_relationships() -> None:
    document = an_invoice_document()
    reader = reader_of(document)

    assert dict(reader.attachments) == {
        "factur-x.xml": [cii(document)],
        "evidence.csv": [evidence_csv(document)],
        "sealed-invoice.json": [sealed_copy(document)],
    }
    specifications = [reference.get_object() for reference in reader.trailer["/Root"]["/AF"]]
    assert {each["/F"]: each["/AFRelationship"] for each in specifications} == {
        "factur-x.xml": "/Alternative",
        "evidence.csv": "/Supplement",
        "sealed-invoice.json": "/Supplement",
    }


def test_the_pdfs_own_date_is_the_day_of_issue() -> None:
    metadata = reader_of(an_invoice_document()).metadata

    assert metadata is not None
    assert metadata.title == "Invoice WELLER-2026-00003"
    assert metadata.get("/CreationDate") == "D:20260405000000Z"


def test_a_draft_says_so_and_carries_no_number_and_no_e_invoice() -> None:
    draft = a_draft_document()
    text = text_of(draft)

    assert "DRAFT" in text
    assert "Draft invoice" in text
    assert "WELLER-2026" not in text
    assert list(reader_of(draft).attachments) == ["evidence.csv"]


def test_a_draft_takes_no_xml_and_an_issued_invoice_needs_it() -> None:
    with pytest.raises(DraftHasNoNumberError):
        invoice_pdf(a_draft_document(), xml=b"<a/>")
    with pytest.raises(TypesettingError, match="an issued invoice carries its XML"):
        invoice_pdf(an_invoice_document(), xml=None)


def test_status_changes_after_issue_leave_the_bytes_alone() -> None:
    issued, paid = an_invoice_document(), an_invoice_document(status="paid")

    assert cii(issued) == cii(paid)
    assert invoice_pdf(issued, xml=cii(issued)) == invoice_pdf(paid, xml=cii(paid))


def test_markup_in_a_name_is_printed_not_run() -> None:
    document = an_invoice_document()
    hostile = "#panic() *Bold* <b> $x$ [GmbH]"

    assert hostile in text_of(replace(document, buyer=replace(document.buyer, legal_name=hostile)))


def test_an_invoice_of_base_fees_alone_needs_no_evidence() -> None:
    fee = a_compressor_invoice().lines[0]
    fee_only = an_invoice_document(
        lines=(fee,),
        line_extension_amount=Decimal("1850.00"),
        tax_exclusive_amount=Decimal("1850.00"),
        tax_amount=Decimal("351.50"),
        tax_inclusive_amount=Decimal("2201.50"),
        payable_amount=Decimal("2201.50"),
        invoice_sha256=None,
    )

    assert list(reader_of(fee_only).attachments) == ["factur-x.xml"]
    assert "EUR 2,201.50" in text_of(fee_only)


def test_a_credit_note_says_what_it_takes_back_and_asks_for_no_payment() -> None:
    text = " ".join(text_of(a_credit_note()).split())

    for expected in (
        "Credit note WELLER-2026-00018",
        "Credit note date 8 May 2026",
        "Credits invoice WELLER-2026-00007",
        "This credit note takes back invoice WELLER-2026-00007 of 5 April 2026 in full.",
        "Reason: The counter was read in litres",
        "Credited EUR",
        "Credited without VAT",
        "Amount credited EUR 3,514.06",
        "Set off against invoice WELLER-2026-00007",
        "How to verify this credit note",
        "Seal of this credit note, which covers",
    ):
        assert expected in text
    for unexpected in ("Amount due", "Due date", "IBAN", "Payable within", "this invoice"):
        assert unexpected not in text


def test_markup_in_a_reason_is_printed_not_run() -> None:
    hostile = "#panic() *Bold* <b> $x$ [again]"

    assert hostile in text_of(a_credit_note(credit_reason=hostile))


def test_a_character_no_font_has_is_refused_not_printed_as_a_box() -> None:
    document = an_invoice_document(contract_name="\N{OLD PERSIAN SIGN A}")

    with pytest.raises(TypesettingError, match="could not be made"):
        invoice_pdf(document, xml=cii(document))


def test_what_is_not_known_is_not_printed() -> None:
    document = an_invoice_document(line_extension_amount=Decimal("17855.76"))
    seller, buyer = replace(document.seller, bic=None), replace(document.buyer, vat_identifier=None)
    text = text_of(replace(document, seller=seller, buyer=buyer))

    assert "BIC" not in text
    assert "Your tax number" not in text
    assert "Sum of lines" in text


def test_a_typesetters_warning_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    import typst

    monkeypatch.setattr(typst, "compile_with_warnings", lambda *_, **__: (b"", ["unknown font family"]))

    with pytest.raises(TypesettingError, match="unknown font family"):
        invoice_pdf(a_draft_document(), xml=None)

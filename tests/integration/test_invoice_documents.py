"""Issued documents under the rules other people wrote: EN 16931 Schematron, PDF readers, the stored files."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pypdf import PdfReader

from models.billing.document_model import DocumentLine, InvoiceDocument
from models.billing.documents.en16931 import cii
from models.billing.documents.sealed_copy import invoice_in_pdf
from models.billing.documents.store import write_documents
from models.billing.documents.validation import business_rule_findings, schema_findings
from models.billing.seal import canonical_json
from models.billing.totals import totals_of
from models.billing.usage import Availability
from models.billing.verification import verify_document
from tests.builders.contracts import a_contract
from tests.builders.invoices import (
    a_compressor_invoice,
    a_credit_note,
    an_export_credit_note,
    an_export_invoice,
    an_invoice_document,
)
from tests.builders.readings import a_rating, availability_in_hours

EVERY_INVOICE = pytest.mark.parametrize(
    "build", [an_invoice_document, a_compressor_invoice, an_export_invoice, a_credit_note, an_export_credit_note]
)
CENT = Decimal("0.01")


@EVERY_INVOICE
def test_en_16931_has_neither_error_nor_warning(build: Callable[[], InvoiceDocument]) -> None:
    xml = cii(build())

    assert schema_findings(xml) == ()
    assert business_rule_findings(xml) == []


def test_a_credit_note_that_names_no_invoice_is_caught() -> None:
    findings = business_rule_findings(cii(replace(a_credit_note(), preceding_invoice_number="")))

    assert "BR-55" in {finding.rule_id for finding in findings}


@pytest.mark.parametrize(
    ("field", "rule_id"),
    [
        ("line_extension_amount", "BR-CO-10"),
        ("tax_exclusive_amount", "BR-CO-13"),
        ("tax_amount", "BR-CO-15"),
        ("tax_inclusive_amount", "BR-CO-15"),
        ("payable_amount", "BR-CO-16"),
    ],
)
def test_a_total_off_by_a_cent_is_caught(field: str, rule_id: str) -> None:
    document = an_invoice_document()
    wrong = replace(document, **{field: getattr(document, field) + CENT})

    findings = business_rule_findings(cii(wrong))

    assert rule_id in {finding.rule_id for finding in findings}
    assert {finding.severity for finding in findings} == {"fatal"}


def test_a_negative_price_is_caught() -> None:
    document = a_compressor_invoice()
    *lines, credit = document.lines
    turned = replace(credit, quantity=-credit.quantity, unit_price=-credit.unit_price)

    findings = business_rule_findings(cii(replace(document, lines=(*lines, turned))))

    assert "BR-27" in {finding.rule_id for finding in findings}


def test_an_unknown_unit_code_is_caught() -> None:
    document = an_invoice_document()
    first, *others = document.lines

    findings = business_rule_findings(cii(replace(document, lines=(replace(first, unit_code="PIECES"), *others))))

    assert [finding.text for finding in findings] == ["Value of '@unitCode' is not allowed."]


def a_rated_document(availability: Availability) -> InvoiceDocument:
    """An invoice as rating makes it, without the store in between."""
    rating = a_rating(a_contract(), availability=availability)
    contract = rating.contract
    totals = totals_of(
        (line.amount for line in rating.lines),
        tax_rate_percent=contract.tax_rate_percent,
        currency_code=contract.currency_code,
    )
    return an_invoice_document(
        contract_id=contract.contract_id,
        contract_version=contract.contract_version,
        contract_name=contract.name,
        physical_asset_id=rating.physical_asset_id,
        issued_on=date(2026, 4, 1),
        due_date=date(2026, 5, 1),
        lines=tuple(
            DocumentLine(
                line_number=number,
                term_id=line.term_id,
                rule=line.rule,
                description=line.description,
                physical_asset_id=rating.physical_asset_id,
                serial_number="MC630-1001",
                quantity=line.quantity,
                unit_code=line.unit_code,
                unit_price=line.unit_price,
                line_extension_amount=line.amount.amount,
                metric=line.usage.metric if line.usage else None,
                quantity_flag=line.usage.quantity_flag if line.usage else None,
                explanation=json.loads(canonical_json(line.explanation.as_data())),
                segments=line.usage.segments if line.usage else (),
            )
            for number, line in enumerate(rating.lines, start=1)
        ),
        **{field.name: getattr(totals, field.name).amount for field in fields(totals)},
    )


@pytest.mark.parametrize("supplier_down_h", ["0", "30", "250"])
def test_a_rated_invoice_is_proven_from_its_pdf_alone(supplier_down_h: str, tmp_path: Path) -> None:
    """A guarantee kept (a line of zero), missed, and missed beyond the cap."""
    document = a_rated_document(availability_in_hours(supplier=supplier_down_h))

    files = write_documents(document, tmp_path)

    assert files.xml is not None
    assert business_rule_findings(files.xml.read_bytes()) == []
    assert verify_document(invoice_in_pdf(files.pdf.read_bytes())) == ()


@EVERY_INVOICE
def test_the_stored_pdf_embeds_exactly_the_stored_xml(build: Callable[[], InvoiceDocument], tmp_path: Path) -> None:
    files = write_documents(build(), tmp_path)

    assert files.xml is not None
    assert PdfReader(files.pdf).attachments["factur-x.xml"] == [files.xml.read_bytes()]


def test_facturx_reads_the_invoice_back_from_the_pdf(tmp_path: Path) -> None:
    """The reference library finds the e-invoice the way a customer's software does."""
    import facturx

    files = write_documents(an_invoice_document(), tmp_path)

    name, xml = facturx.get_facturx_xml_from_pdf(files.pdf.read_bytes(), check_xsd=True)

    assert name == "factur-x.xml"
    assert files.xml is not None
    assert xml == files.xml.read_bytes()


def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    """Not only the same process: hash seeds, locale, time zone and clock differ and change nothing."""
    files = write_documents(an_invoice_document(), tmp_path / "here")
    script = (
        "import sys; from pathlib import Path\n"
        "from models.billing.documents.store import write_documents\n"
        "from tests.builders.invoices import an_invoice_document\n"
        "write_documents(an_invoice_document(), Path(sys.argv[1]))\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "there")],
        check=True,
        cwd=Path(__file__).parents[2],
        env={"PYTHONHASHSEED": "7", "TZ": "Asia/Kolkata", "LC_ALL": "C.UTF-8", "HOME": str(tmp_path)},
    )

    for path in (files.pdf, files.xml):
        assert path is not None
        assert (tmp_path / "there" / path.name).read_bytes() == path.read_bytes()


def test_poppler_opens_the_pdf_and_finds_both_attachments(tmp_path: Path) -> None:
    """A second, independent PDF reader follows the incremental update."""
    if shutil.which("pdfdetach") is None:
        pytest.skip("poppler-utils are not installed")
    files = write_documents(an_invoice_document(), tmp_path)

    listed = subprocess.run(["pdfdetach", "-list", files.pdf], check=True, capture_output=True, text=True)
    metadata = subprocess.run(["pdfinfo", "-meta", files.pdf], check=True, capture_output=True, text=True)

    assert "factur-x.xml" in listed.stdout
    assert "evidence.csv" in listed.stdout
    assert "EN 16931</fx:ConformanceLevel>" in metadata.stdout
    assert len(PdfReader(files.pdf).pages) == 2

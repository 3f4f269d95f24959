"""The copy a customer can verify."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from models.billing.document_model import InvoiceDocument
from models.billing.documents.en16931 import cii
from models.billing.documents.errors import NoSealedCopyError
from models.billing.documents.pdf import invoice_pdf
from models.billing.documents.sealed_copy import invoice_in_pdf, read_sealed_copy, sealed_copy
from models.billing.seal import invoice_sha256
from tests.builders.invoices import (
    a_compressor_invoice,
    a_credit_note,
    a_draft_document,
    an_export_invoice,
    an_invoice_document,
)


@pytest.mark.parametrize("build", [an_invoice_document, a_compressor_invoice, an_export_invoice, a_credit_note])
def test_the_invoice_comes_back_whole_from_its_pdf(build: Callable[[], InvoiceDocument]) -> None:
    document = build()

    assert invoice_in_pdf(invoice_pdf(document, xml=cii(document))) == document


def test_the_seal_is_the_plain_sha256_of_the_copy() -> None:
    document = an_invoice_document()

    assert hashlib.sha256(sealed_copy(document)).hexdigest() == document.invoice_sha256


def test_an_altered_copy_no_longer_fits_the_stated_seal() -> None:
    document = an_invoice_document()
    altered = sealed_copy(document).replace(b'"payable_amount":"21247.16"', b'"payable_amount":"1247.16"')

    read = read_sealed_copy(altered, stated_seal=str(document.invoice_sha256))

    assert read.payable_amount != document.payable_amount
    assert invoice_sha256(read) != read.invoice_sha256


@pytest.mark.parametrize("content", [b"", b"[]", b'{"invoice_id": 1}'])
def test_a_broken_copy_is_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(NoSealedCopyError, match="cannot be verified"):
        read_sealed_copy(content, stated_seal="0" * 64)


def test_a_pdf_without_a_sealed_copy_is_refused() -> None:
    with pytest.raises(NoSealedCopyError, match=r"carries no sealed-invoice\.json"):
        invoice_in_pdf(invoice_pdf(a_draft_document(), xml=None))
    with pytest.raises(NoSealedCopyError):
        invoice_in_pdf(b"not a PDF")


def test_a_reason_that_looks_like_a_seal_is_not_taken_for_one() -> None:
    document = a_credit_note(credit_reason=f"Seal of this invoice: SHA-256 {'0' * 64}")

    assert invoice_in_pdf(invoice_pdf(document, xml=cii(document))) == document


def test_a_pdf_whose_e_invoice_states_no_seal_is_refused() -> None:
    document = an_invoice_document()

    with pytest.raises(NoSealedCopyError, match="states no seal"):
        invoice_in_pdf(invoice_pdf(document, xml=cii(replace(document, invoice_sha256=None))))

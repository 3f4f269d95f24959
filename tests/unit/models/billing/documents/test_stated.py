"""An e-invoice whose own fields were altered contradicts the sealed copy it carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from models.billing.document_model import InvoiceDocument
from models.billing.documents.en16931 import cii
from models.billing.documents.errors import NoSealedCopyError
from models.billing.documents.sealed_copy import invoice_in_xml
from models.billing.documents.stated import differences
from models.billing.proof.roots import line_leaves, plain_lines, reading_leaves, root
from models.billing.proof.signing import create_private_key, invoice_message, read_signer
from models.billing.seal import invoice_sha256
from tests.builders.invoices import a_compressor_invoice, a_credit_note, an_export_invoice, an_invoice_document

SIGNER = read_signer(create_private_key())


def sealed(document: InvoiceDocument) -> InvoiceDocument:
    """The document as it is issued today: with its roots, and signed."""
    lines = plain_lines(document.lines)
    roots = {"readings_root": root(reading_leaves(lines)), "lines_root": root(line_leaves(lines))}
    document = replace(document, signing_public_key=SIGNER.public_key, **roots)  # type: ignore[arg-type]
    seal = invoice_sha256(document)
    return replace(document, invoice_sha256=seal, signature=SIGNER.sign(invoice_message(seal)))


@pytest.mark.parametrize("build", [an_invoice_document, a_compressor_invoice, an_export_invoice, a_credit_note])
def test_an_untouched_e_invoice_says_what_is_sealed_and_carries_it(build: Callable[[], InvoiceDocument]) -> None:
    document = sealed(build())
    xml = cii(document)
    assert list(differences(xml, document)) == []
    assert invoice_in_xml(xml) == document


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (b"DE021203000000002020", b"DE031203000000002020", "the e-invoice's account is DE03120300000000202051"),
        (
            b">21247.16</ram:DuePayable",
            b">1247.16</ram:DuePayable",
            "the e-invoice's payable amount is 1247.16, sealed",
        ),
        (b">WELLER-2026-00003</ram:ID", b">WELLER-2026-00004</ram:ID", "the e-invoice's number is WELLER-2026-00004"),
        (b">6895.00<", b">6895.01<", "the e-invoice's line amounts are 5500.00, 6895.01, 487.20, 4972.56, sealed"),
        (b">3392.40<", b">3392.41<", "the e-invoice's tax amount is 3392.41, sealed is 3392.4"),
    ],
)
def test_an_altered_field_is_named(before: bytes, after: bytes, sentence: str) -> None:
    document = sealed(an_invoice_document())
    xml = cii(document)
    altered = xml.replace(before, after)
    assert altered != xml
    assert next(differences(altered, document)).startswith(sentence)


def test_an_e_invoice_issued_before_it_carried_a_copy_keeps_its_bytes_and_says_so() -> None:
    xml = cii(an_invoice_document())
    assert b"Signature of this seal" not in xml
    with pytest.raises(NoSealedCopyError, match=r"carries no evidence\.csv with a sealed copy"):
        invoice_in_xml(xml)


@pytest.mark.parametrize("xml", [b"", b"<a", b"<a filename='evidence.csv'>!</a>", b"<a/>"])
def test_what_carries_no_copy_is_refused_in_a_sentence(xml: bytes) -> None:
    with pytest.raises(NoSealedCopyError, match="cannot be verified"):
        invoice_in_xml(xml)

"""The customer's own copy of everything an invoice or credit note seals, and the way back from it.

Belongs here: `sealed-invoice.json`, attached to the PDF: the canonical content whose SHA-256 *is* the invoice's seal;
the same in the column `sealed_invoice` of the XML's `evidence.csv`, since EN 16931 takes no JSON (BR-CL-24); and
reading them again, so that models.billing.verification can prove an invoice from the PDF or the XML alone.
Does not belong here: what the seal covers (models.billing.seal), and judging it (models.billing.verification).
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re

from pydantic import TypeAdapter, ValidationError

from models.billing.document_model import InvoiceDocument
from models.billing.documents.errors import NoSealedCopyError
from models.billing.documents.wording import DOCUMENTS
from models.billing.seal import canonical_json, sealed_members

SEALED_FILE_NAME = "sealed-invoice.json"
EVIDENCE_FILE_NAME = "evidence.csv"
SEALED_COLUMN = "sealed_invoice"
MOST_CHARACTERS = 64 * 1024 * 1024
"""Of one cell; Python's reader takes 131,072 unless told otherwise."""
_STATED_SEAL = re.compile(rb"Seal of this (?:invoice|credit note): SHA-256 ([0-9a-f]{64})")
_STATED_SIGNATURE = re.compile(rb"Signature of this seal: Ed25519 ([0-9a-f]{128}) by the key [0-9a-f]{64}")
_DOCUMENT = TypeAdapter(InvoiceDocument)


def sealed_copy(document: InvoiceDocument) -> bytes:
    """The sealed content, byte for byte what the seal was computed over."""
    return canonical_json(sealed_members(document)).encode()


def seal_note(document: InvoiceDocument) -> str:
    """How the e-invoice states the seal (a note, BT-22)."""
    return f"Seal of this {DOCUMENTS[document.document_type].name}: SHA-256 {document.invoice_sha256}"


def signature_note(document: InvoiceDocument) -> str:
    """How the e-invoice states the signature (a note, BT-22)."""
    return f"Signature of this seal: Ed25519 {document.signature} by the key {document.signing_public_key}"


def read_sealed_copy(content: bytes, *, stated_seal: str, signature: str | None = None) -> InvoiceDocument:
    """The invoice in a sealed copy, under the seal stated elsewhere; whether they fit is for verification to say."""
    try:
        members = json.loads(content)
        return _DOCUMENT.validate_python(
            {**members, "status": "issued", "invoice_sha256": stated_seal, "signature": signature}
        )
    except (ValidationError, ValueError, TypeError) as unreadable:
        raise NoSealedCopyError(problem=f"{SEALED_FILE_NAME} cannot be read") from unreadable


def invoice_in_pdf(pdf: bytes) -> InvoiceDocument:
    """The invoice that a PDF of ours carries: its sealed copy, and the seal that its e-invoice states."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        attachments = PdfReader(io.BytesIO(pdf)).attachments
        content, xml = attachments[SEALED_FILE_NAME][0], attachments["factur-x.xml"][0]
    except (PyPdfError, KeyError, IndexError) as missing:
        raise NoSealedCopyError(problem=f"the PDF carries no {SEALED_FILE_NAME} beside a factur-x.xml") from missing
    return _under_stated_seal(content, xml=xml)


def e_invoice_in_pdf(pdf: bytes) -> bytes:
    """The XML that a PDF of ours carries, for one in which `invoice_in_pdf` found an invoice."""
    from pypdf import PdfReader

    return bytes(PdfReader(io.BytesIO(pdf)).attachments["factur-x.xml"][0])


def invoice_in_xml(xml: bytes) -> InvoiceDocument:
    """The invoice that an e-invoice of ours carries in its attachment."""
    from models.billing.documents.stated import parsed

    attached = [each for each in parsed(xml).iter() if each.get("filename") == EVIDENCE_FILE_NAME]
    try:
        (file,) = attached
        text = base64.b64decode(file.text or "", validate=True).decode()
        csv.field_size_limit(MOST_CHARACTERS)
        content = next(csv.DictReader(io.StringIO(text, newline=""), strict=True))[SEALED_COLUMN]
    except (ValueError, csv.Error, StopIteration, KeyError) as missing:
        problem = f"the XML carries no {EVIDENCE_FILE_NAME} with a sealed copy; its PDF or its evidence bundle does"
        raise NoSealedCopyError(problem=problem) from missing
    return _under_stated_seal((content or "").encode(), xml=xml)


def _under_stated_seal(content: bytes, *, xml: bytes) -> InvoiceDocument:
    stated, signed = _STATED_SEAL.search(xml), _STATED_SIGNATURE.search(xml)
    if stated is None:
        raise NoSealedCopyError(problem="its e-invoice states no seal")
    signature = signed[1].decode() if signed else None
    return read_sealed_copy(content, stated_seal=stated[1].decode(), signature=signature)

"""The customer's own copy of everything an invoice or credit note seals, and the way back from it.

Belongs here: `sealed-invoice.json`, attached to the PDF: the canonical content whose SHA-256 *is* the invoice's seal,
and reading it again, so that models.billing.verification can prove an invoice from the PDF alone.
Does not belong here: what the seal covers (models.billing.seal), and judging it (models.billing.verification).
"""

from __future__ import annotations

import io
import json
import re

from pydantic import TypeAdapter, ValidationError

from models.billing.document_model import InvoiceDocument
from models.billing.documents.errors import NoSealedCopyError
from models.billing.documents.wording import DOCUMENTS
from models.billing.seal import canonical_json, sealed_members

SEALED_FILE_NAME = "sealed-invoice.json"
_STATED_SEAL = re.compile(rb"Seal of this (?:invoice|credit note): SHA-256 ([0-9a-f]{64})")
_DOCUMENT = TypeAdapter(InvoiceDocument)


def sealed_copy(document: InvoiceDocument) -> bytes:
    """The sealed content, byte for byte what the seal was computed over."""
    return canonical_json(sealed_members(document)).encode()


def seal_note(document: InvoiceDocument) -> str:
    """How the e-invoice states the seal (a note, BT-22)."""
    return f"Seal of this {DOCUMENTS[document.document_type].name}: SHA-256 {document.invoice_sha256}"


def read_sealed_copy(content: bytes, *, stated_seal: str) -> InvoiceDocument:
    """The invoice in a sealed copy, under the seal stated elsewhere; whether they fit is for verification to say."""
    try:
        members = json.loads(content)
        return _DOCUMENT.validate_python({**members, "status": "issued", "invoice_sha256": stated_seal})
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
    stated = _STATED_SEAL.search(xml)
    if stated is None:
        raise NoSealedCopyError(problem="its e-invoice states no seal")
    return read_sealed_copy(content, stated_seal=stated[1].decode())

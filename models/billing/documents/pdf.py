"""The invoice (or credit note) as PDF/A-3b with its e-invoice inside (Factur-X): for the customer and their software.

Belongs here: typesetting invoice.typ with a document's content, attaching the XML and the evidence, and the Factur-X
metadata. Does not belong here: what the page says (presentation.py) and how it looks (invoice.typ).

Why typst attaches the files and not factur-x's `generate_from_binary`: that one stamps the time of day into the PDF and
rewrites it, so neither the bytes nor typst's PDF/A checks would hold. typst 0.15 cannot write the Factur-X properties
into the metadata, so they are appended as the PDF format's own incremental update.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, time
from pathlib import Path

from models.billing.document_model import InvoiceDocument
from models.billing.documents.errors import DraftHasNoNumberError, TypesettingError
from models.billing.documents.evidence import EVIDENCE_FILE_NAME, evidence_csv, has_evidence
from models.billing.documents.facturx_metadata import with_facturx_metadata
from models.billing.documents.presentation import page_content
from models.billing.documents.sealed_copy import SEALED_FILE_NAME, sealed_copy

TEMPLATE = Path(__file__).with_name("invoice.typ")


def invoice_pdf(document: InvoiceDocument, *, xml: bytes | None) -> bytes:
    """The PDF of an invoice with its XML inside, or of a draft without; the same input always gives the same bytes."""
    is_draft = document.invoice_number is None
    if is_draft and xml is not None:
        raise DraftHasNoNumberError(invoice_id=document.invoice_id)
    if not is_draft and xml is None:
        raise TypesettingError(
            invoice_id=document.invoice_id, problem="an issued invoice carries its XML, none was given"
        )
    pdf = _typeset(document, xml=xml)
    if xml is None:
        return pdf
    return with_facturx_metadata(pdf, invoice_id=document.invoice_id)


def _typeset(document: InvoiceDocument, *, xml: bytes | None) -> bytes:
    import typst

    attachments = {} if xml is None else {"xml": xml.decode()}
    if has_evidence(document):
        attachments["evidence"] = evidence_csv(document).decode()
    if document.invoice_sha256 is not None:
        attachments["sealed"] = sealed_copy(document).decode()
    try:
        pdf, warnings = typst.compile_with_warnings(
            TEMPLATE,
            format="pdf",
            ignore_system_fonts=True,  # typst's embedded fonts only: the same page on every machine
            pdf_standards=["a-3b"],
            timestamp=_timestamp(document),
            sys_inputs={
                "content": json.dumps(page_content(document, xml=xml), ensure_ascii=False),
                "evidence_name": EVIDENCE_FILE_NAME,
                "sealed_name": SEALED_FILE_NAME,
                **attachments,
            },
        )
    except typst.TypstError as refused:
        raise TypesettingError(invoice_id=document.invoice_id, problem=str(refused)) from refused
    if warnings:  # e.g. a character no embedded font has: the page would show a box
        raise TypesettingError(invoice_id=document.invoice_id, problem=str(warnings[0]))
    return bytes(pdf)


def _timestamp(document: InvoiceDocument) -> int:
    """The PDF's own date: the day of issue (a draft's: the end of its period), never the time of writing."""
    if document.issued_on is None:
        return int(document.period_end_at.timestamp())
    return int(datetime.combine(document.issued_on, time.min, tzinfo=UTC).timestamp())

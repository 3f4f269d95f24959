"""An invoice's documents as files: `<number>.xml` and `<number>.pdf`, whole or not there at all.

The XML beside the PDF has the form the buyer asks for; the one inside the PDF is Factur-X for every buyer, because
that is what makes the PDF readable by machines and verifiable from itself.

Belongs here: file names and durable writing. Does not belong here: the bytes (en16931.py, pdf.py).
"""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from models.billing.document_model import InvoiceDocument
from models.billing.documents.en16931 import cii
from models.billing.documents.errors import IssuedFileDiffersError
from models.billing.documents.pdf import invoice_pdf
from models.billing.documents.profile import e_invoice, profile_of

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True)
class InvoiceFiles:
    """Where the documents lie; a draft has no XML. `is_changed` says whether anything had to be written."""

    pdf: Path
    xml: Path | None
    is_changed: bool


def write_documents(document: InvoiceDocument, directory: Path) -> InvoiceFiles:
    """Write the documents that are not there yet; issued ones are never overwritten, a draft's PDF is."""
    directory.mkdir(parents=True, exist_ok=True)
    if document.invoice_number is None:
        pdf_path = directory / f"draft-{_file_name(document.invoice_id)}.pdf"
        is_changed = _write(pdf_path, invoice_pdf(document, xml=None), may_replace=True)
        return InvoiceFiles(pdf=pdf_path, xml=None, is_changed=is_changed)
    name = _file_name(document.invoice_number)
    xml_path, pdf_path = directory / f"{name}.xml", directory / f"{name}.pdf"
    xml, pdf = rendered(document)
    is_xml_written = _write(xml_path, xml, may_replace=False)
    is_pdf_written = _write(pdf_path, pdf, may_replace=False)
    return InvoiceFiles(pdf=pdf_path, xml=xml_path, is_changed=is_xml_written or is_pdf_written)


class RenderedDocuments(NamedTuple):
    """The bytes of an issued invoice's two files."""

    xml: bytes
    pdf: bytes


def rendered(document: InvoiceDocument) -> RenderedDocuments:
    """The two files of an issued invoice, unwritten; what raises here must not use up a number."""
    embedded = cii(document)
    xml = embedded if profile_of(document) == "factur_x" else e_invoice(document)
    return RenderedDocuments(xml=xml, pdf=invoice_pdf(document, xml=embedded))


def _file_name(identifier: str) -> str:
    """A number like 2026/17 is no file name, and none may lead out of the directory."""
    return _UNSAFE.sub("-", identifier).strip(".-")


def _write(path: Path, content: bytes, *, may_replace: bool) -> bool:
    """Beside, fsync, rename, fsync the folder; False if the same bytes were there already."""
    if path.exists():
        if path.read_bytes() == content:
            return False
        if not may_replace:
            raise IssuedFileDiffersError(path=path)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True

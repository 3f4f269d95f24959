"""Documents as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.billing.documents.en16931 import cii
from models.billing.documents.errors import IssuedFileDiffersError
from models.billing.documents.pdf import invoice_pdf
from models.billing.documents.store import InvoiceFiles, write_documents
from tests.builders.invoices import a_draft_document, an_invoice_document


def test_an_invoice_becomes_two_files_named_by_its_number(tmp_path: Path) -> None:
    document = an_invoice_document()

    files = write_documents(document, tmp_path / "invoices")

    pdf, xml = tmp_path / "invoices/WELLER-2026-00003.pdf", tmp_path / "invoices/WELLER-2026-00003.xml"
    assert files == InvoiceFiles(pdf=pdf, xml=xml, is_changed=True)
    assert xml.read_bytes() == cii(document)
    assert pdf.read_bytes() == invoice_pdf(document, xml=cii(document))
    assert sorted(path.name for path in pdf.parent.iterdir()) == [pdf.name, xml.name]


def test_writing_again_leaves_the_files_alone(tmp_path: Path) -> None:
    first = write_documents(an_invoice_document(), tmp_path)
    before = first.pdf.stat()

    again = write_documents(an_invoice_document(), tmp_path)

    assert not again.is_changed
    assert (first.pdf.stat().st_ino, first.pdf.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_missing_file_is_written_again(tmp_path: Path) -> None:
    first = write_documents(an_invoice_document(), tmp_path)
    first.pdf.unlink()

    assert write_documents(an_invoice_document(), tmp_path).is_changed
    assert first.pdf.exists()


def test_an_issued_file_that_says_something_else_is_never_overwritten(tmp_path: Path) -> None:
    files = write_documents(an_invoice_document(), tmp_path)
    files.pdf.write_bytes(b"altered")

    with pytest.raises(IssuedFileDiffersError, match="move it away"):
        write_documents(an_invoice_document(), tmp_path)

    assert files.pdf.read_bytes() == b"altered"


def test_a_draft_is_one_pdf_that_may_be_replaced(tmp_path: Path) -> None:
    first = write_documents(a_draft_document(), tmp_path)
    first.pdf.write_bytes(b"an older draft")

    again = write_documents(a_draft_document(), tmp_path)

    assert again == InvoiceFiles(
        pdf=tmp_path / "draft-eaas-cnc-hamburg.weller-mc630-1001.2026-03.pdf", xml=None, is_changed=True
    )
    assert again.pdf.read_bytes().startswith(b"%PDF-1.7")


@pytest.mark.parametrize(("number", "name"), [("2026/17", "2026-17.pdf"), ("../../etc/x", "etc-x.pdf")])
def test_a_number_never_leaves_the_directory(number: str, name: str, tmp_path: Path) -> None:
    files = write_documents(an_invoice_document(invoice_number=number), tmp_path)

    assert files.pdf == tmp_path / name

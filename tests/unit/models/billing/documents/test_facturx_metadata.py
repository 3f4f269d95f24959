"""The Factur-X properties, appended to a PDF."""

from __future__ import annotations

import io

import pytest
from lxml import etree
from pypdf import PdfReader

from models.billing.documents.en16931 import cii
from models.billing.documents.errors import TypesettingError
from models.billing.documents.facturx_metadata import NAMESPACE, with_facturx_metadata
from models.billing.documents.pdf import invoice_pdf
from tests.builders.invoices import an_invoice_document


def metadata_of(pdf: bytes) -> etree._Element:
    return etree.fromstring(PdfReader(io.BytesIO(pdf)).trailer["/Root"]["/Metadata"].get_data())


def test_the_properties_stand_beside_the_pdf_a_identification() -> None:
    document = an_invoice_document()
    metadata = metadata_of(invoice_pdf(document, xml=cii(document)))

    properties = {element.tag: element.text for element in metadata.iter() if NAMESPACE in str(element.tag)}
    assert properties == {
        f"{{{NAMESPACE}}}DocumentType": "INVOICE",
        f"{{{NAMESPACE}}}DocumentFileName": "factur-x.xml",
        f"{{{NAMESPACE}}}Version": "1.0",
        f"{{{NAMESPACE}}}ConformanceLevel": "EN 16931",
    }
    part = metadata.find(".//{http://www.aiim.org/pdfa/ns/id/}part")
    assert part is not None
    assert part.text == "3"


def test_every_property_is_declared_in_the_one_extension_schema() -> None:
    document = an_invoice_document()
    metadata = metadata_of(invoice_pdf(document, xml=cii(document)))

    schema = "{http://www.aiim.org/pdfa/ns/schema#}"
    declared = {
        name.text
        for block in metadata.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li")
        if block.findtext(f"{schema}namespaceURI") == NAMESPACE
        for name in block.iter("{http://www.aiim.org/pdfa/ns/property#}name")
    }
    assert declared == {"DocumentType", "DocumentFileName", "Version", "ConformanceLevel"}
    assert len(list(metadata.iter("{http://www.aiim.org/pdfa/ns/extension/}schemas"))) == 1


END = b"trailer\n<</Size 1>>\nstartxref\n9\n%%EOF\n"


@pytest.mark.parametrize(
    "pdf",
    [
        b"%PDF-1.7\n",
        b"%PDF-1.7\n" + END,
        b"%PDF-1.7\n<</Metadata 4 0 R>>\n" + END,
        b"<</Metadata 4 0 R>>\n4 0 obj\n<</Type /Metadata>>\nstream\n<x/>\nendstream\n" + END,
    ],
)
def test_a_pdf_built_otherwise_is_refused(pdf: bytes) -> None:
    with pytest.raises(TypesettingError, match="could not be made"):
        with_facturx_metadata(pdf, invoice_id="i-1")

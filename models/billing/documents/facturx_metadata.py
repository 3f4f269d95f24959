"""Factur-X properties in a PDF's metadata: the sign by which software finds the e-invoice inside.

Belongs here: the four `fx:` properties, the PDF/A extension schema that declares them, and the incremental update (ISO
32000-1, 7.5.6) that replaces the metadata stream: new object, new cross-reference section, trailer pointing back.
Does not belong here: anything seen on the page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from models.billing.documents.errors import TypesettingError

XML_FILE_NAME = "factur-x.xml"
CONFORMANCE_LEVEL = "EN 16931"
NAMESPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"

_PROPERTIES = {  # name -> (value, description)
    "DocumentType": ("INVOICE", "The type of the hybrid document"),
    "DocumentFileName": (XML_FILE_NAME, "The name of the embedded XML document"),
    "Version": ("1.0", "The version of the standard of the embedded XML document"),
    "ConformanceLevel": (CONFORMANCE_LEVEL, "The conformance level of the embedded XML document"),
}
_END_OF_SCHEMAS = b"</rdf:Bag></pdfaExtension:schemas>"
_END_OF_PROPERTIES = b"</rdf:Description></rdf:RDF>"

_METADATA_REFERENCE = re.compile(rb"/Metadata (\d+) 0 R")
_TRAILER = re.compile(rb"trailer\s*<<(?P<entries>.*?)>>\s*startxref\s+(?P<offset>\d+)\s+%%EOF\s*\Z", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class _MetadataStream:
    object_number: int
    packet: bytes


def with_facturx_metadata(pdf: bytes, *, invoice_id: str) -> bytes:
    """The PDF with the Factur-X properties added to its metadata."""
    trailer = _TRAILER.search(pdf)
    if trailer is None:
        raise TypesettingError(invoice_id=invoice_id, problem="it ends without a plain trailer")
    stream = _metadata_stream(pdf, invoice_id=invoice_id)
    packet = stream.packet
    for mark, addition in ((_END_OF_SCHEMAS, _schema()), (_END_OF_PROPERTIES, _values())):
        if packet.count(mark) != 1:
            raise TypesettingError(invoice_id=invoice_id, problem=f"its metadata lack {mark.decode()}")
        packet = packet.replace(mark, addition + mark)
    return pdf + _update(
        pdf, trailer=trailer, stream=_MetadataStream(object_number=stream.object_number, packet=packet)
    )


def _metadata_stream(pdf: bytes, *, invoice_id: str) -> _MetadataStream:
    # The catalogue's reference is the last: pages and images may carry metadata of their own before it.
    references = _METADATA_REFERENCE.findall(pdf)
    if not references:
        raise TypesettingError(invoice_id=invoice_id, problem="it has no metadata")
    number = int(references[-1])
    written = re.search(
        rb"(?<!\d)%d 0 obj\s*<<[^>]*/Type\s*/Metadata.*?stream\r?\n(.*?)\r?\nendstream" % number, pdf, re.DOTALL
    )
    if written is None:
        raise TypesettingError(invoice_id=invoice_id, problem="its metadata are not plain text")
    return _MetadataStream(object_number=number, packet=written[1])


def _update(pdf: bytes, *, trailer: re.Match[bytes], stream: _MetadataStream) -> bytes:
    head = b"%d 0 obj\n<</Type /Metadata/Subtype /XML/Length %d>>\nstream\n" % (
        stream.object_number,
        len(stream.packet),
    )
    body = b"\n" + head + stream.packet + b"\nendstream\nendobj\n"
    object_at = len(pdf) + 1
    table_at = len(pdf) + len(body)
    table = b"xref\n%d 1\n%010d 00000 n\r\n" % (stream.object_number, object_at)
    entries = trailer["entries"] + b"/Prev " + trailer["offset"]
    return body + table + b"trailer\n<<" + entries + b">>\nstartxref\n%d\n%%%%EOF\n" % table_at


def _schema() -> bytes:
    declared = "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:name>{name}</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{description}</pdfaProperty:description></rdf:li>"
        for name, (_, description) in _PROPERTIES.items()
    )
    return (
        '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>'
        f"<pdfaSchema:namespaceURI>{NAMESPACE}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{declared}</rdf:Seq></pdfaSchema:property></rdf:li>"
    ).encode()


def _values() -> bytes:
    values = "".join(
        f'<fx:{name} xmlns:fx="{NAMESPACE}">{value}</fx:{name}>' for name, (value, _) in _PROPERTIES.items()
    )
    return values.encode()

"""The XSD check."""

from __future__ import annotations

from pathlib import Path

from models.billing.documents.en16931 import cii
from models.billing.documents.validation import schema_findings
from tests.builders.invoices import an_invoice_document


def test_a_missing_element_is_named() -> None:
    xml = cii(an_invoice_document()).replace(b"<ram:TypeCode>380</ram:TypeCode>", b"")

    (finding,) = schema_findings(xml)

    assert "IssueDateTime" in finding
    assert "TypeCode" in finding


def test_text_that_is_no_xml_is_a_finding_not_a_crash() -> None:
    (finding,) = schema_findings(b"<invoice>")

    assert finding.startswith("not well-formed")


def test_no_file_is_read_through_an_entity(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("<secret/>")

    findings = schema_findings(b'<!DOCTYPE a [<!ENTITY e SYSTEM "%s">]><a>&e;</a>' % secret.as_uri().encode())

    assert findings
    assert "secret" not in " ".join(findings)

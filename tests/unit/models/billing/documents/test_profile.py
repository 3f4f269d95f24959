"""Which form a buyer's e-invoice takes, and what is said when a party does not say enough."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from models.billing.document_model import DocumentProfile, InvoiceDocument
from models.billing.documents.arithmetic import amount_findings
from models.billing.documents.en16931 import cii
from models.billing.documents.errors import MissingBusinessTermError
from models.billing.documents.profile import e_invoice
from models.billing.documents.validation import schema_findings
from models.billing.seal import canonical_json, invoice_sha256
from tests.builders.einvoice_rules import PROFILES, for_any_profile
from tests.builders.invoices import a_compressor_invoice, a_credit_note, an_invoice_document


def asking_for(profile: DocumentProfile, document: InvoiceDocument) -> InvoiceDocument:
    return replace(document, buyer=replace(document.buyer, document_profile=profile))


def texts(xml: bytes, path: str) -> list[str | None]:
    return [node.text for node in etree.fromstring(xml).iterfind(path)]


def test_a_buyer_that_names_no_profile_gets_factur_x_as_before() -> None:
    assert e_invoice(an_invoice_document()) == cii(an_invoice_document())


@pytest.mark.parametrize(
    ("profile", "root", "guideline"),
    [
        ("xrechnung_ubl", "Invoice", "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"),
        (
            "peppol_bis_3",
            "Invoice",
            "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
        ),
        (
            "xrechnung_cii",
            "CrossIndustryInvoice",
            "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0",
        ),
    ],
)
def test_the_buyers_profile_chooses_syntax_and_rules(profile: DocumentProfile, root: str, guideline: str) -> None:
    xml = e_invoice(asking_for(profile, for_any_profile(an_invoice_document())))

    tree = etree.fromstring(xml)
    assert etree.QName(tree).localname == root
    assert guideline in {node.text for node in tree.iter(etree.Element)}


def test_what_a_profile_needs_and_no_party_says_is_named() -> None:
    with pytest.raises(MissingBusinessTermError, match=r"meridian_de\.buyer_reference, weller\.contact_name") as raised:
        e_invoice(asking_for("xrechnung_ubl", an_invoice_document()))

    assert raised.value.missing == ("meridian_de.buyer_reference", "weller.contact_name", "weller.contact_phone")


@pytest.mark.parametrize("profile", PROFILES)
def test_the_xsd_accepts_it_its_amounts_add_up_and_its_bytes_repeat(profile: DocumentProfile) -> None:
    for document in (for_any_profile(a_compressor_invoice()), for_any_profile(a_credit_note())):
        xml = e_invoice(document, profile=profile)

        assert schema_findings(xml) == ()
        assert amount_findings(xml) == ()
        assert e_invoice(document, profile=profile) == xml


def test_a_ubl_line_has_its_unit_period_machine_and_meter() -> None:
    xml = e_invoice(for_any_profile(an_invoice_document()), profile="peppol_bis_3")

    assert texts(xml, "{*}InvoiceLine/{*}InvoicedQuantity") == ["5000", "7000", "560", "342.9353"]
    units = [node.get("unitCode") for node in etree.fromstring(xml).iterfind("{*}InvoiceLine/{*}InvoicedQuantity")]
    assert units == ["H87", "H87", "H87", "HUR"]
    assert texts(xml, "{*}InvoiceLine/{*}InvoicePeriod/{*}StartDate") == ["2026-03-01"] * 4
    (reference, *_) = etree.fromstring(xml).iterfind("{*}InvoiceLine/{*}DocumentReference")
    assert [(node.text, node.get("schemeID")) for node in reference] == [("MC630-1001", "ABZ"), ("130", None)]
    properties = "{*}InvoiceLine/{*}Item/{*}AdditionalItemProperty"
    named = list(zip(texts(xml, f"{properties}/{{*}}Name"), texts(xml, f"{properties}/{{*}}Value"), strict=True))
    assert ("Meter start", "48216300 SEC") in named
    assert ("Meter end", "626167 SEC") in named
    assert ("Quantity quality", "actual") in named


def test_a_ubl_credit_is_a_negative_quantity_and_a_credit_note_names_its_invoice() -> None:
    xml = e_invoice(for_any_profile(a_credit_note()), profile="xrechnung_ubl")

    assert texts(xml, "{*}CreditNoteLine/{*}CreditedQuantity") == ["1", "62577", "-1"]
    assert texts(xml, "{*}CreditNoteLine/{*}Price/{*}PriceAmount") == ["1850", "0.0194", "111"]
    assert texts(xml, "{*}BillingReference/{*}InvoiceDocumentReference/{*}ID") == ["WELLER-2026-00007"]
    assert texts(xml, "{*}DueDate") == []


def test_fields_that_came_later_leave_the_seal_of_earlier_invoices_alone() -> None:
    document = an_invoice_document()

    assert "buyer_reference" not in canonical_json(document)
    assert invoice_sha256(document) != invoice_sha256(for_any_profile(document))


def test_a_wrong_line_is_named() -> None:
    xml = e_invoice(an_invoice_document()).replace(b">4972.56<", b">4972.57<")

    assert amount_findings(xml)[0] == "line 4: quantity x price is 4972.56, stated is 4972.57"

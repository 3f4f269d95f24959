"""Which EN 16931 term each value of an invoice becomes."""

from __future__ import annotations

import base64
from dataclasses import replace
from decimal import Decimal

import pytest
from lxml import etree

from models.billing.documents.en16931 import cii
from models.billing.documents.errors import DraftHasNoNumberError, InexactAmountError
from models.billing.documents.evidence import evidence_csv
from models.billing.documents.validation import schema_findings
from tests.builders.invoices import (
    a_compressor_invoice,
    a_credit_note,
    a_draft_document,
    an_export_credit_note,
    an_export_invoice,
    an_invoice_document,
)

NAMESPACES = {
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
LINE = "//ram:IncludedSupplyChainTradeLineItem"
SETTLEMENT = "//ram:ApplicableHeaderTradeSettlement"
SUMMATION = f"{SETTLEMENT}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"


def texts(xml: bytes, path: str) -> list[str]:
    found = etree.fromstring(xml).xpath(path, namespaces=NAMESPACES)
    assert isinstance(found, list)
    return [str(each) if isinstance(each, str) else each.text for each in found]


@pytest.mark.parametrize(
    "build", [an_invoice_document, a_compressor_invoice, an_export_invoice, a_credit_note, an_export_credit_note]
)
def test_the_xsd_accepts_every_kind_of_invoice_and_bytes_repeat(build) -> None:
    assert schema_findings(cii(build())) == ()
    assert cii(build()) == cii(build())


def test_the_head_says_who_when_and_under_which_contract() -> None:
    xml = cii(an_invoice_document())

    assert texts(xml, "//ram:GuidelineSpecifiedDocumentContextParameter/ram:ID") == ["urn:cen.eu:en16931:2017"]
    assert texts(xml, "//rsm:ExchangedDocument/ram:ID") == ["WELLER-2026-00003"]
    assert texts(xml, "//rsm:ExchangedDocument/ram:IssueDateTime/udt:DateTimeString") == ["20260405"]
    assert texts(xml, "//ram:SellerTradeParty/ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']") == ["DE811907980"]
    assert texts(xml, "//ram:BuyerTradeParty/ram:Name") == ["Meridian Components Hamburg GmbH"]
    assert texts(xml, "//ram:ContractReferencedDocument/ram:IssuerAssignedID") == ["eaas-cnc-hamburg"]
    assert texts(xml, "//ram:PayeePartyCreditorFinancialAccount/ram:IBANID") == ["DE02120300000000202051"]
    assert texts(xml, "//ram:DueDateDateTime/udt:DateTimeString") == ["20260505"]


def test_totals_are_the_documents_to_the_cent() -> None:
    document = an_invoice_document()
    xml = cii(document)

    totals = {
        "LineTotalAmount": document.line_extension_amount,
        "TaxBasisTotalAmount": document.tax_exclusive_amount,
        "TaxTotalAmount": document.tax_amount,
        "GrandTotalAmount": document.tax_inclusive_amount,
        "DuePayableAmount": document.payable_amount,
    }
    assert {name: [Decimal(text) for text in texts(xml, f"{SUMMATION}/ram:{name}")] for name in totals} == {
        name: [amount] for name, amount in totals.items()
    }
    assert texts(xml, f"{SUMMATION}/ram:TaxTotalAmount/@currencyID") == ["EUR"]


def test_lines_carry_quantity_unit_price_and_amount_exactly() -> None:
    xml = cii(an_invoice_document())

    assert texts(xml, f"{LINE}//ram:BilledQuantity") == ["5000", "7000", "560", "342.9353"]
    assert texts(xml, f"{LINE}//ram:BilledQuantity/@unitCode") == ["H87", "H87", "H87", "HUR"]
    assert texts(xml, f"{LINE}//ram:NetPriceProductTradePrice/ram:ChargeAmount") == ["1.1", "0.985", "0.87", "14.5"]
    assert texts(xml, f"{LINE}//ram:LineTotalAmount") == ["5500.00", "6895.00", "487.20", "4972.56"]


def test_each_line_has_the_service_period_and_the_machines_serial_number() -> None:
    xml = cii(an_invoice_document())

    period = f"{LINE}//ram:BillingSpecifiedPeriod"
    assert texts(xml, f"{period}/ram:StartDateTime/udt:DateTimeString") == ["20260301"] * 4
    assert texts(xml, f"{period}/ram:EndDateTime/udt:DateTimeString") == ["20260331"] * 4
    serial = "ram:SpecifiedLineTradeSettlement/ram:AdditionalReferencedDocument[ram:TypeCode='130']"
    assert texts(xml, f"{LINE}/{serial}/ram:IssuerAssignedID") == ["MC630-1001"] * 4


def test_a_metered_line_names_its_opening_and_closing_reading() -> None:
    xml = cii(an_invoice_document())

    names = texts(xml, f"{LINE}[4]//ram:ApplicableProductCharacteristic/ram:Description")
    values = texts(xml, f"{LINE}[4]//ram:ApplicableProductCharacteristic/ram:Value")
    assert dict(zip(names, values, strict=True)) == {
        "Machine model": "Weller MC630 machining centre",
        "Machine serial number": "MC630-1001",
        "Physical asset": "weller-mc630-1001",
        "Pricing rule": "per_unit",
        "Meter": "running_time",
        "Meter start": "48216300 SEC",
        "Meter start time": "2026-02-28T23:59:45+01:00",
        "Meter end": "626167 SEC",
        "Meter end time": "2026-03-31T23:59:45+02:00",
        "Meter segment 1": "replacement: 48216300 to 3600 SEC, quantity 612000",
        "Meter segment 2": "increase: 3600 to 626167 SEC, quantity 622567",
        "Quantity quality": "actual",
    }


def test_a_credit_is_a_negative_quantity_at_a_positive_price_with_its_reason() -> None:
    xml = cii(a_compressor_invoice())

    credit = f"{LINE}[3]"
    assert texts(xml, f"{credit}//ram:BilledQuantity") == ["-1"]
    assert texts(xml, f"{credit}//ram:NetPriceProductTradePrice/ram:ChargeAmount") == ["111"]
    assert texts(xml, f"{credit}//ram:LineTotalAmount") == ["-111.00"]
    (note,) = texts(xml, f"{credit}//ram:IncludedNote/ram:Content")
    assert "whole points short: 2" in note


def test_the_evidence_travels_inside() -> None:
    document = an_invoice_document()
    xml = cii(document)

    (attached,) = texts(xml, "//ram:AttachmentBinaryObject")
    assert base64.b64decode(attached) == evidence_csv(document)
    assert texts(xml, "//ram:AttachmentBinaryObject/@mimeCode") == ["text/csv"]


def test_an_export_says_why_no_vat_is_charged() -> None:
    xml = cii(an_export_invoice())

    tax = f"{SETTLEMENT}/ram:ApplicableTradeTax"
    assert texts(xml, f"{tax}/ram:CategoryCode") == ["G"]
    assert texts(xml, f"{tax}/ram:RateApplicablePercent") == ["0"]
    assert texts(xml, f"{tax}/ram:ExemptionReasonCode") == ["VATEX-EU-G"]
    assert texts(xml, f"{tax}/ram:ExemptionReason") == [an_export_invoice().tax_exemption_reason]
    assert texts(xml, f"{SETTLEMENT}/ram:SpecifiedTradeSettlementPaymentMeans/ram:TypeCode") == ["30"]


def test_a_tax_number_without_country_prefix_is_no_vat_identifier() -> None:
    xml = cii(an_export_invoice())

    assert texts(xml, "//ram:BuyerTradeParty/ram:SpecifiedTaxRegistration") == []
    assert texts(xml, "//ram:BuyerTradeParty/ram:SpecifiedLegalOrganization/ram:ID") == ["MCM040512AB3"]


def test_outside_the_scope_of_vat_there_is_no_rate() -> None:
    document = replace(an_export_invoice(), tax_category="O", tax_exemption_reason="Not subject to VAT")

    assert texts(cii(document), "//ram:RateApplicablePercent") == []


def test_without_bank_account_there_are_terms_but_no_payment_means() -> None:
    document = an_invoice_document()
    xml = cii(replace(document, seller=replace(document.seller, iban=None)))

    assert texts(xml, "//ram:SpecifiedTradeSettlementPaymentMeans") == []
    assert texts(xml, "//ram:SpecifiedTradePaymentTerms/ram:Description") == [
        "Payable within 30 days, by 5 May 2026, without deduction."
    ]


def test_the_seal_is_noted() -> None:
    document = an_invoice_document()

    assert f"Seal of this invoice: SHA-256 {document.invoice_sha256}" in texts(
        cii(document), "//rsm:ExchangedDocument/ram:IncludedNote/ram:Content"
    )


def test_a_draft_has_no_e_invoice() -> None:
    with pytest.raises(DraftHasNoNumberError, match="issue it before its e-invoice"):
        cii(a_draft_document())


def test_an_amount_is_never_rounded_on_the_way() -> None:
    with pytest.raises(InexactAmountError):
        cii(an_invoice_document(payable_amount=Decimal("21247.165")))


def test_a_credit_note_is_381_and_names_the_invoice_its_date_and_the_reason() -> None:
    credit_note = a_credit_note()
    xml = cii(credit_note)

    reference = f"{SETTLEMENT}/ram:InvoiceReferencedDocument"
    assert texts(xml, "//rsm:ExchangedDocument/ram:TypeCode") == ["381"]
    assert texts(xml, f"{reference}/ram:IssuerAssignedID") == ["WELLER-2026-00007"]
    assert texts(xml, f"{reference}/ram:FormattedIssueDateTime/*") == ["20260405"]
    assert texts(xml, "//rsm:ExchangedDocument/ram:IncludedNote/ram:Content")[1:] == [
        f"Seal of this credit note: SHA-256 {credit_note.invoice_sha256}",
        (
            "This credit note takes back invoice WELLER-2026-00007 of 5 April 2026 in full. Reason: The counter was "
            "read in litres and billed in cubic metres; a corrected invoice follows"
        ),
    ]


def test_a_credit_note_has_the_invoices_figures_and_period() -> None:
    credit_note, invoice = cii(a_credit_note()), cii(a_compressor_invoice())

    for path in (
        f"{LINE}//ram:BilledQuantity",
        f"{LINE}//ram:NetPriceProductTradePrice/ram:ChargeAmount",
        f"{SUMMATION}/*",
        f"{SETTLEMENT}/ram:ApplicableTradeTax/*",
        f"{SETTLEMENT}/ram:BillingSpecifiedPeriod//udt:DateTimeString",
    ):
        assert texts(credit_note, path) == texts(invoice, path) != []


def test_a_credit_note_asks_for_no_payment() -> None:
    xml = cii(a_credit_note())

    assert texts(xml, "//ram:SpecifiedTradeSettlementPaymentMeans") == []
    assert texts(xml, "//ram:DueDateDateTime/udt:DateTimeString") == []
    assert texts(xml, "//ram:SpecifiedTradePaymentTerms/ram:Description") == [
        "Set off against invoice WELLER-2026-00007; what has been paid under it is refunded."
    ]


def test_an_invoice_is_380_and_refers_to_none() -> None:
    xml = cii(an_invoice_document())

    assert texts(xml, "//rsm:ExchangedDocument/ram:TypeCode") == ["380"]
    assert texts(xml, f"{SETTLEMENT}/ram:InvoiceReferencedDocument") == []


def test_what_is_not_known_is_left_out() -> None:
    document = an_invoice_document(tax_category="E", tax_exemption_reason="Exempt")
    bare = replace(document.lines[0], explanation={})
    seller = replace(document.seller, bic=None)
    buyer = replace(document.buyer, vat_identifier=None)
    xml = cii(replace(document, seller=seller, buyer=buyer, lines=(bare,)))

    assert texts(xml, "//ram:PayeeSpecifiedCreditorFinancialInstitution") == []
    assert texts(xml, "//ram:BuyerTradeParty/ram:SpecifiedTaxRegistration") == []
    assert texts(xml, f"{LINE}//ram:IncludedNote") == []
    assert texts(xml, f"{SETTLEMENT}/ram:ApplicableTradeTax/ram:ExemptionReason") == ["Exempt"]
    assert texts(xml, f"{SETTLEMENT}/ram:ApplicableTradeTax/ram:ExemptionReasonCode") == []

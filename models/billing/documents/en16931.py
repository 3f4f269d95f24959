"""The invoice as EN 16931 XML in the CII syntax (Factur-X profile EN 16931, also known as COMFORT; XRechnung).

Belongs here: which element of CII each business term (BT-n, BG-n) of an `InvoiceDocument` becomes.
Does not belong here: amounts (they arrive rounded), what both syntaxes say alike (business_terms.py), validation
(validation.py), the PDF around the XML (pdf.py).

Written with lxml alone: a document library's objects cost ten times the tree they make.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import date

from lxml import etree

from models.billing.document_model import DocumentLine, InvoiceDocument, TradeParty
from models.billing.documents.business_terms import (
    CLEARING,
    CREDIT_TRANSFER,
    EXEMPTION_CODES,
    INVOICED_OBJECT,
    SEPA_CREDIT_TRANSFER,
    electronic_address,
    has_vat_prefix,
    item_attributes,
    notes,
    type_code,
)
from models.billing.documents.errors import DraftHasNoNumberError
from models.billing.documents.evidence import EVIDENCE_FILE_NAME, evidence_csv, has_evidence
from models.billing.documents.explanation import steps
from models.billing.documents.figures import amount_text
from models.billing.documents.wording import payment_sentence
from models.billing.documents.xml_tree import Element, add, tree_bytes
from models.exact import plain_text

PROFILE = "urn:cen.eu:en16931:2017"
XRECHNUNG = f"{PROFILE}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
BILLING_PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
SUPPORTING_DOCUMENT = "916"  # UNTDID 1001, as CII tells BG-24 from BT-128
SERIAL_NUMBER = "SE"  # UNTDID 1153
NAMESPACES = {
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
    "xs": "http://www.w3.org/2001/XMLSchema",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
RAM, RSM, UDT, QDT = (f"{{{NAMESPACES[prefix]}}}" for prefix in ("ram", "rsm", "udt", "qdt"))


def cii(document: InvoiceDocument) -> bytes:
    """The Factur-X e-invoice of an issued invoice or credit note; the same document always gives the same bytes."""
    return _written(document, guideline=PROFILE, is_xrechnung=False)


def cii_xrechnung(document: InvoiceDocument) -> bytes:
    """The same as XRechnung 3.0 in the CII syntax."""
    return _written(document, guideline=XRECHNUNG, is_xrechnung=True)


def _written(document: InvoiceDocument, *, guideline: str, is_xrechnung: bool) -> bytes:
    if document.invoice_number is None or document.issued_on is None:
        raise DraftHasNoNumberError(invoice_id=document.invoice_id)
    # What was issued before must come out as the same bytes, so the declarations keep the order they had then.
    names = NAMESPACES if document.preceding_issued_on is None else dict(sorted(NAMESPACES.items()))
    root = etree.Element(f"{RSM}CrossIndustryInvoice", nsmap=names)
    context = add(root, f"{RSM}ExchangedDocumentContext")
    if is_xrechnung:
        add(add(context, f"{RAM}BusinessProcessSpecifiedDocumentContextParameter"), f"{RAM}ID", BILLING_PROCESS)
    add(add(context, f"{RAM}GuidelineSpecifiedDocumentContextParameter"), f"{RAM}ID", guideline)
    header = add(root, f"{RSM}ExchangedDocument")
    add(header, f"{RAM}ID", document.invoice_number)
    add(header, f"{RAM}TypeCode", type_code(document))
    _add_day(header, "IssueDateTime", document.issued_on)
    for note in notes(document):
        add(add(header, f"{RAM}IncludedNote"), f"{RAM}Content", note)
    trade = add(root, f"{RSM}SupplyChainTradeTransaction")
    for line in document.lines:
        _add_line(trade, line, document=document)
    _add_agreement(trade, document=document)
    delivery = add(add(trade, f"{RAM}ApplicableHeaderTradeDelivery"), f"{RAM}ActualDeliverySupplyChainEvent")
    _add_day(delivery, "OccurrenceDateTime", document.period_last_day)  # BT-72: when the service was completed
    _add_settlement(trade, document=document, is_xrechnung=is_xrechnung)
    return tree_bytes(root)


def _add_day(parent: Element, name: str, day: date, *, namespace: str = UDT) -> None:
    add(add(parent, f"{RAM}{name}"), f"{namespace}DateTimeString", day.strftime("%Y%m%d"), format="102")


def _add_agreement(trade: Element, *, document: InvoiceDocument) -> None:
    agreement = add(trade, f"{RAM}ApplicableHeaderTradeAgreement")
    if document.buyer.buyer_reference is not None:
        add(agreement, f"{RAM}BuyerReference", document.buyer.buyer_reference)
    _add_party(agreement, "SellerTradeParty", party=document.seller)
    _add_party(agreement, "BuyerTradeParty", party=document.buyer)
    add(add(agreement, f"{RAM}ContractReferencedDocument"), f"{RAM}IssuerAssignedID", document.contract_id)
    if has_evidence(document):
        evidence = evidence_csv(document)
        reference = add(agreement, f"{RAM}AdditionalReferencedDocument")
        add(reference, f"{RAM}IssuerAssignedID", EVIDENCE_FILE_NAME)
        add(reference, f"{RAM}TypeCode", SUPPORTING_DOCUMENT)
        digest = hashlib.sha256(evidence).hexdigest()
        add(reference, f"{RAM}Name", f"Meter readings behind each line; SHA-256 {digest}")
        content = base64.b64encode(evidence).decode()
        add(reference, f"{RAM}AttachmentBinaryObject", content, mimeCode="text/csv", filename=EVIDENCE_FILE_NAME)


def _add_party(agreement: Element, name: str, *, party: TradeParty) -> None:
    node = add(agreement, f"{RAM}{name}")
    add(node, f"{RAM}ID", party.party_id)
    add(node, f"{RAM}Name", party.legal_name)
    if party.vat_identifier is not None and not has_vat_prefix(party):
        add(add(node, f"{RAM}SpecifiedLegalOrganization"), f"{RAM}ID", party.vat_identifier)
    if party.contact_name is not None:
        contact = add(node, f"{RAM}DefinedTradeContact")
        add(contact, f"{RAM}PersonName", party.contact_name)
        if party.contact_phone is not None:
            add(add(contact, f"{RAM}TelephoneUniversalCommunication"), f"{RAM}CompleteNumber", party.contact_phone)
        if party.email is not None:
            add(add(contact, f"{RAM}EmailURIUniversalCommunication"), f"{RAM}URIID", party.email)
    address = add(node, f"{RAM}PostalTradeAddress")
    add(address, f"{RAM}PostcodeCode", party.postal_code)
    add(address, f"{RAM}LineOne", party.street)
    add(address, f"{RAM}CityName", party.city)
    add(address, f"{RAM}CountryID", party.country_code)
    electronic = electronic_address(party)
    if electronic is not None:
        scheme, value = electronic
        add(add(node, f"{RAM}URIUniversalCommunication"), f"{RAM}URIID", value, schemeID=scheme)
    if party.vat_identifier is not None and has_vat_prefix(party):
        add(add(node, f"{RAM}SpecifiedTaxRegistration"), f"{RAM}ID", party.vat_identifier, schemeID="VA")


def _add_line(trade: Element, line: DocumentLine, *, document: InvoiceDocument) -> None:
    node = add(trade, f"{RAM}IncludedSupplyChainTradeLineItem")
    head = add(node, f"{RAM}AssociatedDocumentLineDocument")
    add(head, f"{RAM}LineID", str(line.line_number))
    if steps(line):
        add(add(head, f"{RAM}IncludedNote"), f"{RAM}Content", "; ".join(steps(line)))
    product = add(node, f"{RAM}SpecifiedTradeProduct")
    add(product, f"{RAM}SellerAssignedID", line.term_id)
    add(product, f"{RAM}Name", line.description)
    for name, value in item_attributes(line, document=document):
        attribute = add(product, f"{RAM}ApplicableProductCharacteristic")
        add(attribute, f"{RAM}Description", name)
        add(attribute, f"{RAM}Value", value)
    price = add(add(node, f"{RAM}SpecifiedLineTradeAgreement"), f"{RAM}NetPriceProductTradePrice")
    add(price, f"{RAM}ChargeAmount", plain_text(line.unit_price))
    delivery = add(node, f"{RAM}SpecifiedLineTradeDelivery")
    add(delivery, f"{RAM}BilledQuantity", plain_text(line.quantity), unitCode=line.unit_code)
    settlement = add(node, f"{RAM}SpecifiedLineTradeSettlement")
    tax = add(settlement, f"{RAM}ApplicableTradeTax")
    add(tax, f"{RAM}TypeCode", "VAT")
    add(tax, f"{RAM}CategoryCode", document.tax_category)
    _add_rate(tax, document=document)
    _add_period(settlement, document=document)
    summation = add(settlement, f"{RAM}SpecifiedTradeSettlementLineMonetarySummation")
    add(
        summation,
        f"{RAM}LineTotalAmount",
        amount_text(line.line_extension_amount, currency_code=document.currency_code),
    )
    reference = add(settlement, f"{RAM}AdditionalReferencedDocument")
    add(reference, f"{RAM}IssuerAssignedID", line.serial_number)
    add(reference, f"{RAM}TypeCode", INVOICED_OBJECT)
    add(reference, f"{RAM}ReferenceTypeCode", SERIAL_NUMBER)


def _add_rate(tax: Element, *, document: InvoiceDocument) -> None:
    if document.tax_category != "O":  # BR-O-05: outside the scope of VAT there is no rate, not even zero
        add(tax, f"{RAM}RateApplicablePercent", plain_text(document.tax_rate_percent))


def _add_period(settlement: Element, *, document: InvoiceDocument) -> None:
    period = add(settlement, f"{RAM}BillingSpecifiedPeriod")
    _add_day(period, "StartDateTime", document.period_first_day)
    _add_day(period, "EndDateTime", document.period_last_day)


def _add_settlement(trade: Element, *, document: InvoiceDocument, is_xrechnung: bool) -> None:
    settlement = add(trade, f"{RAM}ApplicableHeaderTradeSettlement")
    add(settlement, f"{RAM}PaymentReference", document.invoice_number)
    add(settlement, f"{RAM}InvoiceCurrencyCode", document.currency_code)
    _add_payment_means(settlement, document=document, is_xrechnung=is_xrechnung)
    _add_tax_breakdown(settlement, document=document)
    _add_period(settlement, document=document)
    terms = add(settlement, f"{RAM}SpecifiedTradePaymentTerms")
    add(terms, f"{RAM}Description", payment_sentence(document))
    if document.due_date is not None:
        _add_day(terms, "DueDateDateTime", document.due_date)
    _add_totals(settlement, document=document)
    if document.preceding_issued_on is not None:  # BG-3
        preceding = add(settlement, f"{RAM}InvoiceReferencedDocument")
        add(preceding, f"{RAM}IssuerAssignedID", document.preceding_invoice_number)
        _add_day(preceding, "FormattedIssueDateTime", document.preceding_issued_on, namespace=QDT)


def _add_payment_means(settlement: Element, *, document: InvoiceDocument, is_xrechnung: bool) -> None:
    if document.document_type == "credit_note":  # it asks for no transfer to the seller
        if is_xrechnung:  # BR-DE-1 wants the group all the same
            means = add(settlement, f"{RAM}SpecifiedTradeSettlementPaymentMeans")
            add(means, f"{RAM}TypeCode", CLEARING)
        return
    seller = document.seller
    if seller.iban is None:
        return
    means = add(settlement, f"{RAM}SpecifiedTradeSettlementPaymentMeans")
    add(means, f"{RAM}TypeCode", SEPA_CREDIT_TRANSFER if document.currency_code == "EUR" else CREDIT_TRANSFER)
    account = add(means, f"{RAM}PayeePartyCreditorFinancialAccount")
    add(account, f"{RAM}IBANID", seller.iban.replace(" ", ""))
    add(account, f"{RAM}AccountName", seller.legal_name)
    if seller.bic is not None:
        add(add(means, f"{RAM}PayeeSpecifiedCreditorFinancialInstitution"), f"{RAM}BICID", seller.bic)


def _add_tax_breakdown(settlement: Element, *, document: InvoiceDocument) -> None:
    tax = add(settlement, f"{RAM}ApplicableTradeTax")
    add(tax, f"{RAM}CalculatedAmount", amount_text(document.tax_amount, currency_code=document.currency_code))
    add(tax, f"{RAM}TypeCode", "VAT")
    if document.tax_exemption_reason is not None:
        add(tax, f"{RAM}ExemptionReason", document.tax_exemption_reason)
    add(tax, f"{RAM}BasisAmount", amount_text(document.tax_exclusive_amount, currency_code=document.currency_code))
    add(tax, f"{RAM}CategoryCode", document.tax_category)
    if document.tax_exemption_reason is not None and document.tax_category in EXEMPTION_CODES:
        add(tax, f"{RAM}ExemptionReasonCode", EXEMPTION_CODES[document.tax_category])
    _add_rate(tax, document=document)


def _add_totals(settlement: Element, *, document: InvoiceDocument) -> None:
    currency = document.currency_code
    summation = add(settlement, f"{RAM}SpecifiedTradeSettlementHeaderMonetarySummation")
    add(summation, f"{RAM}LineTotalAmount", amount_text(document.line_extension_amount, currency_code=currency))
    add(summation, f"{RAM}TaxBasisTotalAmount", amount_text(document.tax_exclusive_amount, currency_code=currency))
    tax = amount_text(document.tax_amount, currency_code=currency)
    add(summation, f"{RAM}TaxTotalAmount", tax, currencyID=currency)
    add(summation, f"{RAM}GrandTotalAmount", amount_text(document.tax_inclusive_amount, currency_code=currency))
    add(summation, f"{RAM}DuePayableAmount", amount_text(document.payable_amount, currency_code=currency))

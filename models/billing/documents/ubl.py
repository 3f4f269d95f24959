"""The invoice as EN 16931 XML in the UBL 2.1 syntax: XRechnung 3.0 and Peppol BIS Billing 3.0.

Belongs here: which element of UBL each business term (BT-n, BG-n) of an `InvoiceDocument` becomes.
Does not belong here: amounts (they arrive rounded), what both syntaxes say alike (business_terms.py), which buyer gets
which form (profile.py).

A credit note is another root than an invoice, with some of its elements renamed and its due date elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
from decimal import Decimal

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

XRECHNUNG = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
PEPPOL_BIS_3 = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
BILLING_PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
SERIAL_NUMBER = "ABZ"  # UNTDID 1153: vehicle or machine identification
_SCHEMA = "urn:oasis:names:specification:ubl:schema:xsd"
_CBC_NAMESPACE, _CAC_NAMESPACE = f"{_SCHEMA}:CommonBasicComponents-2", f"{_SCHEMA}:CommonAggregateComponents-2"
CBC, CAC = f"{{{_CBC_NAMESPACE}}}", f"{{{_CAC_NAMESPACE}}}"


def ubl(document: InvoiceDocument, *, customization_id: str) -> bytes:
    """The e-invoice of an issued invoice or credit note; the same document always gives the same bytes."""
    if document.invoice_number is None or document.issued_on is None:
        raise DraftHasNoNumberError(invoice_id=document.invoice_id)
    is_credit_note = document.document_type == "credit_note"
    name = "CreditNote" if is_credit_note else "Invoice"
    namespace = f"{_SCHEMA}:{name}-2"
    root = etree.Element(
        f"{{{namespace}}}{name}", nsmap={None: namespace, "cac": _CAC_NAMESPACE, "cbc": _CBC_NAMESPACE}
    )
    add(root, f"{CBC}CustomizationID", customization_id)
    add(root, f"{CBC}ProfileID", BILLING_PROCESS)
    add(root, f"{CBC}ID", document.invoice_number)
    add(root, f"{CBC}IssueDate", document.issued_on.isoformat())
    if document.due_date is not None:
        add(root, f"{CBC}DueDate", document.due_date.isoformat())
    add(root, f"{CBC}{name}TypeCode", type_code(document))
    add(root, f"{CBC}Note", " ".join(notes(document)))  # Peppol allows one
    add(root, f"{CBC}DocumentCurrencyCode", document.currency_code)
    if document.buyer.buyer_reference is not None:
        add(root, f"{CBC}BuyerReference", document.buyer.buyer_reference)
    _add_period(root, document=document)
    _add_references(root, document=document)
    _add_party(root, "AccountingSupplierParty", party=document.seller)
    _add_party(root, "AccountingCustomerParty", party=document.buyer)
    add(add(root, f"{CAC}Delivery"), f"{CBC}ActualDeliveryDate", document.period_last_day.isoformat())
    _add_payment(root, document=document)
    _add_tax(root, document=document)
    _add_totals(root, document=document)
    for line in document.lines:
        _add_line(root, line, document=document)
    return tree_bytes(root)


def _add_period(parent: Element, *, document: InvoiceDocument) -> None:
    period = add(parent, f"{CAC}InvoicePeriod")
    add(period, f"{CBC}StartDate", document.period_first_day.isoformat())
    add(period, f"{CBC}EndDate", document.period_last_day.isoformat())


def _add_references(root: Element, *, document: InvoiceDocument) -> None:
    if document.preceding_invoice_number is not None and document.preceding_issued_on is not None:  # BG-3
        preceding = add(add(root, f"{CAC}BillingReference"), f"{CAC}InvoiceDocumentReference")
        add(preceding, f"{CBC}ID", document.preceding_invoice_number)
        add(preceding, f"{CBC}IssueDate", document.preceding_issued_on.isoformat())
    contract = add(root, f"{CAC}ContractDocumentReference")
    add(contract, f"{CBC}ID", f"{document.contract_id}, version {document.contract_version}")
    if has_evidence(document):  # BG-24
        evidence = evidence_csv(document)
        reference = add(root, f"{CAC}AdditionalDocumentReference")
        add(reference, f"{CBC}ID", EVIDENCE_FILE_NAME)
        digest = hashlib.sha256(evidence).hexdigest()
        add(reference, f"{CBC}DocumentDescription", f"Meter readings behind each line; SHA-256 {digest}")
        add(
            add(reference, f"{CAC}Attachment"),
            f"{CBC}EmbeddedDocumentBinaryObject",
            base64.b64encode(evidence).decode(),
            mimeCode="text/csv",
            filename=EVIDENCE_FILE_NAME,
        )


def _add_party(root: Element, name: str, *, party: TradeParty) -> None:
    node = add(add(root, f"{CAC}{name}"), f"{CAC}Party")
    electronic = electronic_address(party)
    if electronic is not None:
        scheme, value = electronic
        add(node, f"{CBC}EndpointID", value, schemeID=scheme)
    add(add(node, f"{CAC}PartyIdentification"), f"{CBC}ID", party.party_id)
    address = add(node, f"{CAC}PostalAddress")
    add(address, f"{CBC}StreetName", party.street)
    add(address, f"{CBC}CityName", party.city)
    add(address, f"{CBC}PostalZone", party.postal_code)
    add(add(address, f"{CAC}Country"), f"{CBC}IdentificationCode", party.country_code)
    if has_vat_prefix(party):
        tax = add(node, f"{CAC}PartyTaxScheme")
        add(tax, f"{CBC}CompanyID", party.vat_identifier)
        _add_vat(tax)
    legal = add(node, f"{CAC}PartyLegalEntity")
    add(legal, f"{CBC}RegistrationName", party.legal_name)
    if party.vat_identifier is not None and not has_vat_prefix(party):
        add(legal, f"{CBC}CompanyID", party.vat_identifier)
    if party.contact_name is not None:
        contact = add(node, f"{CAC}Contact")
        add(contact, f"{CBC}Name", party.contact_name)
        if party.contact_phone is not None:
            add(contact, f"{CBC}Telephone", party.contact_phone)
        if party.email is not None:
            add(contact, f"{CBC}ElectronicMail", party.email)


def _add_vat(parent: Element) -> None:
    add(add(parent, f"{CAC}TaxScheme"), f"{CBC}ID", "VAT")


def _add_payment(root: Element, *, document: InvoiceDocument) -> None:
    seller = document.seller
    if document.document_type == "credit_note":  # it asks for no transfer, but XRechnung for the group (BR-DE-1)
        add(add(root, f"{CAC}PaymentMeans"), f"{CBC}PaymentMeansCode", CLEARING)
    elif seller.iban is not None:
        means = add(root, f"{CAC}PaymentMeans")
        code = SEPA_CREDIT_TRANSFER if document.currency_code == "EUR" else CREDIT_TRANSFER
        add(means, f"{CBC}PaymentMeansCode", code)
        add(means, f"{CBC}PaymentID", document.invoice_number)
        account = add(means, f"{CAC}PayeeFinancialAccount")
        add(account, f"{CBC}ID", seller.iban.replace(" ", ""))
        add(account, f"{CBC}Name", seller.legal_name)
        if seller.bic is not None:
            add(add(account, f"{CAC}FinancialInstitutionBranch"), f"{CBC}ID", seller.bic)
    add(add(root, f"{CAC}PaymentTerms"), f"{CBC}Note", payment_sentence(document))


def _add_tax(root: Element, *, document: InvoiceDocument) -> None:
    total = add(root, f"{CAC}TaxTotal")
    _add_amount(total, "TaxAmount", document.tax_amount, document=document)
    subtotal = add(total, f"{CAC}TaxSubtotal")
    _add_amount(subtotal, "TaxableAmount", document.tax_exclusive_amount, document=document)
    _add_amount(subtotal, "TaxAmount", document.tax_amount, document=document)
    category = add(subtotal, f"{CAC}TaxCategory")
    _add_rate(category, document=document)
    if document.tax_exemption_reason is not None:
        if document.tax_category in EXEMPTION_CODES:
            add(category, f"{CBC}TaxExemptionReasonCode", EXEMPTION_CODES[document.tax_category])
        add(category, f"{CBC}TaxExemptionReason", document.tax_exemption_reason)
    _add_vat(category)


def _add_rate(category: Element, *, document: InvoiceDocument) -> None:
    add(category, f"{CBC}ID", document.tax_category)
    if document.tax_category != "O":  # BR-O-05: outside the scope of VAT there is no rate, not even zero
        add(category, f"{CBC}Percent", plain_text(document.tax_rate_percent))


def _add_amount(parent: Element, name: str, amount: Decimal, *, document: InvoiceDocument) -> None:
    currency = document.currency_code
    add(parent, f"{CBC}{name}", amount_text(amount, currency_code=currency), currencyID=currency)


def _add_totals(root: Element, *, document: InvoiceDocument) -> None:
    total = add(root, f"{CAC}LegalMonetaryTotal")
    _add_amount(total, "LineExtensionAmount", document.line_extension_amount, document=document)
    _add_amount(total, "TaxExclusiveAmount", document.tax_exclusive_amount, document=document)
    _add_amount(total, "TaxInclusiveAmount", document.tax_inclusive_amount, document=document)
    _add_amount(total, "PayableAmount", document.payable_amount, document=document)


def _add_line(root: Element, line: DocumentLine, *, document: InvoiceDocument) -> None:
    is_credit_note = document.document_type == "credit_note"
    node = add(root, f"{CAC}CreditNoteLine" if is_credit_note else f"{CAC}InvoiceLine")
    add(node, f"{CBC}ID", str(line.line_number))
    if steps(line):
        add(node, f"{CBC}Note", "; ".join(steps(line)))
    quantity = "CreditedQuantity" if is_credit_note else "InvoicedQuantity"
    add(node, f"{CBC}{quantity}", plain_text(line.quantity), unitCode=line.unit_code)
    _add_amount(node, "LineExtensionAmount", line.line_extension_amount, document=document)
    _add_period(node, document=document)
    reference = add(node, f"{CAC}DocumentReference")
    add(reference, f"{CBC}ID", line.serial_number, schemeID=SERIAL_NUMBER)
    add(reference, f"{CBC}DocumentTypeCode", INVOICED_OBJECT)
    item = add(node, f"{CAC}Item")
    add(item, f"{CBC}Name", line.description)
    add(add(item, f"{CAC}SellersItemIdentification"), f"{CBC}ID", line.term_id)
    category = add(item, f"{CAC}ClassifiedTaxCategory")
    _add_rate(category, document=document)
    _add_vat(category)
    for name, value in item_attributes(line, document=document):
        attribute = add(item, f"{CAC}AdditionalItemProperty")
        add(attribute, f"{CBC}Name", name)
        add(attribute, f"{CBC}Value", value)
    price = add(node, f"{CAC}Price")
    add(price, f"{CBC}PriceAmount", plain_text(line.unit_price), currencyID=document.currency_code)

"""The invoice as EN 16931 XML in the CII syntax (Factur-X profile EN 16931, also known as COMFORT).

Belongs here: which business term (BT-n, BG-n) each value of an `InvoiceDocument` becomes.
Does not belong here: amounts (they arrive rounded), validation (validation.py), the PDF around the XML (pdf.py).
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from models.billing.correction_lines import is_correction
from models.billing.document_model import DocumentLine, DocumentType, InvoiceDocument, LineSegment, TradeParty
from models.billing.documents.errors import DraftHasNoNumberError
from models.billing.documents.evidence import EVIDENCE_FILE_NAME, evidence_csv, has_evidence
from models.billing.documents.explanation import steps
from models.billing.documents.figures import amount_text, iso_instant
from models.billing.documents.sealed_copy import seal_note, signature_note
from models.billing.documents.wording import credit_sentences, payment_sentence
from models.exact import plain_text

if TYPE_CHECKING:
    from drafthorse.models.accounting import ApplicableTradeTax
    from drafthorse.models.document import Document
    from drafthorse.models.party import TradeParty as CiiParty
    from drafthorse.models.tradelines import LineItem

PROFILE = "urn:cen.eu:en16931:2017"
TYPE_CODES: dict[DocumentType, str] = {"invoice": "380", "credit_note": "381"}  # UNTDID 1001
CORRECTED_INVOICE = "384"  # UNTDID 1001
SEPA_CREDIT_TRANSFER, CREDIT_TRANSFER = "58", "30"  # UNTDID 4461
SUPPORTING_DOCUMENT, INVOICED_OBJECT = "916", "130"  # UNTDID 1001, as CII tells BG-24 from BT-128
SERIAL_NUMBER = "SE"  # UNTDID 1153
EXEMPTION_CODES = {"AE": "VATEX-EU-AE", "G": "VATEX-EU-G", "K": "VATEX-EU-IC", "O": "VATEX-EU-O"}
VAT_PREFIX_OF_COUNTRY = {"GR": "EL"}  # the one country whose VAT prefix is not its ISO code


def cii(document: InvoiceDocument) -> bytes:
    """The e-invoice of an issued invoice or credit note; the same document always gives the same bytes."""
    from drafthorse.models.document import Document

    if document.invoice_number is None or document.issued_on is None:
        raise DraftHasNoNumberError(invoice_id=document.invoice_id)
    invoice = Document()
    invoice.context.guideline_parameter.id = PROFILE
    invoice.header.id = document.invoice_number
    is_corrected_invoice = document.document_type == "invoice" and is_correction(document)
    invoice.header.type_code = CORRECTED_INVOICE if is_corrected_invoice else TYPE_CODES[document.document_type]
    invoice.header.issue_date_time = document.issued_on
    _add_notes(invoice, document=document)
    _fill_agreement(invoice, document=document)
    invoice.trade.delivery.event.occurrence = document.period_last_day  # BT-72: when the service was completed
    for line in document.lines:
        invoice.trade.items.add(_line_item(line, document=document))
    _fill_settlement(invoice, document=document)
    # schema=None: drafthorse carries an older XSD; validation.py checks against the current one.
    return bytes(invoice.serialize(schema=None))


def _add_notes(invoice: Document, *, document: InvoiceDocument) -> None:
    from drafthorse.models.note import IncludedNote

    contract = f"{document.contract_name}: contract {document.contract_id}, version {document.contract_version}"
    machine = f"{document.asset_model_name}, serial number {document.serial_number}"
    notes = [f"{contract}; {machine}; days of {document.time_zone}."]
    if document.invoice_sha256 is not None:
        notes.append(seal_note(document))
    if document.signature is not None:
        notes.append(signature_note(document))
    if credit_sentences(document):  # after the seal, which a reader takes from the first note that states one
        notes.append(" ".join(credit_sentences(document)))
    for note in notes:
        invoice.header.notes.add(IncludedNote(content=note))


def _fill_agreement(invoice: Document, *, document: InvoiceDocument) -> None:
    agreement = invoice.trade.agreement
    _fill_party(agreement.seller, party=document.seller)
    _fill_party(agreement.buyer, party=document.buyer)
    agreement.contract.issuer_assigned_id = document.contract_id
    if has_evidence(document):
        from drafthorse.models.references import AdditionalReferencedDocument

        evidence = evidence_csv(document)
        agreement.additional_references.add(
            AdditionalReferencedDocument(
                issuer_assigned_id=EVIDENCE_FILE_NAME,
                type_code=SUPPORTING_DOCUMENT,
                name=f"Meter readings behind each line; SHA-256 {hashlib.sha256(evidence).hexdigest()}",
                attached_object=("text/csv", EVIDENCE_FILE_NAME, base64.b64encode(evidence).decode()),
            )
        )


def _fill_party(cii_party: CiiParty, *, party: TradeParty) -> None:
    from drafthorse.models.party import TaxRegistration

    cii_party.id = party.party_id
    cii_party.name = party.legal_name
    cii_party.address.line_one = party.street
    cii_party.address.city_name = party.city
    cii_party.address.postcode = party.postal_code
    cii_party.address.country_id = party.country_code
    if party.email is not None:
        cii_party.electronic_address.uri_ID = ("EM", party.email)
    if party.vat_identifier is None:
        return
    # BR-CO-09 wants a country prefix; a tax number without one (Mexico, India) identifies the company instead.
    if party.vat_identifier.startswith(VAT_PREFIX_OF_COUNTRY.get(party.country_code, party.country_code)):
        cii_party.tax_registrations.add(TaxRegistration(id=("VA", party.vat_identifier)))
    else:
        cii_party.legal_organization.id = party.vat_identifier


def _line_item(line: DocumentLine, *, document: InvoiceDocument) -> LineItem:
    from drafthorse.models.note import IncludedNote
    from drafthorse.models.product import ProductCharacteristic
    from drafthorse.models.tradelines import LineItem

    item = LineItem()
    item.document.line_id = str(line.line_number)
    if steps(line):
        item.document.notes.add(IncludedNote(content="; ".join(steps(line))))
    item.product.seller_assigned_id = line.term_id
    item.product.name = line.description
    for name, value in _item_attributes(line, document=document):
        item.product.characteristics.add(ProductCharacteristic(description=name, value=value))
    item.agreement.net.amount = plain_text(line.unit_price)
    item.delivery.billed_quantity = (plain_text(line.quantity), line.unit_code)
    _fill_line_tax(item.settlement.trade_tax, document=document)
    item.settlement.period.start = document.period_first_day
    item.settlement.period.end = document.period_last_day
    item.settlement.monetary_summation.total_amount = amount_text(
        line.line_extension_amount, currency_code=document.currency_code
    )
    item.settlement.additional_referenced_document.issuer_assigned_id = line.serial_number
    item.settlement.additional_referenced_document.type_code = INVOICED_OBJECT
    item.settlement.additional_referenced_document.reference_type_code = SERIAL_NUMBER
    return item


def _item_attributes(line: DocumentLine, *, document: InvoiceDocument) -> list[tuple[str, str]]:
    """BG-32: the machine, and for a metered line the readings its quantity lies between."""
    attributes = [
        ("Machine model", document.asset_model_name),
        ("Machine serial number", line.serial_number),
        ("Physical asset", line.physical_asset_id),
        ("Pricing rule", line.rule),
    ]
    if line.metric is not None:
        attributes.append(("Meter", line.metric))
    if line.segments:
        opening, closing = line.segments[0].opening, line.segments[-1].closing
        attributes += [
            ("Meter start", f"{plain_text(opening.value)} {opening.unit_code}"),
            ("Meter start time", iso_instant(opening.at, time_zone=document.time_zone)),
            ("Meter end", f"{plain_text(closing.value)} {closing.unit_code}"),
            ("Meter end time", iso_instant(closing.at, time_zone=document.time_zone)),
        ]
    if len(line.segments) > 1:
        attributes += [(f"Meter segment {each.segment_number}", _segment_text(each)) for each in line.segments]
    if line.quantity_flag is not None:
        attributes.append(("Quantity quality", line.quantity_flag))
    return attributes


def _segment_text(segment: LineSegment) -> str:
    opening, closing = plain_text(segment.opening.value), plain_text(segment.closing.value)
    quantity = plain_text(segment.quantity)
    return f"{segment.segment_kind}: {opening} to {closing} {segment.closing.unit_code}, quantity {quantity}"


def _fill_line_tax(tax: ApplicableTradeTax, *, document: InvoiceDocument) -> None:
    tax.type_code = "VAT"
    tax.category_code = document.tax_category
    if document.tax_category != "O":  # BR-O-05: outside the scope of VAT there is no rate, not even zero
        tax.rate_applicable_percent = plain_text(document.tax_rate_percent)


def _fill_settlement(invoice: Document, *, document: InvoiceDocument) -> None:
    settlement = invoice.trade.settlement
    settlement.payment_reference = document.invoice_number
    settlement.currency_code = document.currency_code
    settlement.period.start = document.period_first_day
    settlement.period.end = document.period_last_day
    if document.preceding_issued_on is not None:  # BG-3
        settlement.invoice_referenced_document.issuer_assigned_id = document.preceding_invoice_number
        settlement.invoice_referenced_document.issue_date_time = document.preceding_issued_on
    _add_payment(invoice, document=document)
    _add_tax_breakdown(invoice, document=document)
    summation = settlement.monetary_summation
    currency = document.currency_code
    summation.line_total = amount_text(document.line_extension_amount, currency_code=currency)
    summation.tax_basis_total = (amount_text(document.tax_exclusive_amount, currency_code=currency), None)
    summation.tax_total = (amount_text(document.tax_amount, currency_code=currency), currency)
    summation.grand_total = (amount_text(document.tax_inclusive_amount, currency_code=currency), None)
    summation.due_amount = amount_text(document.payable_amount, currency_code=currency)


def _add_payment(invoice: Document, *, document: InvoiceDocument) -> None:
    from drafthorse.models.payment import PaymentMeans, PaymentTerms

    # a credit note asks for no transfer to the seller
    if document.seller.iban is not None and document.document_type == "invoice":
        means = PaymentMeans(type_code=SEPA_CREDIT_TRANSFER if document.currency_code == "EUR" else CREDIT_TRANSFER)
        means.payee_account.iban = document.seller.iban.replace(" ", "")
        means.payee_account.account_name = document.seller.legal_name
        if document.seller.bic is not None:
            means.payee_institution.bic = document.seller.bic
        invoice.trade.settlement.payment_means.add(means)
    terms = PaymentTerms(description=payment_sentence(document))
    if document.due_date is not None:
        terms.due = document.due_date
    invoice.trade.settlement.terms.add(terms)


def _add_tax_breakdown(invoice: Document, *, document: InvoiceDocument) -> None:
    from drafthorse.models.accounting import ApplicableTradeTax

    tax = ApplicableTradeTax()
    _fill_line_tax(tax, document=document)
    tax.calculated_amount = amount_text(document.tax_amount, currency_code=document.currency_code)
    tax.basis_amount = amount_text(document.tax_exclusive_amount, currency_code=document.currency_code)
    if document.tax_exemption_reason is not None:
        tax.exemption_reason = document.tax_exemption_reason
        if document.tax_category in EXEMPTION_CODES:
            tax.exemption_reason_code = EXEMPTION_CODES[document.tax_category]
    invoice.trade.settlement.trade_tax.add(tax)

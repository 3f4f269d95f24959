"""What both syntaxes of EN 16931 say alike: codes, notes, and the attributes of a line.

Belongs here: business terms whose value needs a decision. Does not belong here: elements (en16931.py, ubl.py).
"""

from __future__ import annotations

from models.billing.correction_lines import is_correction
from models.billing.document_model import DocumentLine, DocumentType, InvoiceDocument, LineSegment, TradeParty
from models.billing.documents.figures import iso_instant
from models.billing.documents.sealed_copy import seal_note, signature_note
from models.billing.documents.wording import credit_sentences
from models.exact import plain_text

TYPE_CODES: dict[DocumentType, str] = {"invoice": "380", "credit_note": "381"}  # UNTDID 1001
CORRECTED_INVOICE = "384"  # UNTDID 1001
SEPA_CREDIT_TRANSFER, CREDIT_TRANSFER, CLEARING = "58", "30", "97"  # UNTDID 4461
INVOICED_OBJECT = "130"  # UNTDID 1001: BT-128
EXEMPTION_CODES = {"AE": "VATEX-EU-AE", "G": "VATEX-EU-G", "K": "VATEX-EU-IC", "O": "VATEX-EU-O"}
VAT_PREFIX_OF_COUNTRY = {"GR": "EL"}  # the one country whose VAT prefix is not its ISO code
EMAIL = "EM"  # EAS


def type_code(document: InvoiceDocument) -> str:
    """BT-3: an invoice, a credit note, or an invoice that corrects another."""
    is_corrected_invoice = document.document_type == "invoice" and is_correction(document)
    return CORRECTED_INVOICE if is_corrected_invoice else TYPE_CODES[document.document_type]


def notes(document: InvoiceDocument) -> list[str]:
    """BT-22: contract and machine, the seal and its signature, and where it credits or corrects, what."""
    contract = f"{document.contract_name}: contract {document.contract_id}, version {document.contract_version}"
    machine = f"{document.asset_model_name}, serial number {document.serial_number}"
    written = [f"{contract}; {machine}; days of {document.time_zone}."]
    if document.invoice_sha256 is not None:
        written.append(seal_note(document))
    if document.signature is not None:
        written.append(signature_note(document))
    if credit_sentences(document):  # after the seal, which a reader takes from the first note that states one
        written.append(" ".join(credit_sentences(document)))
    return written


def electronic_address(party: TradeParty) -> tuple[str, str] | None:
    """BT-34 or BT-49 as scheme and address; the email where a party has no other."""
    if party.electronic_address is not None and party.electronic_address_scheme is not None:
        return party.electronic_address_scheme, party.electronic_address
    return None if party.email is None else (EMAIL, party.email)


def has_vat_prefix(party: TradeParty) -> bool:
    """BR-CO-09 wants a country prefix; a number without one (Mexico, India) identifies the company instead."""
    prefix = VAT_PREFIX_OF_COUNTRY.get(party.country_code, party.country_code)
    return party.vat_identifier is not None and party.vat_identifier.startswith(prefix)


def item_attributes(line: DocumentLine, *, document: InvoiceDocument) -> list[tuple[str, str]]:
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

"""Which form a buyer's e-invoice takes, and whether the parties say everything that form asks for.

Belongs here: choosing the syntax and rule set, and naming what is missing before a number is used up.
Does not belong here: elements (en16931.py, ubl.py), rules (validation.py).
"""

from __future__ import annotations

from models.billing.document_model import DocumentProfile, InvoiceDocument
from models.billing.documents.business_terms import electronic_address
from models.billing.documents.en16931 import cii, cii_xrechnung
from models.billing.documents.errors import MissingBusinessTermError
from models.billing.documents.ubl import PEPPOL_BIS_3, XRECHNUNG, ubl

DEFAULT_PROFILE: DocumentProfile = "factur_x"


def profile_of(document: InvoiceDocument) -> DocumentProfile:
    """The buyer's own profile, else Factur-X."""
    return document.buyer.document_profile or DEFAULT_PROFILE


def e_invoice(document: InvoiceDocument, *, profile: DocumentProfile | None = None) -> bytes:
    """The e-invoice in the given profile, by default the buyer's.

    Raises:
        MissingBusinessTermError: the profile needs something that a party does not say.
        DraftHasNoNumberError: it is a draft.
    """
    chosen = profile or profile_of(document)
    missing = missing_terms(document, profile=chosen)
    if missing:
        raise MissingBusinessTermError(invoice_id=document.invoice_id, profile=chosen, missing=missing)
    match chosen:
        case "xrechnung_ubl":
            return ubl(document, customization_id=XRECHNUNG)
        case "xrechnung_cii":
            return cii_xrechnung(document)
        case "peppol_bis_3":
            return ubl(document, customization_id=PEPPOL_BIS_3)
        case "factur_x":
            return cii(document)


def missing_terms(document: InvoiceDocument, *, profile: DocumentProfile) -> tuple[str, ...]:
    """The party fields that the profile needs and that are empty, as `party_id.field`.

    XRechnung 3.0: BR-DE-1 (payment), BR-DE-2, 5, 6, 7 (seller contact), BR-DE-15 (buyer reference), and both electronic
    addresses (PEPPOL-EN16931-R010, R020). Peppol BIS 3: R003 (buyer reference), R010, R020.
    """
    if profile == "factur_x":
        return ()
    seller, buyer = document.seller, document.buyer
    needed = [
        (buyer.party_id, "buyer_reference", buyer.buyer_reference),
        (seller.party_id, "electronic_address", electronic_address(seller)),
        (buyer.party_id, "electronic_address", electronic_address(buyer)),
    ]
    if profile in {"xrechnung_ubl", "xrechnung_cii"}:
        needed += [
            (seller.party_id, "contact_name", seller.contact_name),
            (seller.party_id, "contact_phone", seller.contact_phone),
            (seller.party_id, "email", seller.email),
        ]
        if document.document_type == "invoice":
            needed.append((seller.party_id, "iban", seller.iban))
    return tuple(f"{party_id}.{name}" for party_id, name, value in needed if value is None)

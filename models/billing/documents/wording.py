"""English words for the codes on an invoice: document types, units, countries, quality flags, segment kinds.

Belongs here: words. A code that is not listed is printed as it is, so a document never fails over a word.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.billing.correction_lines import is_correction
from models.billing.document_model import DocumentType, InvoiceDocument
from models.billing.documents.figures import readable_date


@dataclass(frozen=True, kw_only=True)
class DocumentWords:
    """What is called otherwise on an invoice than on a credit note."""

    name: str
    amount: str
    without_vat: str
    with_vat: str
    payable: str
    payment: str

    @property
    def title(self) -> str:
        """The name as a heading."""
        return self.name.capitalize()


DOCUMENTS: dict[DocumentType, DocumentWords] = {
    "invoice": DocumentWords(
        name="invoice",
        amount="Amount",
        without_vat="Total without VAT",
        with_vat="Total with VAT",
        payable="Amount due",
        payment="Payment",
    ),
    "credit_note": DocumentWords(
        name="credit note",
        amount="Credited",
        without_vat="Credited without VAT",
        with_vat="Credited with VAT",
        payable="Amount credited",
        payment="Settlement",
    ),
}

UNITS = {  # UN/ECE Recommendation 20
    "C62": "units",
    "DAY": "d",
    "H87": "pcs",
    "HUR": "h",
    "KGM": "kg",
    "KWH": "kWh",
    "LTR": "l",
    "MIN": "min",
    "MON": "month",
    "MTQ": "m³",
    "P1": "%",
    "SEC": "s",
    "TNE": "t",
    "WHR": "Wh",
}

COUNTRIES = {  # ISO 3166-1: Europe and the larger industrial countries
    "AT": "Austria", "AU": "Australia", "BE": "Belgium", "BG": "Bulgaria", "BR": "Brazil", "CA": "Canada",
    "CH": "Switzerland", "CN": "China", "CZ": "Czechia", "DE": "Germany", "DK": "Denmark", "EE": "Estonia",
    "ES": "Spain", "FI": "Finland", "FR": "France", "GB": "United Kingdom", "GR": "Greece", "HR": "Croatia",
    "HU": "Hungary", "ID": "Indonesia", "IE": "Ireland", "IN": "India", "IT": "Italy", "JP": "Japan",
    "KR": "South Korea", "LT": "Lithuania", "LU": "Luxembourg", "LV": "Latvia", "MX": "Mexico", "MY": "Malaysia",
    "NL": "Netherlands", "NO": "Norway", "PL": "Poland", "PT": "Portugal", "RO": "Romania", "SE": "Sweden",
    "SG": "Singapore", "SI": "Slovenia", "SK": "Slovakia", "TH": "Thailand", "TR": "Türkiye", "TW": "Taiwan",
    "US": "United States", "VN": "Vietnam", "ZA": "South Africa",
}  # fmt: skip

QUALITY_FLAGS = {
    "actual": "Actual: both readings were received from the machine.",
    "estimated": "Estimated: a reading was missing; it will be settled when the machine's own reading is known.",
    "substituted": "Substituted: an agreed value stands in for a reading.",
    "held": "Held: the counter fell without a declared reason; nothing is billed until that is resolved.",
}

SEGMENT_KINDS = {
    "increase": "The counter rose",
    "rollover": "The counter rolled over",
    "replacement": "The counter was replaced",
    "held": "Held, not billed: the counter fell and no replacement was declared",
}

BRIDGED = {
    "estimated": "The counter was replaced, or the quantity between these readings is estimated by rule",
    "substituted": "The counter was replaced, or the quantity between these readings was decided by a person",
}
"""A replacement on a line whose quantity is not all read."""

METRICS = {
    "good_count": "Good parts counter",
    "scrap_count": "Scrap counter",
    "running_time": "Running time counter",
    "energy": "Energy counter",
    "air_volume": "Air volume counter",
}


def unit_name(unit_code: str) -> str:
    """The unit as a reader writes it."""
    return UNITS.get(unit_code, unit_code)


def country_name(country_code: str) -> str:
    """The country as an envelope says it."""
    return COUNTRIES.get(country_code, country_code)


def metric_name(metric: str) -> str:
    """The counter's name in words."""
    return METRICS.get(metric, metric.replace("_", " ").capitalize())


def payment_sentence(document: InvoiceDocument) -> str:
    """The payment terms (BT-20); on a credit note, where the money goes."""
    if document.document_type == "credit_note":
        invoice = document.preceding_invoice_number
        return f"Set off against invoice {invoice}; what has been paid under it is refunded."
    if document.due_date is None:
        return f"Payable within {document.payment_terms_days} days of the invoice date, without deduction."
    due = readable_date(document.due_date)
    return f"Payable within {document.payment_terms_days} days, by {due}, without deduction."


def credit_sentences(document: InvoiceDocument) -> tuple[str, ...]:
    """What a credit note takes back, and why; nothing on an invoice."""
    if document.preceding_issued_on is None:
        return ()
    invoice = f"invoice {document.preceding_invoice_number} of {readable_date(document.preceding_issued_on)}"
    if is_correction(document):
        what = f"This document corrects {invoice}: it takes back what was billed for its service period"
        return (f"{what} and bills what is right.", f"Reason: {document.credit_reason}")
    return (f"This credit note takes back {invoice} in full.", f"Reason: {document.credit_reason}")

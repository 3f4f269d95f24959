"""What the PDF says, as text in the order of the page: every number formatted, every code in words.

Belongs here: choosing and wording what a reader sees, as plain data that a test can read.
Does not belong here: layout (invoice.typ), amounts, or typesetting (pdf.py).
"""

from __future__ import annotations

import hashlib

from models.billing.correction_lines import is_correction
from models.billing.document_model import DocumentLine, InvoiceDocument, LineSegment, MeterReading, TradeParty
from models.billing.documents.evidence import EVIDENCE_FILE_NAME, TermLines, evidence_csv, has_evidence, term_lines
from models.billing.documents.explanation import (
    availability_times,
    priced_quantity,
    readable_description,
    readable_steps,
)
from models.billing.documents.figures import (
    readable,
    readable_amount,
    readable_date,
    readable_instant,
    readable_price,
)
from models.billing.documents.sealed_copy import SEALED_FILE_NAME, sealed_copy
from models.billing.documents.wording import (
    BRIDGED,
    DOCUMENTS,
    QUALITY_FLAGS,
    SEGMENT_KINDS,
    country_name,
    credit_sentences,
    metric_name,
    payment_sentence,
    unit_name,
)
from models.billing.usage import sum_of
from models.money import QUANTITY_PLACES

SHORT_SHA256 = 12  # enough to compare by eye; the whole hash stands in the evidence file
UNITLESS = "C62"  # a credit's "-1 unit" says no more than "-1"
COUNTS = {"C62", "H87"}  # one and piece: the same count under two names

Pairs = list[list[str]]


def page_content(document: InvoiceDocument, *, xml: bytes | None) -> dict[str, object]:
    """Everything invoice.typ prints."""
    is_draft = document.invoice_number is None
    words = DOCUMENTS[document.document_type]
    return {
        "is_draft": is_draft,
        "name": words.name,
        "title": f"Draft {words.name}" if is_draft else words.title,
        "number": document.invoice_number or "",
        "footer": f"Draft {document.invoice_id}" if is_draft else f"{words.title} {document.invoice_number}",
        "credit": credit_sentences(document),
        "amount_title": words.amount,
        "payable_title": words.payable,
        "payment_title": words.payment,
        "currency": document.currency_code,
        "seller": _party(document.seller),
        "buyer": _party(document.buyer),
        "facts": _facts(document),
        "subject": _subject(document),
        "terms": [_term(group, document=document) for group in term_lines(document.lines)],
        "totals": _totals(document),
        "payable": readable_amount(document.payable_amount, currency_code=document.currency_code),
        "tax_note": document.tax_exemption_reason or "",
        "payment_sentence": payment_sentence(document),
        "payment": _payment(document),
        "proof": _proof(document, xml=xml),
    }


def _party(party: TradeParty) -> dict[str, object]:
    return {
        "name": party.legal_name,
        "address": [party.street, f"{party.postal_code} {party.city}", country_name(party.country_code)],
        "vat_identifier": party.vat_identifier or "",
        "email": party.email or "",
    }


def _facts(document: InvoiceDocument) -> Pairs:
    facts = []
    title = DOCUMENTS[document.document_type].title
    if document.invoice_number is not None:
        facts.append([f"{title} number", document.invoice_number])
    if document.issued_on is not None:
        facts.append([f"{title} date", readable_date(document.issued_on)])
    if document.preceding_invoice_number is not None:
        label = "Corrects invoice" if is_correction(document) else "Credits invoice"
        facts.append([label, document.preceding_invoice_number])
    if document.due_date is not None:
        facts.append(["Due date", readable_date(document.due_date)])
    if document.buyer.vat_identifier is not None:
        facts.append(["Your tax number", document.buyer.vat_identifier])
    return facts


def _subject(document: InvoiceDocument) -> list[dict[str, object]]:
    start = readable_instant(document.period_start_at, time_zone=document.time_zone)
    end = readable_instant(document.period_end_at, time_zone=document.time_zone)
    first, last = readable_date(document.period_first_day), readable_date(document.period_last_day)
    return [
        {
            "label": "Machine",
            "value": document.asset_model_name,
            "details": [f"Serial number {document.serial_number}", document.physical_asset_id],
        },
        {
            "label": "Contract",
            "value": document.contract_name,
            "details": [f"{document.contract_id}, version {document.contract_version}"],
        },
        {
            "label": "Service period",
            "value": f"{first} \N{EN DASH} {last}",
            "details": [f"from {start}", f"until {end}", f"{document.time_zone} time"],
        },
    ]


def _term(group: TermLines, *, document: InvoiceDocument) -> dict[str, object]:
    return {
        "lines": [_line(line, document=document) for line in group.lines],
        "meter": _meter(group, document=document) if group.segments else None,
        "times": availability_times(group.first),
        "sentences": [] if group.segments else readable_steps(group.first),
    }


def _line(line: DocumentLine, *, document: InvoiceDocument) -> dict[str, object]:
    return {
        "number": str(line.line_number),
        "description": readable_description(line),
        "quantity": readable(line.quantity),
        "unit": "" if line.unit_code == UNITLESS and line.metric is None else unit_name(line.unit_code),
        "price": readable_price(line.unit_price),
        "amount": readable_amount(line.line_extension_amount, currency_code=document.currency_code),
    }


def _meter(group: TermLines, *, document: InvoiceDocument) -> dict[str, object]:
    line = group.first
    flag = line.quantity_flag or ""
    return {
        "name": f"{metric_name(line.metric or 'counter')}, {document.time_zone} time",
        "segments": [
            {"readings": _reading_rows(segment, document=document), "note": _segment_note(segment, quantity_flag=flag)}
            for segment in group.segments
        ],
        "sums": _sum_rows(line),
        "flag_sentence": QUALITY_FLAGS.get(flag, flag),
    }


def _reading_rows(segment: LineSegment, *, document: InvoiceDocument) -> Pairs:
    return [
        [
            name,
            readable_instant(reading.at, time_zone=document.time_zone),
            readable(reading.value),
            unit_name(reading.unit_code),
        ]
        for name, reading in (("Opening", segment.opening), ("Closing", segment.closing))
    ]


def _sum_rows(line: DocumentLine) -> Pairs:
    """The metered quantity, and below it the priced one where conversion or rounding made it differ."""
    metered = sum_of(segment.quantity for segment in line.segments)
    metered_unit, priced = line.segments[0].opening.unit_code, priced_quantity(line)
    rows = [["Metered", "", readable(metered), unit_name(metered_unit)]]
    is_same_unit = metered_unit == line.unit_code or {metered_unit, line.unit_code} == COUNTS
    if metered != priced or not is_same_unit:
        rule = f"rounded half-up at {QUANTITY_PLACES} decimals"
        rows.append(["Billed", rule, readable(priced), unit_name(line.unit_code)])
    return rows


def _segment_note(segment: LineSegment, *, quantity_flag: str) -> str:
    """What happened between two readings where the counter did not simply rise.

    A quantity that somebody decided, or that a rule put in a reading's place, is kept as a replacement is: two values
    bridge the readings. Only the line's flag tells them apart.
    """
    if segment.segment_kind == "increase":
        return ""
    unit = unit_name(segment.opening.unit_code)
    if segment.segment_kind == "replacement" and quantity_flag in BRIDGED:
        return f"{BRIDGED[quantity_flag]}; quantity {readable(segment.quantity)} {unit}."
    note = SEGMENT_KINDS.get(segment.segment_kind, segment.segment_kind)
    if segment.modulus is not None:
        note = f"{note} at {readable(segment.modulus)} {unit}"
    if segment.old_final_value is not None and segment.new_start_value is not None:
        note = (
            f"{note}: old one until {readable(segment.old_final_value)} {unit}, "
            f"new one from {readable(segment.new_start_value)} {unit}"
        )
    return f"{note}; quantity {readable(segment.quantity)} {unit}."


def _totals(document: InvoiceDocument) -> Pairs:
    category = "" if document.tax_category == "S" else f" (category {document.tax_category})"
    words = DOCUMENTS[document.document_type]
    totals = [
        (words.without_vat, document.tax_exclusive_amount),
        (f"VAT {readable(document.tax_rate_percent)} %{category}", document.tax_amount),
        (words.with_vat, document.tax_inclusive_amount),
    ]
    if document.line_extension_amount != document.tax_exclusive_amount:
        totals.insert(0, ("Sum of lines", document.line_extension_amount))
    return [[name, readable_amount(amount, currency_code=document.currency_code)] for name, amount in totals]


def _payment(document: InvoiceDocument) -> Pairs:
    seller = document.seller
    if seller.iban is None or document.document_type == "credit_note":
        return []
    iban = seller.iban.replace(" ", "")
    groups_of_four = " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))
    pairs = [["Account holder", seller.legal_name], ["IBAN", groups_of_four]]
    if seller.bic is not None:
        pairs.append(["BIC", seller.bic])
    if document.invoice_number is not None:
        pairs.append(["Reference", document.invoice_number])
    return pairs


def _proof(document: InvoiceDocument, *, xml: bytes | None) -> dict[str, object]:
    attachments = []
    name = DOCUMENTS[document.document_type].name
    if xml is not None:
        attachments.append(["factur-x.xml", f"this {name} for machines (EN 16931)", _short(xml)])
    if has_evidence(document):
        attachments.append(
            [
                EVIDENCE_FILE_NAME,
                "the readings of every line, with file, row and whole hash",
                _short(evidence_csv(document)),
            ]
        )
    if document.invoice_sha256 is not None:
        what = f"the whole {name} with its terms and readings; its SHA-256 is the seal"
        attachments.append([SEALED_FILE_NAME, what, _short(sealed_copy(document))])
    return {
        "readings": [
            [_span(group.numbers), name, *_landing_place(reading)]
            for group in term_lines(document.lines)
            for segment in group.segments
            for name, reading in (("opening", segment.opening), ("closing", segment.closing))
        ],
        "attachments": attachments,
        "invoice_sha256": document.invoice_sha256 or "",
    }


def _landing_place(reading: MeterReading) -> list[str]:
    folder, slash, name = reading.landed_file.rpartition("/")
    return [str(reading.file_row), folder + slash, name, reading.file_sha256[:SHORT_SHA256]]


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:SHORT_SHA256]


def _span(numbers: tuple[int, ...]) -> str:
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}\N{EN DASH}{numbers[-1]}"

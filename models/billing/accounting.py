"""Issued invoices and credit notes as a ledger takes them: one posting per account, debits equal to credits.

Belongs here: which account each amount of a document is posted to, and the flat rows of the ERP export
(docs/reference/erp_export.md). Does not belong here: amounts (they arrive computed), files and options
(orchestration.commands.accounting).

An invoice debits the debtor with the amount due and credits revenue by term rule and VAT by category and rate; a
credit note is posted the other way round. Nothing is rounded here, so the rounding difference is zero by construction.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Literal

from models.billing.document_model import InvoiceDocument
from models.billing.documents.figures import amount_text
from models.errors import BillingError
from models.exact import plain_text

Side = Literal["debit", "credit"]
_OTHER_SIDE: dict[Side, Side] = {"debit": "credit", "credit": "debit"}
DEBTOR, REVENUE, VAT = "debtor", "revenue", "vat"


@dataclass(frozen=True, kw_only=True)
class Posting:
    """One row per document and account. `amount` is never negative, in the document's currency.

    `account` is `debtor:<buyer>`, `revenue:<rule>` or `vat:<category>:<rate>`; the ERP maps it to its own chart.
    """

    document_number: str
    document_type: str
    posting_date: date
    due_date: date | None
    account: str
    side: Side
    amount: Decimal
    currency_code: str
    contract_id: str
    physical_asset_id: str
    service_from_date: date
    service_until_date: date
    preceding_invoice_number: str | None
    invoice_sha256: str | None


COLUMNS = tuple(field.name for field in fields(Posting))


def postings(document: InvoiceDocument) -> tuple[Posting, ...]:
    """The postings of an issued document; accounts without an amount are left out.

    Raises:
        BillingError: it is a draft, which no ledger takes.
    """
    number, day = document.invoice_number, document.issued_on
    if number is None or day is None:
        raise BillingError(f"Invoice {document.invoice_id!r} is a draft; issue it before it is posted.")
    revenue: dict[str, Decimal] = {}
    for line in document.lines:
        revenue[line.rule] = revenue.get(line.rule, Decimal(0)) + line.line_extension_amount
    vat = f"{VAT}:{document.tax_category}:{plain_text(document.tax_rate_percent)}"
    # as an invoice sees it: what is positive stands on the debtor's debit and on everyone else's credit
    owed: list[tuple[str, Side, Decimal]] = [
        (f"{DEBTOR}:{document.buyer.party_id}", "debit", document.payable_amount),
        *((f"{REVENUE}:{rule}", "credit", amount) for rule, amount in sorted(revenue.items())),
        (vat, "credit", document.tax_amount),
    ]
    is_turned = document.document_type == "credit_note"
    return tuple(
        Posting(
            document_number=number,
            document_type=document.document_type,
            posting_date=day,
            due_date=document.due_date,
            account=account,
            side=_OTHER_SIDE[side] if is_turned != (amount < 0) else side,
            amount=abs(amount),
            currency_code=document.currency_code,
            contract_id=document.contract_id,
            physical_asset_id=document.physical_asset_id,
            service_from_date=document.period_first_day,
            service_until_date=document.period_last_day,
            preceding_invoice_number=document.preceding_invoice_number,
            invoice_sha256=document.invoice_sha256,
        )
        for account, side, amount in owed
        if amount
    )


def export_row(posting: Posting) -> dict[str, str | None]:
    """A posting as text: dates ISO, amounts with their currency's decimals and a point."""
    values = asdict(posting)
    values["amount"] = amount_text(posting.amount, currency_code=posting.currency_code)
    return {name: None if values[name] is None else str(values[name]) for name in COLUMNS}


def export_csv(rows: Iterable[Posting]) -> str:
    """UTF-8 text, comma, one header row, LF; an empty cell means none."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(export_row(row) for row in rows)
    return text.getvalue()

"""Documents as postings: debits equal credits, whatever is billed."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.accounting import Posting, export_csv, export_row, postings
from models.billing.document_model import InvoiceDocument
from models.billing.totals import totals_of
from models.errors import BillingError
from models.money import Money
from tests.builders.invoice_parts import a_line
from tests.builders.invoices import (
    a_compressor_invoice,
    a_credit_note,
    a_draft_document,
    an_export_invoice,
    an_invoice_document,
)


def balance(rows: Iterable[Posting]) -> Decimal:
    return sum((row.amount if row.side == "debit" else -row.amount for row in rows), Decimal(0))


def accounts(rows: Iterable[Posting]) -> list[tuple[str, str, str]]:
    return [(row.account, row.side, str(row.amount)) for row in rows]


def test_an_invoice_debits_the_debtor_and_credits_revenue_and_vat() -> None:
    assert accounts(postings(a_compressor_invoice())) == [
        ("debtor:meridian_de", "debit", "3514.06"),
        ("revenue:availability_guarantee", "debit", "111.00"),
        ("revenue:flat_fee", "credit", "1850.00"),
        ("revenue:per_unit", "credit", "1213.99"),
        ("vat:S:19", "credit", "561.07"),
    ]


def test_a_credit_note_takes_the_invoices_postings_back() -> None:
    both = {(row.account, row.side, row.amount) for row in postings(a_compressor_invoice())}
    turned = {
        (row.account, "credit" if row.side == "debit" else "debit", row.amount) for row in postings(a_credit_note())
    }

    assert turned == both


@pytest.mark.parametrize("build", [an_invoice_document, a_compressor_invoice, an_export_invoice, a_credit_note])
def test_debits_equal_credits(build: Callable[[], InvoiceDocument]) -> None:
    assert balance(postings(build())) == 0


@given(
    amounts=st.lists(st.decimals(min_value=-10_000, max_value=10_000, places=2), min_size=1, max_size=12),
    rate=st.sampled_from(["0", "7", "8.1", "19", "25.5"]),
)
def test_debits_equal_credits_for_any_lines_and_rate(amounts: list[Decimal], rate: str) -> None:
    totals = totals_of(
        (Money(amount, "EUR") for amount in amounts), tax_rate_percent=Decimal(rate), currency_code="EUR"
    )
    document = an_invoice_document(
        lines=tuple(
            a_line(
                number=number,
                term_id=f"term_{number}",
                rule=f"rule_{number % 3}",
                description="A line",
                quantity="-1" if amount < 0 else "1",
                unit_code="C62",
                unit_price=str(abs(amount)),
                amount=str(amount),
            )
            for number, amount in enumerate(amounts, start=1)
        ),
        tax_rate_percent=Decimal(rate),
        line_extension_amount=totals.line_extension_amount.amount,
        tax_exclusive_amount=totals.tax_exclusive_amount.amount,
        tax_amount=totals.tax_amount.amount,
        tax_inclusive_amount=totals.tax_inclusive_amount.amount,
        payable_amount=totals.payable_amount.amount,
    )

    rows = postings(document)

    assert balance(rows) == 0
    assert all(row.amount > 0 for row in rows)


def test_a_draft_is_not_posted() -> None:
    with pytest.raises(BillingError, match="issue it before it is posted"):
        postings(a_draft_document())


def test_the_csv_has_a_header_and_one_row_per_posting() -> None:
    (first, *_) = rows = list(csv.DictReader(io.StringIO(export_csv(postings(an_invoice_document())))))

    assert len(rows) == 4
    assert (first["document_number"], first["account"], first["amount"], first["due_date"]) == (
        "WELLER-2026-00003",
        "debtor:meridian_de",
        "21247.16",
        "2026-05-05",
    )


def test_the_json_rows_follow_the_schema_of_the_reference_page() -> None:
    page = (Path(__file__).parents[4] / "docs/reference/erp_export.md").read_text()
    (written,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    rows = [export_row(row) for build in (a_compressor_invoice, a_credit_note) for row in postings(build())]

    jsonschema.validate({"billing_period": "2026-03", "postings": rows}, json.loads(written))

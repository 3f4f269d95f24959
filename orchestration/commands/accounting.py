"""`lineshaft invoice export`: a month's issued documents as ledger postings."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from orchestration.commands.console import print_json


class ExportFormat(StrEnum):
    """The forms of docs/reference/erp_export.md."""

    CSV = "csv"
    JSON = "json"


def export(
    billing_period: Annotated[str, typer.Option("--period", help="The billing month, as in 2026-03.")],
    form: Annotated[ExportFormat, typer.Option("--format", help="How to write them.")] = ExportFormat.CSV,
) -> None:
    """Print a month's issued invoices and credit notes as postings: debtor, revenue by rule, VAT; no drafts."""
    from models.billing.accounting import export_csv, export_row, postings
    from models.billing.invoice_view import invoice_document
    from models.billing.invoicing import list_invoices
    from models.timeline import month_days
    from orchestration.billing.proof import operations

    month_days(billing_period)  # a month that is none is told as such, not exported as empty
    with operations() as session:
        rows = [
            posting
            for summary in list_invoices(session, billing_period=billing_period)
            if summary.invoice_number is not None
            for posting in postings(invoice_document(session, summary.invoice_id))
        ]
    if form is ExportFormat.CSV:
        typer.echo(export_csv(rows), nl=False)
    else:
        print_json({"billing_period": billing_period, "postings": [export_row(row) for row in rows]})

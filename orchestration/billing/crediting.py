"""Crediting one invoice: the credit note in the operational store, its documents beside the others.

Belongs here: one transaction, and the documents of what it made. Does not belong here: any amount, number or rule
(models.billing.crediting), or billing the period again (draft and issue it as before).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.settings import Deployment

if TYPE_CHECKING:
    from models.billing.invoicing import IssuedInvoice


@dataclass(frozen=True, kw_only=True)
class CreditedInvoice:
    """A credit note, what it takes back and why, and where its documents lie."""

    credit_note: IssuedInvoice
    invoice_number: str
    billing_period: str
    reason: str
    pdf: Path
    xml: Path | None


def credit_issued(
    deployment: Deployment, number: str, *, reason: str, issued_on: date | None = None
) -> CreditedInvoice:
    """Credit the issued invoice of that number, or id, in full; again, it returns the credit note there is.

    The documents are made once before the number is kept: a reason that cannot be printed must not use one up. A
    missing document is written again with the same bytes.

    Raises:
        BillingError: there is no such invoice, or it cannot be credited.
    """
    from models.billing.crediting import credit_invoice
    from models.billing.documents.store import rendered, write_documents
    from models.billing.invoice_view import invoice_document, invoice_row
    from models.store import open_store, sessions
    from orchestration.billing.signing import find_signer, make_checkpoints

    signer = find_signer(deployment)
    make_checkpoints(deployment)
    engine = open_store(deployment.database_url)
    try:
        with sessions(engine).begin() as session:
            note = credit_invoice(
                session,
                invoice_number=number,
                reason=reason,
                issued_at=datetime.now(UTC),
                issued_on=issued_on,
                signer=signer,
            )
            document = invoice_document(session, note.invoice_id)
            billing_period = invoice_row(session, note.invoice_id).billing_period
            if note.is_new:
                rendered(document)
    finally:
        engine.dispose()
    files = write_documents(document, deployment.invoices)
    return CreditedInvoice(
        credit_note=note,
        invoice_number=str(document.preceding_invoice_number),
        billing_period=billing_period,
        reason=str(document.credit_reason),
        pdf=files.pdf,
        xml=files.xml,
    )

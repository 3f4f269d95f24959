"""Steps of an invoice's life that a person takes: approve, send, pay, withdraw; one transaction each.

Belongs here: the store, the clock, and which drafts of a period. Does not belong here: which step may follow which
(models.billing.life_cycle), numbering and documents (invoices.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestration.billing.invoices import BlockedInvoice
from orchestration.errors import NotReadyError
from orchestration.settings import Deployment

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from models.billing.life_cycle import StepOutcome


@dataclass(frozen=True, kw_only=True)
class ApprovalReport:
    """What approving a billing period's drafts did."""

    billing_period: str
    approved: tuple[StepOutcome, ...]
    blocked: tuple[BlockedInvoice, ...]


def approve_drafts(
    deployment: Deployment, billing_period: str, *, approved_by: str, invoice_id: str | None = None
) -> ApprovalReport:
    """Approve every draft of a period as it stands, or the one of that id; what is issued already is left alone.

    Raises:
        NotReadyError: the period has no such draft.
    """
    from models.billing.invoicing import list_invoices
    from models.billing.life_cycle import UNISSUED, approve_invoice
    from models.errors import InvoiceNotIssuableError

    approved, blocked = [], []
    with _writing(deployment) as session:
        drafts = [
            row
            for row in list_invoices(session, billing_period=billing_period)
            if row.status in UNISSUED and invoice_id in {None, row.invoice_id}
        ]
        if not drafts:
            which = f"a draft {invoice_id!r}" if invoice_id else "drafts"
            raise NotReadyError(
                f"{billing_period} does not have {which}; run `lineshaft invoice draft {billing_period}` first."
            )
        for row in drafts:
            try:
                approved.append(
                    approve_invoice(
                        session, invoice_id=row.invoice_id, approved_at=datetime.now(UTC), approved_by=approved_by
                    )
                )
            except InvoiceNotIssuableError as error:
                blocked.append(
                    BlockedInvoice(
                        contract_id=row.contract_id, physical_asset_id=row.physical_asset_id, reasons=error.reasons
                    )
                )
    return ApprovalReport(billing_period=billing_period, approved=tuple(approved), blocked=tuple(blocked))


def mark_sent(deployment: Deployment, number: str, *, by: str) -> StepOutcome:
    """Note that the document of that number, or id, was sent."""
    from models.billing.life_cycle import send_invoice

    with _writing(deployment) as session:
        return send_invoice(session, number=number, sent_at=datetime.now(UTC), sent_by=by)


def mark_paid(deployment: Deployment, number: str, *, by: str) -> StepOutcome:
    """Note that the document of that number, or id, was paid."""
    from models.billing.life_cycle import pay_invoice

    with _writing(deployment) as session:
        return pay_invoice(session, number=number, paid_at=datetime.now(UTC), paid_by=by)


def withdraw(deployment: Deployment, number: str, *, reason: str, by: str) -> StepOutcome:
    """Void the invoice of that number, or id, which was never sent."""
    from models.billing.life_cycle import void_invoice

    with _writing(deployment) as session:
        return void_invoice(session, number=number, reason=reason, voided_at=datetime.now(UTC), voided_by=by)


@contextmanager
def _writing(deployment: Deployment) -> Iterator[Session]:
    from models.store import open_store, sessions

    engine = open_store(deployment.database_url)
    try:
        with sessions(engine).begin() as session:
            yield session
    finally:
        engine.dispose()

"""Correcting what was issued of a billing period: rate it again from what is known now, issue the differences.

Belongs here: which contracts and assets, one transaction each, and the documents of what was made. Does not belong
here: any amount, number or rule (models.billing.correcting). A person or an approved job calls it, never data.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.billing.invoices import BlockedInvoice, read_period
from orchestration.billing.rating_run import UnratedPeriod, rate_asset
from orchestration.errors import NotReadyError
from orchestration.settings import Deployment

if TYPE_CHECKING:
    from models.billing.correcting import Correction
    from models.billing.invoicing import InvoiceSummary


@dataclass(frozen=True, kw_only=True)
class CorrectedInvoice:
    """A correction, or that none is due, and where its documents lie."""

    correction: Correction
    pdf: Path | None = None
    xml: Path | None = None


@dataclass(frozen=True, kw_only=True)
class CorrectionReport:
    """What correcting a billing period did."""

    billing_period: str
    corrected: tuple[CorrectedInvoice, ...]
    blocked: tuple[BlockedInvoice, ...]


def correct_invoices(
    deployment: Deployment,
    billing_period: str,
    *,
    reason: str,
    invoice_number: str | None = None,
    issued_on: date | None = None,
    issued_by: str = "lineshaft",
) -> CorrectionReport:
    """Set every issued invoice of a month against what is known now, or only the one of that number or id.

    Where they differ a correction is issued; where they agree nothing happens, so a second run changes nothing. The
    documents are made once before the number is kept.

    Raises:
        NotReadyError: nothing has been built yet, or no such invoice was issued for that month.
    """
    from models.billing.contract import stored_contracts
    from models.billing.correcting import correct_invoice
    from models.billing.documents.store import rendered, write_documents
    from models.billing.invoice_view import invoice_document
    from models.billing.invoicing import list_invoices
    from models.billing.life_cycle import OWED
    from models.errors import InvoiceNotCorrectableError
    from models.store import open_store, sessions
    from orchestration.billing.signing import find_signer, make_checkpoints

    signer = find_signer(deployment)
    make_checkpoints(deployment)
    measured = read_period(deployment, billing_period)
    engine = open_store(deployment.database_url)
    corrected, blocked = [], []
    try:
        with sessions(engine, is_read_only=True).begin() as session:
            contracts = {contract.contract_id: contract for contract in stored_contracts(session)}
            issued = [
                row
                for row in list_invoices(session, billing_period=billing_period)
                if row.document_type == "invoice"
                and row.preceding_invoice_number is None
                and row.credited_by is None
                and row.status in OWED
                and invoice_number in {None, row.invoice_number, row.invoice_id}
            ]
        if not issued:
            which = f"an issued invoice {invoice_number!r}" if invoice_number else "issued invoices"
            raise NotReadyError(f"{billing_period} does not have {which} to correct; see `lineshaft invoice show`.")
        for row in issued:
            rated = rate_asset(
                contracts[row.contract_id],
                measured,
                physical_asset_id=row.physical_asset_id,
                billing_period=billing_period,
            )
            if isinstance(rated, UnratedPeriod):
                blocked.append(_blocked(row, rated.reason))
                continue
            if rated.waiting:
                blocked.append(_blocked(row, *(one.sentence for one in rated.waiting)))
                continue
            try:
                with sessions(engine).begin() as session:
                    made = correct_invoice(
                        session,
                        rating=rated.rating,
                        reason=reason,
                        issued_at=datetime.now(UTC),
                        issued_on=issued_on,
                        issued_by=issued_by,
                        signer=signer,
                    )
                    document = invoice_document(session, made.document.invoice_id) if made.document else None
                    if document is not None:  # what cannot be rendered must not use up a number
                        rendered(document)
            except InvoiceNotCorrectableError as error:
                blocked.append(_blocked(row, error.problem))
                continue
            if document is None:
                corrected.append(CorrectedInvoice(correction=made))
                continue
            files = write_documents(document, deployment.invoices)
            corrected.append(CorrectedInvoice(correction=made, pdf=files.pdf, xml=files.xml))
    finally:
        engine.dispose()
    return CorrectionReport(billing_period=billing_period, corrected=tuple(corrected), blocked=tuple(blocked))


def _blocked(row: InvoiceSummary, *reasons: str) -> BlockedInvoice:
    return BlockedInvoice(contract_id=row.contract_id, physical_asset_id=row.physical_asset_id, reasons=reasons)

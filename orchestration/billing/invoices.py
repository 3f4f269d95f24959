"""Drafting and issuing the invoices of a billing period.

Belongs here: which contract, asset and month are ready, one transaction each, the documents of what was issued.
Does not belong here: any amount, number or date (models.billing).

A draft needs the whole month: as long as an asset has not been collected past the end of the period, its last reading
may still come; and an asset of which less is known than its contract asks for waits for what a buffer still holds.
Issuing is never started by data: a person or an approved schedule calls it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.billing.rating_run import UnratedPeriod, rate_period
from orchestration.billing.readiness import WaitingKind
from orchestration.billing.usage import PeriodUsage, read_usage
from orchestration.errors import NotReadyError
from orchestration.settings import Deployment
from orchestration.warehouse.schema import open_warehouse

if TYPE_CHECKING:
    from models.billing.invoicing import DraftOutcome, IssuedInvoice

Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class BlockedInvoice:
    """An invoice that was not drawn or not issued, and why; `kinds` names what a draft waits for."""

    contract_id: str
    physical_asset_id: str
    reasons: tuple[str, ...]
    kinds: tuple[WaitingKind, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DraftReport:
    """What drafting a billing period did; an outcome with hold reasons is drawn but cannot be issued."""

    billing_period: str
    outcomes: tuple[DraftOutcome, ...]
    blocked: tuple[BlockedInvoice, ...]

    @property
    def is_ready(self) -> bool:
        """Whether every invoice of the period could be issued now."""
        return bool(self.outcomes) and not self.blocked and not any(outcome.hold_reasons for outcome in self.outcomes)


@dataclass(frozen=True, kw_only=True)
class IssuedDocument:
    """An issued invoice and where its documents lie."""

    invoice: IssuedInvoice
    pdf: Path
    xml: Path | None


@dataclass(frozen=True, kw_only=True)
class IssueReport:
    """What issuing a billing period did."""

    billing_period: str
    issued: tuple[IssuedDocument, ...]
    blocked: tuple[BlockedInvoice, ...]


def draft_invoices(deployment: Deployment, billing_period: str, *, on_progress: Progress | None = None) -> DraftReport:
    """Rate every contract and asset of a month ('YYYY-MM') and draw the drafts; drawing again changes what changed.

    Raises:
        NotReadyError: nothing has been built yet, or no contract covers an asset in that month.
    """
    from models.billing.contract import stored_contracts
    from models.billing.invoicing import draft_invoice
    from models.store import open_store, sessions
    from models.timeline import month_days

    days = month_days(billing_period)
    measured = read_period(deployment, billing_period)
    engine = open_store(deployment.database_url)
    outcomes, blocked = [], []
    try:
        with sessions(engine).begin() as session:
            contracts = stored_contracts(session)
            due = sum(
                contract.covers(asset.physical_asset_id, *days) for contract in contracts for asset in contract.assets
            )
            if not due:
                raise NotReadyError(f"No contract covers an asset for all of {billing_period}; name another month.")
            for number, rated in enumerate(rate_period(contracts, measured, billing_period=billing_period)):
                if isinstance(rated, UnratedPeriod):
                    blocked.append(
                        BlockedInvoice(
                            contract_id=rated.contract_id,
                            physical_asset_id=rated.physical_asset_id,
                            reasons=(rated.reason,),
                            kinds=("not_rated",),
                        )
                    )
                    continue
                contract_id, asset_id = rated.rating.contract.contract_id, rated.rating.physical_asset_id
                if on_progress:
                    on_progress(f"rating {contract_id} {asset_id}", number / due)
                if rated.waiting:
                    reasons = tuple(one.sentence for one in rated.waiting)
                    kinds = tuple(one.kind for one in rated.waiting)
                    blocked.append(
                        BlockedInvoice(
                            contract_id=contract_id, physical_asset_id=asset_id, reasons=reasons, kinds=kinds
                        )
                    )
                    continue
                outcomes.append(draft_invoice(session, rating=rated.rating))
    finally:
        engine.dispose()
    return DraftReport(billing_period=billing_period, outcomes=tuple(outcomes), blocked=tuple(blocked))


def issue_invoices(
    deployment: Deployment,
    billing_period: str,
    *,
    issued_on: date | None = None,
    issued_by: str = "lineshaft",
    on_progress: Progress | None = None,
) -> IssueReport:
    """Issue every draft of a month, each in its own transaction, and write the documents; issued ones stay as they are.

    Numbers follow contract and asset, so that the same drafts get the same numbers. A missing document is written
    again with the same bytes. `issued_on` is the date on the invoices, by default today.

    Raises:
        NotReadyError: the month has no drafts.
    """
    from models.billing.documents.store import rendered, write_documents
    from models.billing.invoice_view import invoice_document
    from models.billing.invoicing import issue_invoice, list_invoices
    from models.errors import InvoiceNotIssuableError
    from models.store import open_store, sessions
    from orchestration.billing.signing import find_signer, make_checkpoints

    signer = find_signer(deployment)
    make_checkpoints(deployment)
    engine = open_store(deployment.database_url)
    issued, blocked = [], []
    try:
        with sessions(engine, is_read_only=True).begin() as session:
            summaries = [row for row in list_invoices(session, billing_period=billing_period) if row.status != "void"]
        if not summaries:
            raise NotReadyError(
                f"{billing_period} has no drafts; run `lineshaft invoice draft {billing_period}` first."
            )
        for number, summary in enumerate(summaries):
            if on_progress:
                on_progress(f"issuing {summary.contract_id} {summary.physical_asset_id}", number / len(summaries))
            try:
                with sessions(engine).begin() as session:
                    invoice = issue_invoice(
                        session,
                        invoice_id=summary.invoice_id,
                        issued_at=datetime.now(UTC),
                        issued_on=issued_on,
                        signer=signer,
                        issued_by=issued_by,
                        approval=deployment.approval,
                    )
                    document = invoice_document(session, summary.invoice_id)
                    if invoice.is_new:  # what cannot be rendered must not use up a number
                        rendered(document)
            except InvoiceNotIssuableError as error:
                blocked.append(
                    BlockedInvoice(
                        contract_id=summary.contract_id,
                        physical_asset_id=summary.physical_asset_id,
                        reasons=error.reasons,
                    )
                )
                continue
            files = write_documents(document, deployment.invoices)
            issued.append(IssuedDocument(invoice=invoice, pdf=files.pdf, xml=files.xml))
    finally:
        engine.dispose()
    return IssueReport(billing_period=billing_period, issued=tuple(issued), blocked=tuple(blocked))


def read_period(deployment: Deployment, billing_period: str) -> PeriodUsage:
    """What the warehouse measured of a month; NotReadyError where nothing has been built yet."""
    import duckdb

    if not deployment.warehouse_path.exists():
        raise NotReadyError("There is no warehouse yet; run `lineshaft build` first.")
    with open_warehouse(deployment.warehouse_path) as connection:
        try:
            return read_usage(connection, billing_period=billing_period)
        except (duckdb.CatalogException, duckdb.BinderException) as error:  # not built yet, or by an earlier version
            raise NotReadyError("The warehouse holds no metered usage yet; run `lineshaft build` first.") from error

"""The corrections run: which issued invoices today's rating would write otherwise.

Belongs here: going through every billed month, and what each invoice differs by. Where an invoice has been credited
already, drawing makes the draft that replaces it.
Does not belong here: crediting or issuing; both are a person's decision.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.settings import Deployment


@dataclass(frozen=True, kw_only=True)
class Correction:
    """An issued invoice and what today's rating would bill otherwise, each as a sentence."""

    billing_period: str
    invoice_id: str
    differences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CorrectionReport:
    """What the run found, and the drafts it drew in place of invoices credited before."""

    billing_periods: tuple[str, ...]
    corrections: tuple[Correction, ...]
    drawn: tuple[str, ...]


def find_corrections(deployment: Deployment) -> CorrectionReport:
    """Rate every billed month again and compare; nothing is credited, numbered or issued.

    Raises:
        NotReadyError: nothing has been built yet.
    """
    from models.billing.invoicing import list_invoices
    from models.store import open_store, sessions
    from orchestration.billing.invoices import draft_invoices

    engine = open_store(deployment.database_url)
    try:
        with sessions(engine, is_read_only=True).begin() as session:
            summaries = list_invoices(session)
    finally:
        engine.dispose()
    periods = tuple(sorted({each.billing_period for each in summaries if each.invoice_number}))
    corrections, drawn = [], []
    for billing_period in periods:
        for outcome in draft_invoices(deployment, billing_period).outcomes:
            if outcome.change == "issued_differs":
                corrections.append(
                    Correction(
                        billing_period=billing_period, invoice_id=outcome.invoice_id, differences=outcome.differences
                    )
                )
            elif outcome.change in {"created", "replaced"}:
                drawn.append(outcome.invoice_id)
    return CorrectionReport(billing_periods=periods, corrections=tuple(corrections), drawn=tuple(drawn))

"""Wiring of billing: metered usage out of the warehouse, drafts and invoices in the operational store, the documents.

No amount is computed here: SQL meters, models.billing rates, models.billing.documents renders.
"""

from orchestration.billing.invoices import (
    BlockedInvoice,
    DraftReport,
    IssuedDocument,
    IssueReport,
    draft_invoices,
    issue_invoices,
)

__all__ = ["BlockedInvoice", "DraftReport", "IssueReport", "IssuedDocument", "draft_invoices", "issue_invoices"]

"""What can go wrong in the domain, as a small tree; every message is one sentence that says what to do.

    LineshaftError                     the root of every package's tree: anything a user can mend
    └── ModelsError
        ├── MoneyError                 a float, an unknown currency, or two currencies in one sum
        ├── TimelineError              a naive or reversed time, an unknown zone, a malformed month
        ├── DocumentError              a deployment file that cannot be accepted; carries file and place
        ├── StoreError                 the operational store cannot be opened or migrated
        └── BillingError
            ├── RatingError            usage and contract do not fit together
            ├── InvoiceNotFoundError   no invoice of that id or number
            ├── InvoiceNotIssuableError  a draft that must not become an invoice yet; carries its reasons
            ├── InvoiceStepError       a step that may not follow the one before it
            ├── InvoiceNotCorrectableError  nothing that a correction can set right, or not like this
            ├── InvoiceNotCreditableError  nothing that a credit note can take back, or not like this
            └── SigningKeyError        a key that cannot sign, or cannot be checked against

Belongs here: every exception this package raises on purpose. Does not belong here: text for a screen beyond that.
"""

from __future__ import annotations

from pathlib import Path


class LineshaftError(Exception):
    """Anything a user can mend; ingest, ml and orchestration hang their trees under it."""


class ModelsError(LineshaftError):
    """Any refusal of the domain."""


class MoneyError(ModelsError):
    """An amount that is not exact money, or amounts that do not belong together."""


class TimelineError(ModelsError):
    """A time or zone that does not name one instant."""


class DocumentError(ModelsError):
    """A deployment file that cannot be accepted."""

    def __init__(self, problem: str, *, path: Path | None = None, place: str = "") -> None:
        self.problem = problem
        self.path = path
        self.place = place
        super().__init__(": ".join(part for part in (str(path) if path else "", place, problem) if part))


class StoreError(ModelsError):
    """The operational store cannot be opened or brought to this version's tables."""


class BillingError(ModelsError):
    """Any refusal of billing."""


class RatingError(BillingError):
    """The usage given cannot be priced under the contract given."""


class InvoiceNotFoundError(BillingError):
    """No invoice carries the id or number asked for."""

    def __init__(self, invoice_id: str) -> None:
        self.invoice_id = invoice_id
        super().__init__(f"There is no invoice {invoice_id!r}; list the invoices to see which exist.")


class InvoiceNotIssuableError(BillingError):
    """The draft must not become an invoice yet."""

    def __init__(self, invoice_id: str, reasons: tuple[str, ...]) -> None:
        self.invoice_id = invoice_id
        self.reasons = reasons
        super().__init__(f"Invoice {invoice_id!r} stays a draft: {'; '.join(reasons)}.")


class InvoiceStepError(BillingError):
    """A document's status does not move like this."""

    def __init__(self, invoice_id: str, status: str, problem: str) -> None:
        self.invoice_id = invoice_id
        self.status = status
        self.problem = problem
        super().__init__(f"{invoice_id!r} cannot become {status}: {problem}.")


class InvoiceNotCorrectableError(BillingError):
    """No correction can be made of this, or not as asked."""

    def __init__(self, invoice_id: str, problem: str) -> None:
        self.invoice_id = invoice_id
        self.problem = problem
        super().__init__(f"{invoice_id!r} cannot be corrected: {problem}.")


class InvoiceNotCreditableError(BillingError):
    """No credit note can be made of this, or not as asked."""

    def __init__(self, invoice_id: str, problem: str) -> None:
        self.invoice_id = invoice_id
        self.problem = problem
        super().__init__(f"{invoice_id!r} cannot be credited: {problem}.")


class SigningKeyError(BillingError):
    """A signing or public key that cannot be used."""

"""What can go wrong between an invoice and its documents.

    InvoiceDocumentError
    ├── DraftHasNoNumberError     an e-invoice was asked of a draft
    ├── MissingBusinessTermError  a profile needs what a party does not say
    ├── MissingRulesError         a rule set of e-invoices is not installed
    ├── InexactAmountError        an amount has more decimals than an invoice can print
    ├── TypesettingError          the PDF could not be typeset as PDF/A
    ├── NoSealedCopyError         a PDF does not carry what an offline check needs
    └── IssuedFileDiffersError    a file of an issued invoice exists with other bytes

Belongs here: every exception this package raises on purpose.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from models.errors import BillingError


class InvoiceDocumentError(BillingError):
    """A document cannot be made or stored as asked."""


class DraftHasNoNumberError(InvoiceDocumentError):
    """A draft has neither number nor date, so no e-invoice can be made of it."""

    def __init__(self, *, invoice_id: str) -> None:
        self.invoice_id = invoice_id
        super().__init__(f"Invoice {invoice_id!r} is a draft without number and date; issue it before its e-invoice.")


class MissingBusinessTermError(InvoiceDocumentError):
    """The buyer's profile asks for something that the enterprise's files do not say of a party."""

    def __init__(self, *, invoice_id: str, profile: str, missing: tuple[str, ...]) -> None:
        self.invoice_id = invoice_id
        self.profile = profile
        self.missing = missing
        names = ", ".join(missing)
        super().__init__(
            f"Invoice {invoice_id!r} cannot be written as {profile}: set {names} in the enterprise's files and draw it "
            f"again."
        )


class MissingRulesError(InvoiceDocumentError):
    """The rules that an e-invoice claims to follow are not on this machine."""

    def __init__(self, *, name: str, setting: str) -> None:
        self.name = name
        super().__init__(f"{name} is not installed; name the folder that holds it in {setting}.")


class InexactAmountError(InvoiceDocumentError):
    """An amount that would have to be rounded to be printed."""

    def __init__(self, *, amount: Decimal, places: int) -> None:
        self.amount = amount
        self.places = places
        super().__init__(f"Amount {amount} has more than {places} decimals; round it where it is computed.")


class TypesettingError(InvoiceDocumentError):
    """The typesetter refused the document, or its PDF is not built as expected."""

    def __init__(self, *, invoice_id: str, problem: str) -> None:
        self.invoice_id = invoice_id
        self.problem = problem
        super().__init__(f"The PDF of invoice {invoice_id!r} could not be made: {problem}.")


class NoSealedCopyError(InvoiceDocumentError):
    """A PDF that cannot be verified from itself."""

    def __init__(self, *, problem: str) -> None:
        self.problem = problem
        super().__init__(f"This copy cannot be verified: {problem}; use the PDF as it was issued.")


class IssuedFileDiffersError(InvoiceDocumentError):
    """The file of an issued invoice is there already and says something else."""

    def __init__(self, *, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} holds other bytes of an issued invoice; move it away before writing it again.")

"""The seal of an invoice: SHA-256 over its content in one canonical spelling.

Belongs here: canonical JSON of frozen values, and what an invoice's seal covers. Does not belong here: storing it.

Canonical: keys sorted, no spaces, UTF-8, a Decimal as its shortest plain text (so 1.50 and 1.5 seal alike whichever
database kept them), an instant as ISO UTC with Z, a date as ISO. The seal covers every field of the document but
`status` (an invoice is paid without being altered), the seal itself and the signature over it. A field that earlier
documents lack (document_model.SEALED_IF_PRESENT) is left out where it is None, so that their seals still fit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from models.billing.document_model import InvoiceDocument
from models.exact import plain_text

UNSEALED = ("status", "invoice_sha256", "signature")


def canonical_json(value: object) -> str:
    """One spelling per value."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256_of(value: object) -> str:
    """The digest of the value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def invoice_sha256(document: InvoiceDocument) -> str:
    """The invoice's seal, computed from its document alone."""
    return sha256_of(sealed_members(document))


def sealed_members(document: InvoiceDocument) -> dict[str, object]:
    """What the seal covers, by name."""
    return {name: value for name, value in _members(document).items() if name not in UNSEALED}


def _members(value: object) -> dict[str, object]:
    members = {field.name: getattr(value, field.name) for field in fields(value)}  # type: ignore[arg-type]
    optional = {field.name for field in fields(value) if field.metadata.get("sealed_if_present")}  # type: ignore[arg-type]
    return {name: member for name, member in members.items() if member is not None or name not in optional}


def _plain(value: object) -> object:
    match value:
        case Decimal():
            plain: object = plain_text(value)
        case datetime():
            plain = value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            plain = value.isoformat()
        case Mapping():
            plain = {str(key): _plain(member) for key, member in value.items()}
        case list() | tuple():
            plain = [_plain(member) for member in value]
        case _ if is_dataclass(value):
            plain = _plain(_members(value))
        case None | bool() | int() | str():
            plain = value
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical spelling")
    return plain

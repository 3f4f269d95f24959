"""A checkpoint: one day's issued documents under one root, chained to the day before, signed.

Belongs here: the value, its hash, its checks. Does not belong here: when it is made and where kept (checkpoints.py).

`documents_root` is over the documents this checkpoint takes up; `log_root` over all of them since the first, so that a
consistency proof (RFC 6962, 2.1.2) shows that a later checkpoint holds all an earlier one held. The hash covers all
fields, `public_key` too: a signature that was cut off is missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from models.billing.proof.merkle import leaf_hash
from models.billing.seal import canonical_json, sha256_of


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What a checkpoint says; hashes and the key in hexadecimal, `checkpoint_date` a day of UTC."""

    checkpoint_date: date
    previous_sha256: str
    document_count: int
    documents_root: str
    log_size: int
    log_root: str
    public_key: str | None


def checkpoint_sha256(checkpoint: Checkpoint) -> str:
    """The hash that the next checkpoint names and that is signed."""
    return sha256_of(checkpoint)


def document_leaf(*, invoice_number: str, invoice_sha256: str) -> bytes:
    """The leaf hash of a document in a checkpoint's trees."""
    return leaf_hash(canonical_json({"invoice_number": invoice_number, "invoice_sha256": invoice_sha256}).encode())

"""Checkpoints as a file: what the seller publishes, and what anybody checks offline.

Belongs here: the form and its checks. Does not belong here: the store (checkpoints.py).

JSON of one object: `format`; `checkpoints`, each with `content`, `sha256` and `signature`, the oldest first, without a
gap; `consistency`, the path (RFC 6962, 2.1.2) that shows that the last one's log begins with the first one's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from models.billing.documents.errors import NoSealedCopyError
from models.billing.proof.bundle import strict_json
from models.billing.proof.checkpoint import Checkpoint
from models.billing.proof.checkpoints import SignedCheckpoint, checkpoint_problems
from models.billing.proof.merkle import is_consistent
from models.billing.proof.signing import SHA256_DIGITS, is_hex
from models.billing.seal import canonical_json, sha256_of

FORMAT = "lineshaft checkpoints 1"
_CHECKPOINT = TypeAdapter(Checkpoint)
_MEMBERS = {field.name for field in fields(Checkpoint)}


def checkpoints_file(checkpoints: Sequence[SignedCheckpoint], *, consistency: Sequence[str]) -> bytes:
    """The file of these checkpoints; the same bytes for the same content."""
    rows = [
        {"content": each.checkpoint, "sha256": each.checkpoint_sha256, "signature": each.signature}
        for each in checkpoints
    ]
    return canonical_json({"format": FORMAT, "checkpoints": rows, "consistency": consistency}).encode() + b"\n"


def verify_checkpoints_file(content: bytes, *, public_key: str | None = None) -> Iterator[str]:
    """What does not hold of such a file, a sentence each."""
    try:
        members = strict_json(content)
        rows, path = _rows(members)
    except NoSealedCopyError as unreadable:
        yield str(unreadable)
        return
    previous: SignedCheckpoint | None = None
    for row, signed in rows:
        name = f"the checkpoint of {signed.checkpoint.checkpoint_date}"
        if sha256_of(row["content"]) != signed.checkpoint_sha256:
            yield f"{name} as it stands does not have the hash it states"
        yield from checkpoint_problems(signed, previous_sha256=previous.checkpoint_sha256 if previous else None)
        if previous and signed.checkpoint.checkpoint_date != previous.checkpoint.checkpoint_date + timedelta(days=1):
            yield f"{name} does not follow the day before it"
        if public_key is not None and signed.checkpoint.public_key != public_key:
            yield f"{name} is signed by {signed.checkpoint.public_key or 'nobody'}, not by the key given"
        previous = signed
    first, last = rows[0][1].checkpoint, rows[-1][1].checkpoint
    if not is_consistent(
        old_size=first.log_size,
        old_root=bytes.fromhex(first.log_root),
        new_size=last.log_size,
        new_root=bytes.fromhex(last.log_root),
        path=[bytes.fromhex(each) for each in path],
    ):
        yield f"the log of {last.checkpoint_date} does not begin with that of {first.checkpoint_date}"


def _rows(members: Any) -> tuple[list[tuple[dict[str, Any], SignedCheckpoint]], list[str]]:
    form = NoSealedCopyError(problem=f"it is no file of the form {FORMAT!r}, or lacks a part of one")
    if not isinstance(members, dict) or members.keys() != {"format", "checkpoints", "consistency"}:
        raise form
    rows, path = members["checkpoints"], members["consistency"]
    if members["format"] != FORMAT or not isinstance(rows, list) or not rows or not isinstance(path, list):
        raise form
    try:
        read = [
            (
                row,
                SignedCheckpoint(
                    checkpoint=_CHECKPOINT.validate_python(row["content"]),
                    checkpoint_sha256=row["sha256"],
                    signature=row["signature"],
                ),
            )
            for row in rows
        ]
    except (ValidationError, KeyError, TypeError):
        raise form from None
    hashes = [*path, *(signed.checkpoint.log_root for _, signed in read)]
    if not all(is_hex(each, digits=SHA256_DIGITS) for each in hashes) or any(
        row["content"].keys() != _MEMBERS or row.keys() != {"content", "sha256", "signature"} for row in rows
    ):
        raise form
    return read, path

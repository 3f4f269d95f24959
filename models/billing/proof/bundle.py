"""The evidence bundle: one file with all that proves an invoice to somebody who is offline.

Belongs here: what the file holds, writing it, reading it strictly. Does not belong here: judging it (copies.py).

JSON of one object, compressed (gzip) or not:

- `format`: `lineshaft evidence 1`
- `invoice`: the sealed content; `invoice_sha256`: the seal; `signature` over the seal, or null
- `line_hashes`, `reading_hashes`: the leaves under the sealed roots, so that a change is named by its place
- `checkpoint`: null until the day's checkpoint is made; then `content`, `sha256`, `signature`, and the document's
  `index` and `path` in its tree

The same content in another order or spacing is the same bundle. A name that stands twice, a member too few or too many,
a number with a point or an exponent, and anything behind the end is refused: two readers must not see two contents.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Mapping
from typing import Any, NoReturn

from models.billing.document_model import InvoiceDocument
from models.billing.documents.errors import NoSealedCopyError
from models.billing.proof.checkpoints import Inclusion
from models.billing.proof.roots import line_leaves, plain_lines, reading_leaves
from models.billing.seal import canonical_json, sealed_members

FORMAT = "lineshaft evidence 1"
MEMBERS = {"format", "invoice", "invoice_sha256", "signature", "line_hashes", "reading_hashes", "checkpoint"}
CHECKPOINT_MEMBERS = {"content", "sha256", "signature", "index", "path"}
MOST_BYTES = 64 * 1024 * 1024
"""What a bundle may unpack to; a few kilobytes can claim to be gigabytes."""
_GZIP = b"\x1f\x8b"


def bundle_of(document: InvoiceDocument, *, inclusion: Inclusion | None) -> bytes:
    """The bundle of an issued document, compressed; the same bytes for the same content."""
    lines = plain_lines(document.lines)
    content = {
        "format": FORMAT,
        "invoice": sealed_members(document),
        "invoice_sha256": document.invoice_sha256,
        "signature": document.signature,
        "line_hashes": [leaf.sha256.hex() for leaf in line_leaves(lines)],
        "reading_hashes": [leaf.sha256.hex() for leaf in reading_leaves(lines)],
        "checkpoint": _checkpoint(inclusion) if inclusion else None,
    }
    return gzip.compress(canonical_json(content).encode(), mtime=0)


def read_bundle(content: bytes) -> dict[str, Any]:
    """The bundle's members, none missing and none besides.

    Raises:
        NoSealedCopyError: it is no bundle, is cut off, or says something in a second way.
    """
    members = strict_json(_unpacked(content))
    if not isinstance(members, dict) or members.get("format") != FORMAT or members.keys() != MEMBERS:
        raise NoSealedCopyError(problem=f"it is no evidence bundle of the form {FORMAT!r}, or lacks a part of one")
    checkpoint = members["checkpoint"]
    if checkpoint is not None and (not isinstance(checkpoint, dict) or checkpoint.keys() != CHECKPOINT_MEMBERS):
        raise NoSealedCopyError(problem="its checkpoint lacks a part, or holds one too many")
    return members


def strict_json(content: bytes) -> Any:
    """The value of a JSON text that every reader reads alike.

    Raises:
        NoSealedCopyError: it is no such text.
    """
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
            parse_int=_integer,
        )
    except (ValueError, RecursionError) as broken:
        raise NoSealedCopyError(problem=f"it cannot be read: {str(broken)[:200]}") from None


def _checkpoint(inclusion: Inclusion) -> Mapping[str, object]:
    return {
        "content": inclusion.signed.checkpoint,
        "sha256": inclusion.signed.checkpoint_sha256,
        "signature": inclusion.signed.signature,
        "index": inclusion.index,
        "path": inclusion.path,
    }


def _unpacked(content: bytes) -> bytes:
    if not content.startswith(_GZIP):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            unpacked = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as broken:
        raise NoSealedCopyError(problem=f"it is cut off or damaged ({broken})") from None
    if len(unpacked) > MOST_BYTES:
        raise NoSealedCopyError(problem=f"it unpacks to more than {MOST_BYTES:,} bytes")
    return unpacked


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return members


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:40]} is no whole number; amounts and readings are text")


def _integer(text: str) -> int:
    if text == "-0" or len(text) > 30:
        _refuse_number(text)
    return int(text)

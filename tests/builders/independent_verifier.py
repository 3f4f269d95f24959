"""A verifier of evidence bundles written from docs/explanation/proof_of_an_invoice.md alone: standard library only.

Belongs here: what that page says, without a line of models. Ed25519 is RFC 8032, section 6, as printed there.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from typing import Any

MEMBERS = {"format", "invoice", "invoice_sha256", "signature", "line_hashes", "reading_hashes", "checkpoint"}
CONTENT = {
    *("checkpoint_date", "previous_sha256", "document_count", "documents_root", "log_size", "log_root", "public_key"),
}
P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def holds(content: bytes) -> bool:
    """Whether the bundle holds by the page's seven rules."""
    try:
        return _holds(content)
    except (ValueError, KeyError, TypeError, EOFError, OSError, AttributeError, RecursionError):
        return False


def _holds(content: bytes) -> bool:
    bundle = json.loads(
        (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode("utf-8"),
        object_pairs_hook=_once,
        parse_float=_no_number,
        parse_constant=_no_number,
    )
    if bundle.keys() != MEMBERS or bundle["format"] != "lineshaft evidence 1":
        return False
    invoice, seal = bundle["invoice"], bundle["invoice_sha256"]
    readings, lines = [], []
    for line in invoice["lines"]:
        bare = []
        for segment in line["segments"]:
            bare.append({name: value for name, value in segment.items() if name not in ("opening", "closing")})
            for end in ("opening", "closing"):
                named = {"line_number": line["line_number"], "segment_number": segment["segment_number"], "end": end}
                readings.append(leaf(canonical({**segment[end], **named})))
        lines.append(leaf(canonical({**line, "segments": bare})))
    key = invoice.get("signing_public_key")
    return (
        hashlib.sha256(canonical(invoice)).hexdigest() == seal
        and [each.hex() for each in readings] == bundle["reading_hashes"]
        and [each.hex() for each in lines] == bundle["line_hashes"]
        and root(readings).hex() == invoice["readings_root"]
        and root(lines).hex() == invoice["lines_root"]
        and _is_signed(f"lineshaft invoice 1\n{seal}\n", key=key, signature=bundle["signature"])
        and (bundle["checkpoint"] is None or _is_in_checkpoint(bundle["checkpoint"], invoice, seal=seal))
    )


def _is_in_checkpoint(checkpoint: dict[str, Any], invoice: dict[str, Any], *, seal: str) -> bool:
    content, sha256, index = checkpoint["content"], checkpoint["sha256"], checkpoint["index"]
    if checkpoint.keys() != {"content", "sha256", "signature", "index", "path"} or content.keys() != CONTENT:
        return False
    document = leaf(canonical({"invoice_number": invoice["invoice_number"], "invoice_sha256": seal}))
    path = [_bytes(each, 64) for each in checkpoint["path"]]
    return (
        hashlib.sha256(canonical(content)).hexdigest() == sha256
        and _is_signed(
            f"lineshaft checkpoint 1\n{sha256}\n", key=content["public_key"], signature=checkpoint["signature"]
        )
        and type(index) is int
        and 0 <= index < content["document_count"]
        and reached(document, index, content["document_count"], path) == _bytes(content["documents_root"], 64)
    )


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def leaf(content: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + content).digest()


def split(size: int) -> int:
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def root(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    at = split(len(leaves))
    return hashlib.sha256(b"\x01" + root(leaves[:at]) + root(leaves[at:])).digest()


def reached(node: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root to which the path leads; the path must be as long as the tree is deep there."""
    if size == 1:
        if path:
            raise ValueError("a path too long")
        return node
    at, neighbour = split(size), path[-1] if path else b""
    if index < at:
        return hashlib.sha256(b"\x01" + reached(node, index, at, path[:-1]) + neighbour).digest()
    return hashlib.sha256(b"\x01" + neighbour + reached(node, index - at, size - at, path[:-1])).digest()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _no_number(text: str) -> Any:
    raise ValueError(text)


def _bytes(text: str, digits: int) -> bytes:
    if re.fullmatch(f"[0-9a-f]{{{digits}}}", text) is None:
        raise ValueError(text)
    return bytes.fromhex(text)


def _is_signed(message: str, *, key: str | None, signature: str | None) -> bool:
    if key is None and signature is None:
        return True
    return verify(_bytes(str(key), 64), message.encode(), _bytes(str(signature), 128))


def _add(one: Point, other: Point) -> Point:
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % P, (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _times(factor: int, point: Point) -> Point:
    result = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            result = _add(result, point)
        point, factor = _add(point, point), factor >> 1
    return result


def _point(encoded: bytes) -> Point | None:
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * SQRT_M1 % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    base, public, r = _point(_BASE), _point(key), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if base is None or public is None or r is None or s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % Q
    left, right = _times(s, base), _add(r, _times(h, public))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 == (left[1] * right[2] - right[1] * left[2]) % P


_BASE = (4 * pow(5, P - 2, P) % P).to_bytes(32, "little")

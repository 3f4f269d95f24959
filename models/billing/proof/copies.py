"""Proving an invoice from a customer's copy alone: a bundle, a PDF or an XML; and saying what was changed.

Belongs here: the checks of a copy, literal first, then its meaning (models.billing.verification).
Does not belong here: finding the parts in a PDF or XML (models.billing.documents), the seller's store.

The literal content is hashed as it stands, so "1.50" for "1.5" is an alteration too. What a copy cannot show by itself
is a whole new invoice under a new key: that is what the seller's public key, known beforehand, and checkpoints are for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from models.billing.document_model import InvoiceDocument
from models.billing.documents.errors import NoSealedCopyError
from models.billing.documents.sealed_copy import e_invoice_in_pdf, invoice_in_pdf, invoice_in_xml, read_sealed_copy
from models.billing.documents.stated import differences
from models.billing.proof.bundle import read_bundle
from models.billing.proof.checkpoint import Checkpoint, document_leaf
from models.billing.proof.checkpoints import SignedCheckpoint, checkpoint_problems
from models.billing.proof.merkle import is_included, root_of
from models.billing.proof.roots import Leaf, line_leaves, reading_leaves
from models.billing.proof.signing import SHA256_DIGITS, is_hex
from models.billing.seal import canonical_json, sealed_members, sha256_of
from models.billing.verification import Finding, verify_document

_CHECKPOINT = TypeAdapter(Checkpoint)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What does not hold of a copy, which proofs it lacks, and the key that signed it."""

    findings: tuple[Finding, ...]
    lacks: tuple[str, ...] = ()
    public_key: str | None = None


def verify_bundle(content: bytes, *, public_key: str | None = None) -> Verdict:
    """Everything that can be checked of an evidence bundle; `public_key` is the seller's, if it is known beforehand."""
    try:
        members = read_bundle(content)
        document = _document(members)
    except NoSealedCopyError as unreadable:
        return Verdict(findings=(Finding(check="bundle", sentence=str(unreadable)),))
    findings = (*_literal_findings(members, document), *verify_document(document), *_checkpoint_findings(members))
    checkpoint = members["checkpoint"]
    keys = {document.signing_public_key} | ({checkpoint["content"].get("public_key")} if checkpoint else set())
    lacks = _lacks(document)
    if checkpoint is None:
        lacks += (f"it carries no checkpoint: ask for its bundle again after {_day_of_issue(document)} (UTC)",)
    elif checkpoint["signature"] is None:
        lacks += ("its checkpoint is not signed",)
    return _verdict(findings, lacks=lacks, document=document, public_key=public_key, keys=keys)


def verify_pdf(pdf: bytes, *, public_key: str | None = None) -> Verdict:
    """The same of a PDF: its sealed copy, and whether the e-invoice in it says the same.

    Raises:
        NoSealedCopyError: it carries none.
    """
    return _verify_copy(invoice_in_pdf(pdf), xml=e_invoice_in_pdf(pdf), public_key=public_key)


def verify_xml(xml: bytes, *, public_key: str | None = None) -> Verdict:
    """The same of an e-invoice as XML.

    Raises:
        NoSealedCopyError: it carries no sealed copy.
    """
    return _verify_copy(invoice_in_xml(xml), xml=xml, public_key=public_key)


def _verify_copy(document: InvoiceDocument, *, xml: bytes, public_key: str | None) -> Verdict:
    findings = [*verify_document(document)]
    findings += [Finding(check="e-invoice", sentence=sentence) for sentence in differences(xml, document)]
    lacks = (*_lacks(document), "it was made before its day's checkpoint: the evidence bundle carries that")
    keys = {document.signing_public_key}
    return _verdict(findings, lacks=lacks, document=document, public_key=public_key, keys=keys)


def _verdict(
    findings: Sequence[Finding],
    *,
    lacks: tuple[str, ...],
    document: InvoiceDocument,
    public_key: str | None,
    keys: set[str | None],
) -> Verdict:
    found = list(findings)
    if public_key is not None and document.signing_public_key is None:
        found.append(Finding(check="key", sentence="it is not signed, and the seller's key was given"))
    found += [
        Finding(check="key", sentence=f"it is signed by the key {key}, not by the one given")
        for key in sorted(key for key in keys if isinstance(key, str))
        if public_key is not None and key != public_key
    ]
    return Verdict(findings=tuple(found), lacks=lacks, public_key=document.signing_public_key)


def _lacks(document: InvoiceDocument) -> tuple[str, ...]:
    lacks: tuple[str, ...] = ()
    if document.readings_root is None or document.lines_root is None:
        lacks += ("it was issued before invoices sealed the roots over their readings and lines",)
    if document.signing_public_key is None:
        lacks += ("it is not signed: the seller had no signing key when it was issued",)
    return lacks


def _day_of_issue(document: InvoiceDocument) -> str:
    return f"{document.issued_at:%Y-%m-%d}" if document.issued_at else "its day of issue"


def _document(members: Mapping[str, Any]) -> InvoiceDocument:
    invoice, seal, signature = members["invoice"], members["invoice_sha256"], members["signature"]
    if not isinstance(invoice, dict) or not is_hex(seal, digits=SHA256_DIGITS):
        raise NoSealedCopyError(problem="its invoice or its seal does not have the form of one")
    if signature is not None and not isinstance(signature, str):
        raise NoSealedCopyError(problem="its signature does not have the form of one")
    try:
        return read_sealed_copy(canonical_json(invoice).encode(), stated_seal=seal, signature=signature)
    except UnicodeEncodeError:
        raise NoSealedCopyError(problem="it holds half a character") from None


def _literal_findings(members: Mapping[str, Any], document: InvoiceDocument) -> Iterator[Finding]:
    invoice = members["invoice"]
    if sha256_of(invoice) != members["invoice_sha256"]:
        yield Finding(check="seal", sentence="the content as it stands does not have the hash that the seal states")
        if sha256_of(sealed_members(document)) == members["invoice_sha256"]:
            yield Finding(check="spelling", sentence="something is spelt in another way than it was sealed")
    for kind, leaves_of in (("line", line_leaves), ("reading", reading_leaves)):
        try:
            leaves = leaves_of(invoice["lines"])
        except (KeyError, TypeError, AttributeError):
            yield Finding(check="bundle", sentence="its lines do not have the form of lines")
            return
        stated = members[f"{kind}_hashes"]
        yield from _leaf_findings(kind, leaves, stated=stated, root=invoice.get(f"{kind}s_root"))


def _leaf_findings(kind: str, leaves: Sequence[Leaf], *, stated: object, root: object) -> Iterator[Finding]:
    """Names the place of a change: the stated hashes lead to the sealed root, so what differs from them was altered."""
    if not isinstance(stated, list) or not all(is_hex(each, digits=SHA256_DIGITS) for each in stated):
        yield Finding(check="root", sentence=f"the hashes of its {kind}s do not have the form of hashes")
        return
    computed = [leaf.sha256.hex() for leaf in leaves]
    if root is not None and root_of([bytes.fromhex(each) for each in stated]).hex() != root:
        yield Finding(check="root", sentence=f"the hashes of its {kind}s do not give the root over {kind}s")
    if computed == stated:
        return
    if sorted(computed) == sorted(stated):
        sentence = f"the {kind}s stand in another order than they were sealed in"
        yield Finding(check="order", sentence=sentence)
        return
    if len(computed) != len(stated):
        yield Finding(check=kind, sentence=f"{len(stated)} {kind}s were sealed, {len(computed)} are here")
    sealed = set(stated)
    for leaf in leaves:
        if leaf.sha256.hex() not in sealed:
            sentence = f"{leaf.name} is not as it was sealed"
            yield Finding(check=kind, sentence=sentence, line_number=leaf.line_number)


def _checkpoint_findings(members: Mapping[str, Any]) -> Iterator[Finding]:
    given = members["checkpoint"]
    if given is None:
        return
    content, index, path = given["content"], given["index"], given["path"]
    is_formed = (
        isinstance(content, dict)
        and content.keys() == {field.name for field in fields(Checkpoint)}
        and type(index) is int
        and isinstance(path, list)
        and all(is_hex(each, digits=SHA256_DIGITS) for each in [*path, content["documents_root"]])
        and type(content["document_count"]) is int
    )
    try:
        checkpoint = _CHECKPOINT.validate_python(content)
    except ValidationError:
        is_formed = False
    if not is_formed:
        yield Finding(check="checkpoint", sentence="its checkpoint does not have the form of one")
        return
    signed = SignedCheckpoint(checkpoint=checkpoint, checkpoint_sha256=given["sha256"], signature=given["signature"])
    if sha256_of(content) != given["sha256"]:
        yield Finding(check="checkpoint", sentence="its checkpoint as it stands does not have the hash it states")
    for sentence in checkpoint_problems(signed, previous_sha256=None):
        yield Finding(check="checkpoint", sentence=sentence)
    leaf = document_leaf(
        invoice_number=str(members["invoice"].get("invoice_number")), invoice_sha256=members["invoice_sha256"]
    )
    if not is_included(
        leaf,
        index=index,
        size=checkpoint.document_count,
        path=[bytes.fromhex(each) for each in path],
        root=bytes.fromhex(checkpoint.documents_root),
    ):
        sentence = f"the checkpoint of {checkpoint.checkpoint_date} did not take up this invoice under this seal"
        yield Finding(check="checkpoint", sentence=sentence)

"""A thousand seeded tamperings of an evidence bundle: a thousand found. What is only written otherwise stays valid."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.billing.document_model import InvoiceDocument
from models.billing.invoice_view import invoice_document
from models.billing.invoicing import draft_invoice, issue_invoice
from models.billing.proof.bundle import bundle_of, read_bundle
from models.billing.proof.checkpoints import inclusion_of, make_missing_checkpoints
from models.billing.proof.copies import verify_bundle
from models.billing.proof.signing import Signer
from models.store import sessions
from tests.builders.contracts import a_contract
from tests.builders.enterprise import a_store
from tests.builders.readings import a_rating
from tests.builders.tampering import WAYS, Members, another_key, tampered

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(b"\1" * 32))  # the same in every run, as the seeds are
SEEDS_A_TEST = 50


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The second of three invoices of a day, sealed into that day's checkpoint."""
    return a_bundle(tmp_path_factory.mktemp("store"))


def a_bundle(directory: Path) -> bytes:
    with a_store(directory, a_contract()) as engine:
        numbers = []
        for month in ("2026-01", "2026-02", "2026-03"):
            with sessions(engine).begin() as session:
                draft = draft_invoice(session, rating=a_rating(a_contract(), month=month))
                at = datetime(2026, 4, 2, 9, tzinfo=UTC)
                issued = issue_invoice(session, invoice_id=draft.invoice_id, issued_at=at, signer=SIGNER)
                numbers.append(issued)
        with sessions(engine).begin() as session:
            make_missing_checkpoints(session, now=datetime(2026, 4, 4, tzinfo=UTC), signer=SIGNER)
            document = invoice_document(session, numbers[1].invoice_id)
            return bundle_of(document, inclusion=inclusion_of(session, numbers[1].invoice_number))


@pytest.fixture
def members(bundle: bytes) -> Members:
    return read_bundle(bundle)


def checks(content: bytes, *, public_key: str | None = None) -> set[tuple[str, int | None]]:
    return {(each.check, each.line_number) for each in verify_bundle(content, public_key=public_key).findings}


def test_an_untouched_bundle_holds_and_lacks_nothing(bundle: bytes) -> None:
    verdict = verify_bundle(bundle, public_key=SIGNER.public_key)
    assert (verdict.findings, verdict.lacks, verdict.public_key) == ((), (), SIGNER.public_key)


@pytest.mark.parametrize("first", range(0, 1000, SEEDS_A_TEST))
def test_every_tampering_is_found(members: Members, first: int) -> None:
    """Without the seller's key known beforehand: the copy alone gives it away."""
    missed = [
        (seed, name)
        for seed in range(first, first + SEEDS_A_TEST)
        for name, content in [tampered(members, seed=seed)]
        if not verify_bundle(content).findings
    ]
    assert missed == []


def test_the_thousand_tamper_in_every_way(members: Members) -> None:
    counts = Counter(tampered(members, seed=seed)[0] for seed in range(1000))
    assert set(counts) == {name for name, _ in WAYS}
    assert min(counts.values()) >= 10


@pytest.mark.parametrize(
    "write",
    [
        lambda members: json.dumps(members, indent=4).encode(),
        lambda members: json.dumps(members, ensure_ascii=False, sort_keys=True).encode(),
        lambda members: json.dumps(_shuffled(members, random.Random(7)), separators=(",", ":")).encode(),
        lambda members: b"\n\t " + json.dumps(members).encode() + b"\r\n",
        lambda members: gzip.compress(json.dumps(members).encode(), 1),
    ],
)
def test_the_same_content_written_otherwise_stays_valid(members: Members, write: Callable[[Members], bytes]) -> None:
    assert verify_bundle(write(members), public_key=SIGNER.public_key).findings == ()


def test_the_place_of_a_change_is_named(members: Members) -> None:
    members["invoice"]["lines"][1]["segments"][0]["closing"]["value"] = "1"
    found = checks(json.dumps(members).encode())
    assert ("reading", 2) in found
    assert {number for check, number in found if check == "reading"} == {2}


def test_a_changed_line_is_named(members: Members) -> None:
    members["invoice"]["lines"][2]["description"] = "Other parts"
    assert ("line", 3) in checks(json.dumps(members).encode())


def test_another_order_of_lines_is_named(members: Members) -> None:
    members["invoice"]["lines"].reverse()
    assert ("order", None) in checks(json.dumps(members).encode())


def test_another_spelling_is_named(members: Members) -> None:
    members["invoice"]["payable_amount"] += "0" if "." in members["invoice"]["payable_amount"] else ".0"
    assert {check for check, _ in checks(json.dumps(members).encode())} == {"seal", "spelling"}


def test_a_whole_new_invoice_under_another_key_is_found_by_the_key_known_beforehand(members: Members) -> None:
    another_key(random.Random(1), members)
    members["checkpoint"] = None
    forged = json.dumps(members).encode()
    assert checks(forged) == set()
    assert checks(forged, public_key=SIGNER.public_key) == {("key", None)}


def test_an_unsigned_bundle_says_what_it_lacks_and_fails_where_a_key_is_given(tmp_path: Path) -> None:
    document = _unsigned(tmp_path)
    content = bundle_of(document, inclusion=None)
    verdict = verify_bundle(content)
    assert verdict.findings == ()
    assert len(verdict.lacks) == 2
    assert checks(content, public_key=SIGNER.public_key) == {("key", None)}


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe", b"\x1f\x8b", b"[" * 100_000, b'{"a":NaN}'])
def test_what_is_no_bundle_is_a_finding_and_no_traceback(content: bytes) -> None:
    assert checks(content) == {("bundle", None)}


def _unsigned(directory: Path) -> InvoiceDocument:
    with a_store(directory, a_contract()) as engine, sessions(engine).begin() as session:
        draft = draft_invoice(session, rating=a_rating(a_contract()))
        issue_invoice(session, invoice_id=draft.invoice_id, issued_at=datetime(2026, 4, 2, 9, tzinfo=UTC))
        return invoice_document(session, draft.invoice_id)


def _shuffled(value: Any, random_: random.Random) -> Any:
    if isinstance(value, dict):
        names = list(value)
        random_.shuffle(names)
        return {name: _shuffled(value[name], random_) for name in names}
    return [_shuffled(each, random_) for each in value] if isinstance(value, list) else value

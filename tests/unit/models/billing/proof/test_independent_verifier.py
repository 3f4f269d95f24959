"""A verifier written from the documentation alone comes to the same verdicts as ours."""

from __future__ import annotations

import pytest

from models.billing.proof.bundle import read_bundle
from models.billing.proof.copies import verify_bundle
from models.billing.proof.signing import create_private_key, is_signed, read_signer
from tests.builders.independent_verifier import holds, verify
from tests.builders.tampering import tampered
from tests.unit.models.billing.proof.test_tampering import a_bundle

# RFC 8032, 7.1, tests 1 and 2: key, message, signature
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return a_bundle(tmp_path_factory.mktemp("store"))


def test_an_untouched_bundle_holds_by_the_page_too(bundle: bytes) -> None:
    assert holds(bundle)
    assert verify_bundle(bundle).findings == ()


@pytest.mark.parametrize("first", range(0, 100, 25))
def test_both_verifiers_find_the_same_tamperings(bundle: bytes, first: int) -> None:
    contents = [tampered(read_bundle(bundle), seed=seed)[1] for seed in range(first, first + 25)]
    assert [holds(content) for content in contents] == [not verify_bundle(content).findings for content in contents]


@pytest.mark.parametrize(("key", "message", "signature"), RFC_8032)
def test_both_take_the_signatures_of_the_rfc_and_no_other(key: str, message: str, signature: str) -> None:
    content = bytes.fromhex(message)
    assert is_signed(content, public_key=key, signature=signature)
    assert verify(bytes.fromhex(key), content, bytes.fromhex(signature))
    assert not is_signed(content + b"1", public_key=key, signature=signature)
    assert not verify(bytes.fromhex(key), content + b"1", bytes.fromhex(signature))


def test_a_signature_with_its_second_half_moved_by_the_groups_order_is_refused() -> None:
    """The one other spelling a signature could have (RFC 8032, 8.4)."""
    signer = read_signer(create_private_key())
    signature = bytes.fromhex(signer.sign(b"1"))
    moved = int.from_bytes(signature[32:], "little") + 2**252 + 27742317777372353535851937790883648493
    other = signature[:32] + moved.to_bytes(32, "little")
    assert not is_signed(b"1", public_key=signer.public_key, signature=other.hex())
    assert not verify(bytes.fromhex(signer.public_key), b"1", other)

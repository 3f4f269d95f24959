"""Ed25519 (RFC 8032): the seller's key, what it signs, and checking a signature.

Belongs here: keys and signatures as values. Does not belong here: where a private key lies (orchestration).

Keys and signatures are written in lower-case hexadecimal, 64 and 128 digits, and in no other spelling. A key's id is
the first 16 digits of the SHA-256 of its 32 bytes. What is signed begins with words that say what it is, so that no
signed checkpoint can pass for a signed invoice.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from models.errors import SigningKeyError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_HEX = re.compile(r"[0-9a-f]*")
PUBLIC_KEY_DIGITS, SIGNATURE_DIGITS, SHA256_DIGITS = 64, 128, 64


class Signer:
    """A private key that signs and shows its public half; it never shows itself."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.public_key = private_key.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> str:
        """The signature, the same for the same message."""
        return self._private_key.sign(message).hex()


def create_private_key() -> bytes:
    """A new private key as PEM (PKCS #8), from the system's randomness."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_signer(pem: bytes) -> Signer:
    """The signer of a private key in PEM.

    Raises:
        SigningKeyError: it is no unencrypted Ed25519 private key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None  # not the library's words: they may quote the key
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyError("The signing key is no Ed25519 private key in PEM; `lineshaft keys create` makes one.")
    return Signer(key)


def public_key_pem(public_key: str) -> bytes:
    """A public key as PEM, for other tools."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_public_key(content: bytes) -> str:
    """A public key from PEM or from its 64 hexadecimal digits.

    Raises:
        SigningKeyError: it is neither.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    text = content.decode("ascii", "replace").strip()
    if is_hex(text, digits=PUBLIC_KEY_DIGITS):
        return text
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise SigningKeyError("The public key is neither an Ed25519 PEM nor 64 hexadecimal digits; ask the seller.")
    return key.public_bytes_raw().hex()


def key_id(public_key: str) -> str:
    """The short name of a public key."""
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:16]


def invoice_message(invoice_sha256: str) -> bytes:
    """What is signed of an invoice or credit note."""
    return f"lineshaft invoice 1\n{invoice_sha256}\n".encode()


def checkpoint_message(checkpoint_sha256: str) -> bytes:
    """What is signed of a checkpoint."""
    return f"lineshaft checkpoint 1\n{checkpoint_sha256}\n".encode()


def is_signed(message: bytes, *, public_key: object, signature: object) -> bool:
    """Whether the signature is this key's over this message, all in their one spelling."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not is_hex(public_key, digits=PUBLIC_KEY_DIGITS) or not is_hex(signature, digits=SIGNATURE_DIGITS):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(str(public_key))).verify(
            bytes.fromhex(str(signature)), message
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def is_hex(value: object, *, digits: int) -> bool:
    """Whether it is so many lower-case hexadecimal digits; `bytes.fromhex` takes spaces and capitals too."""
    return isinstance(value, str) and len(value) == digits and _HEX.fullmatch(value) is not None

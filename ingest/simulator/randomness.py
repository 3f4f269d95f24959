"""Seeded random streams: one per subject, so that adding a machine changes no other.

Belongs here: deriving a generator from (seed, subject). Does not belong here: drawing from it.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(*, seed: int, subject: str) -> np.random.Generator:
    """The random stream of one subject, such as a work unit's life or a site's lots."""
    digest = hashlib.blake2b(f"{seed}\0{subject}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))

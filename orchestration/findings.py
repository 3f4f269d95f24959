"""One thing the doctor looked at, and how it stands.

Belongs here: the form of a finding. Does not belong here: looking (diagnosis, mapping_diagnosis).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at: `ok`, worth a `note`, or `wrong` (the deployment will not work as it stands)."""

    subject: str
    state: Literal["ok", "note", "wrong"]
    detail: str

"""Names are the contract: compare a list of names with the one on file.

`LINESHAFT_UPDATE_SNAPSHOTS=1` writes the list anew; the change is then read in review.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def assert_matches_snapshot(names: Iterable[str], file_name: str) -> None:
    """Fail with the difference when `names` are not those in tests/golden/<file_name>."""
    path = GOLDEN / file_name
    found = sorted(names)
    if os.environ.get("LINESHAFT_UPDATE_SNAPSHOTS"):
        path.write_text("".join(f"{name}\n" for name in found), encoding="utf-8")
    expected = path.read_text(encoding="utf-8").splitlines()
    missing, new = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    assert not missing, f"{file_name}: gone without a changelog entry: {missing}"
    assert not new, f"{file_name}: new; rerun with LINESHAFT_UPDATE_SNAPSHOTS=1 and review: {new}"

"""Billing never meets a binary float: a patrol over its source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import models

ROOT = Path(models.__file__).parent
DOCUMENTS = ROOT / "billing" / "documents"  # a page's millimetres may be floats; its amounts come as Decimals
PATROLLED = sorted(
    path
    for path in [*(ROOT / "billing").rglob("*.py"), ROOT / "money.py", ROOT / "exact.py"]
    if DOCUMENTS not in path.parents
)


def floats_in(source: str) -> list[int]:
    """Lines with a float literal or the name float."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
    ]


@pytest.mark.parametrize("path", PATROLLED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_float_appears_in(path: Path) -> None:
    assert floats_in(path.read_text()) == []


def test_the_patrol_covers_billing_and_sees_what_it_looks_for() -> None:
    assert len(PATROLLED) > 15
    assert floats_in("price = 0.42\ntotal = float(price)") == [1, 2]

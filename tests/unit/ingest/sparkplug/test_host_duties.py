"""docs/reference/sparkplug_host.md names a test for every duty of a host, and every test it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[3]
PAGE = (TESTS.parent / "docs" / "reference" / "sparkplug_host.md").read_text(encoding="utf-8")
DUTIES = (TESTS / "golden" / "sparkplug_host_duties.txt").read_text(encoding="utf-8").split()
TABLE = PAGE[PAGE.index("## The duties") :]


def rows() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in TABLE.splitlines():
        cells = re.fullmatch(r"\| `(tck-id-[a-zA-Z0-9-]+)` \| (.+) \|", line)
        if cells:
            assert cells[1] not in found, f"{cells[1]} stands twice"
            found[cells[1]] = re.findall(r"`([^`]+)`", cells[2])
    return found


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_duty_stands_on_the_page_with_a_test() -> None:
    assert len(DUTIES) == 92
    assert sorted(rows()) == sorted(DUTIES)
    assert [duty for duty, tests in rows().items() if not tests] == []


def test_every_test_and_check_named_there_exists() -> None:
    checks = {name for name in functions(TESTS / "integration" / "host_duties.py") if name.startswith("check_")}
    missing = []
    for duty, tests in rows().items():
        for test in tests:
            path, _, name = test.rpartition("::")
            known = functions(TESTS / path) if path else checks
            if name not in known:
                missing.append((duty, test))
    assert missing == []


def test_every_check_on_the_wire_shows_a_duty() -> None:
    """The checks are collected by name from one module; one that no duty needs has no business there."""
    checks = {name for name in functions(TESTS / "integration" / "host_duties.py") if name.startswith("check_")}
    assert checks == {test for tests in rows().values() for test in tests if "::" not in test}

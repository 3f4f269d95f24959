"""Golden cases run through the real rating code, to the cent.

The cases come from the file that LINESHAFT_GOLDEN_CASES names, else from the whole collection beside the repository;
where neither is there, the repository's own selection runs. Any file of the same form can be run: a case that no
adapter of tests/unit/models/billing/golden accepts fails, it is never skipped.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
from decimal import Decimal
from pathlib import Path

import pytest

import tests
from tests.unit.models.billing import golden
from tests.unit.models.billing.golden.case import Adapter, Case, agrees, comparable, expected_of

REPOSITORY = Path(tests.__file__).parents[1]
SELECTION = REPOSITORY / "tests" / "golden" / "billing" / "cases.json"
COLLECTION = Path(
    os.environ.get("LINESHAFT_GOLDEN_CASES", REPOSITORY.parent / "shared" / "data" / "billing" / "golden_cases.json")
)
PAGE = REPOSITORY / "docs" / "reference" / "billing_golden_cases.md"


def read(path: Path) -> list[Case]:
    cases: list[Case] = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    return cases


def adapters() -> tuple[Adapter, ...]:
    """Those of every module of the golden package that has any."""
    modules = (
        importlib.import_module(f"{golden.__name__}.{found.name}") for found in pkgutil.iter_modules(golden.__path__)
    )
    return tuple(adapter for module in modules for adapter in getattr(module, "ADAPTERS", ()))


ADAPTERS = adapters()
CASES = read(COLLECTION if COLLECTION.exists() or "LINESHAFT_GOLDEN_CASES" in os.environ else SELECTION)
AGREEING = [case for case in CASES if case["agrees_with_recomputation"]]


def answered(case: Case) -> object:
    """What the one adapter that accepts the case answers."""
    accepting = [adapter for adapter in ADAPTERS if adapter.accepts(case)]
    names = ", ".join(adapter.name for adapter in accepting) or "none"
    assert len(accepting) == 1, f"{case['id']}: exactly one adapter must express a case, {names} accept it"
    return accepting[0].answer(case)


def our_answers() -> dict[str, object]:
    """The page's table of disagreements: id -> what we answer."""
    rows = [row.split("|") for row in PAGE.read_text(encoding="utf-8").splitlines() if row.startswith("| `")]
    return {row[1].strip(" `"): json.loads(row[4].strip(" `")) for row in rows}


@pytest.mark.parametrize("case", AGREEING, ids=lambda case: case["id"])
def test_a_case_gives_what_its_source_expects(case: Case) -> None:
    answer, expected = answered(case), expected_of(case)
    assert agrees(answer, expected), f"we answer {comparable(answer)}, the case expects {comparable(expected)}"


@pytest.mark.parametrize(
    "case", [case for case in read(SELECTION) if not case["agrees_with_recomputation"]], ids=lambda case: case["id"]
)
def test_a_case_we_disagree_with_gives_the_answer_our_page_states(case: Case) -> None:
    answer, ours = answered(case), our_answers()[case["id"]]
    assert agrees(answer, ours), f"we answer {comparable(answer)}, the page says {ours}"
    assert not agrees(answer, expected_of(case))


def test_the_page_lists_every_case_we_disagree_with() -> None:
    disagreeing = {case["id"] for case in read(SELECTION) if not case["agrees_with_recomputation"]}
    assert set(our_answers()) == disagreeing


def test_the_selection_is_taken_from_the_whole_collection_unchanged() -> None:
    if not COLLECTION.exists():
        pytest.skip(f"the whole collection of golden cases is not there ({COLLECTION.name}); the selection ran")
    if "LINESHAFT_GOLDEN_CASES" in os.environ:
        pytest.skip("LINESHAFT_GOLDEN_CASES names a file of its own")
    whole = {case["id"]: case for case in CASES}
    for case in read(SELECTION):
        assert whole[case["id"]] == case


def test_a_case_that_no_adapter_expresses_fails() -> None:
    stranger = {"id": "barter", "model": "barter", "parameters": {"goats": 2}, "usage": {"cows": 1}}
    with pytest.raises(AssertionError, match="none accept it"):
        answered(stranger)


@pytest.mark.parametrize(
    ("answer", "expected", "is_equal"),
    [
        (Decimal("1.50"), "1.5", True),
        (["1", {"a": Decimal(2)}], [1, {"a": "2.00"}], True),
        ("hold", "hold", True),
        ("0", "hold", False),
        (["1", "2"], ["2", "1"], False),
        (["1"], ["1", "2"], False),
        ({"a": "1"}, {"a": "1", "b": "2"}, False),
        (Decimal("1.005"), "1.01", False),
    ],
)
def test_an_answer_agrees_by_value_in_every_place(answer: object, expected: object, is_equal: bool) -> None:
    assert agrees(answer, expected) is is_equal

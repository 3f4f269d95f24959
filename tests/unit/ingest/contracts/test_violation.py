"""ingest.contracts.violation: what the quarantine keeps can be read by people and by machines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.contracts import Violation, violations_in
from ingest.contracts.violation import MOST_KEPT, detail_of, pointer


def a_violation(path: str = "/status") -> Violation:
    return Violation(path=path, rule="enum", message='is "fertig": use one of "started"')


def test_a_detail_is_a_line_a_violation() -> None:
    assert detail_of([a_violation()]) == '/status: enum: is "fertig": use one of "started"'


@given(st.lists(st.lists(st.text("a~/%: \n\t0ü", max_size=5) | st.integers(0, 9)), min_size=1, max_size=MOST_KEPT))
def test_every_path_survives_the_quarantine(paths: list[list[str | int]]) -> None:
    violations = tuple(a_violation(pointer(parts)) for parts in paths)
    assert violations_in(detail_of(violations)) == violations


def test_a_pointer_escapes_what_separates() -> None:
    assert pointer(["a/b", "m~n", 0, "x: y\n"]) == "/a~1b/m~0n/0/x%3A%20y%0A"


def test_only_so_many_are_kept_and_the_rest_is_counted() -> None:
    detail = detail_of([a_violation()] * (MOST_KEPT + 7))
    assert detail.endswith("\nand 7 more")
    assert len(violations_in(detail)) == MOST_KEPT


def test_another_refusal_holds_no_violations() -> None:
    assert violations_in("alias 7 is in no birth of 'milling_line' seen so far; it waits for the next birth") == ()

"""ingest.patterns: the pattern language of a deployment's files."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.patterns import compile_any, compile_with_stars

PIECES = ["*", "?", "[ab]", "[!a]", "[]", "[*]", "[", "]", "a", "b", "/", ".", "+", "^", "\\", "{1}", "\n"]
PATTERNS = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
TEXTS = st.text("ab/.*[]\\^\n{1}", max_size=8)


@given(PATTERNS, TEXTS)
def test_a_pattern_with_stars_matches_what_fnmatch_matches(pattern: str, text: str) -> None:
    assert bool(compile_with_stars(pattern).fullmatch(text)) == fnmatchcase(text, pattern)


@given(st.lists(PATTERNS, max_size=3), TEXTS)
def test_any_of_several_patterns_is_enough(patterns: list[str], text: str) -> None:
    found = compile_any(patterns)
    assert (found is not None and found.match(text) is not None) == any(fnmatchcase(text, each) for each in patterns)


@pytest.mark.parametrize(
    ("pattern", "text", "stars"),
    [
        ("Line/*/Temp", "Line/7/Temp", ("7",)),
        ("*/*", "a/b/c", ("a", "b/c")),
        ("a*", "a", ("",)),
        ("[ab]*?", "bxyz", ("xy",)),
    ],
)
def test_each_star_says_what_it_stood_for(pattern: str, text: str, stars: tuple[str, ...]) -> None:
    found = compile_with_stars(pattern).fullmatch(text)
    assert found is not None
    assert found.groups() == stars


def test_many_stars_over_a_hostile_name_end_soon() -> None:
    """Backtracking would need some 10^20 steps here: this test would not end."""
    assert compile_with_stars("*a*a*a*a*a*b").fullmatch("a" * 60_000) is None

"""The one pattern language of a deployment's files: `* ? [..]`, case-sensitive, `*` crosses `/`.

Belongs here: patterns to compiled expressions, and what their stars stand for. Does not belong here: what is matched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate

_TOKENS = re.compile(r"\[!?\]?[^\]]*\]|\*|\?|.", re.DOTALL)


def compile_any(patterns: Iterable[str]) -> re.Pattern[str] | None:
    """One expression that matches where any of the patterns does; None without patterns."""
    found = [translate(pattern) for pattern in patterns]
    return re.compile("|".join(found)) if found else None


def compile_with_stars(pattern: str) -> re.Pattern[str]:
    """The pattern with each `*` as a group of its own; the shortest text that fits is what a star stands for."""
    return re.compile("".join(map(_expression, _TOKENS.findall(pattern))), re.DOTALL)


def _expression(piece: str) -> str:
    if piece == "*":
        return "(.*?)"
    if piece == "?":
        return "."
    if len(piece) > 1:
        return translate(piece).removeprefix("(?s:").rpartition(")")[0]
    return re.escape(piece)

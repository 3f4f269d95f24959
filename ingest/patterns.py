"""The one pattern language of a deployment's files: `* ? [..]`, case-sensitive, `*` crosses `/`.

Belongs here: patterns to compiled expressions, and what their stars stand for. Does not belong here: what is matched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate

_PIECES = re.compile(r"\[!?\]?[^\]]*\]|\*|\?|.", re.DOTALL)


def compile_any(patterns: Iterable[str]) -> re.Pattern[str] | None:
    """One expression that matches where any of the patterns does; None without patterns."""
    found = [translate(pattern) for pattern in patterns]
    return re.compile("|".join(found)) if found else None


def compile_with_stars(pattern: str) -> re.Pattern[str]:
    """The pattern with each `*` as a group of its own; a star stands for the shortest text that fits.

    All but the last star are atomic, as fnmatch has it: names are hostile input, and backtracking over 60 kB of them
    would cost minutes.
    """
    parts = [""]
    for piece in _PIECES.findall(pattern):
        if piece == "*":
            parts.append("")
        else:
            parts[-1] += _expression(piece)
    first, *rest = parts
    if not rest:
        return re.compile(first, re.DOTALL)
    inner = "".join(f"(?>(.*?){part})" for part in rest[:-1])
    return re.compile(f"{first}{inner}(.*){rest[-1]}", re.DOTALL)


def _expression(piece: str) -> str:
    if piece == "?":
        return "."
    return translate(piece).removeprefix("(?s:").rpartition(")")[0] if len(piece) > 1 else re.escape(piece)

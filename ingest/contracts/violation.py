"""A broken rule: where, which, and what that means; as a value and as the line that the quarantine keeps.

Belongs here: the form of a finding. Does not belong here: finding it (checker).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MOST_KEPT = 20
"""Lines a quarantined message keeps; who sends 10,000 wrong members needs the first few to see why."""

_LINE = re.compile(r"(/\S*): ([A-Za-z_]+): (.*)")
_UNSAFE = re.compile(r"[%:\s\x00-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One broken rule: where (`/lines/0/quantity`), which (`exclusiveMinimum`) and what that means.

    The path is a JSON Pointer (RFC 6901); the rule is the JSON Schema keyword, or `unknown_event_type` or
    `unknown_event_version` where there is no contract to break.
    """

    path: str
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}: {self.message}"


def pointer(parts: Iterable[str | int]) -> str:
    """The JSON Pointer of a place in an event; what would break a line of text is percent-encoded."""
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return "/" + "/".join(_UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", part) for part in escaped)


def detail_of(violations: Iterable[Violation]) -> str:
    """One line a violation, the first `MOST_KEPT` of them; `violations_in` reads them back."""
    lines = [str(violation) for violation in violations]
    kept = lines[:MOST_KEPT]
    return "\n".join(kept if len(lines) <= MOST_KEPT else [*kept, f"and {len(lines) - MOST_KEPT} more"])


def violations_in(detail: str) -> tuple[Violation, ...]:
    """The violations that a quarantined message's detail holds; none where it was refused for another reason."""
    found = (_LINE.fullmatch(line) for line in detail.split("\n"))
    return tuple(Violation(path=each[1], rule=each[2], message=each[3]) for each in found if each)

"""How often a rebirth may be asked for: back-off and circuit breaker per edge node.

Belongs here: the pure policy. Does not belong here: the command itself (host), the reasons to ask (session).

Several hosts that ask without restraint multiply into rebirth storms; a node that never answers is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

FIRST_PAUSE_MS = 5_000
LONGEST_PAUSE_MS = 300_000
ATTEMPTS_BEFORE_BREAK = 8
BREAK_MS = 3_600_000


@dataclass(frozen=True, kw_only=True, slots=True)
class RebirthPolicy:
    """Unanswered requests so far; a birth starts anew."""

    attempts: int = 0
    next_at: int = 0

    def may_ask(self, now: int) -> bool:
        """Whether the pause after the last unanswered request is over."""
        return now >= self.next_at

    def asked(self, now: int) -> RebirthPolicy:
        """The policy after one more request."""
        attempts = self.attempts + 1
        if attempts >= ATTEMPTS_BEFORE_BREAK:
            return replace(self, attempts=0, next_at=now + BREAK_MS)
        return replace(
            self, attempts=attempts, next_at=now + min(FIRST_PAUSE_MS * 2 ** (attempts - 1), LONGEST_PAUSE_MS)
        )

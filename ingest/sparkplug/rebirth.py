"""How often a rebirth may be asked for: back-off and circuit breaker per edge node.

Belongs here: the pure policy. Does not belong here: the command itself (host), the reasons to ask (session).

Several hosts that ask without restraint multiply into rebirth storms. A node that never answers is left alone for an
hour; one that answers although the cause remains (a metric in no birth, say) is asked ever more rarely, because the
pauses start anew only after a quiet time, not after each birth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

FIRST_PAUSE_MS = 5_000
LONGEST_PAUSE_MS = 300_000
ATTEMPTS_BEFORE_BREAK = 8
BREAK_MS = 3_600_000
QUIET_MS = 900_000
"""Without a request for so long, the next one is a first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RebirthPolicy:
    """Requests of late and when the next is allowed; times in ms UTC."""

    attempts: int = 0
    asked_at: int = 0
    next_at: int = 0
    is_answered: bool = True

    def may_ask(self, now: int) -> bool:
        """Whether the pause after the last request is over."""
        return now >= self.next_at

    def asked(self, now: int) -> RebirthPolicy:
        """The policy after one more request."""
        attempts = 1 if now - self.asked_at >= QUIET_MS else self.attempts + 1
        if attempts >= ATTEMPTS_BEFORE_BREAK and not self.is_answered:
            return RebirthPolicy(attempts=0, asked_at=now, next_at=now + BREAK_MS, is_answered=False)
        return RebirthPolicy(attempts=attempts, asked_at=now, next_at=now + _pause(attempts), is_answered=False)

    def answered(self) -> RebirthPolicy:
        """The policy after a birth: the circuit closes, the pause of the last request stays."""
        return replace(self, next_at=min(self.next_at, self.asked_at + LONGEST_PAUSE_MS), is_answered=True)


def _pause(attempts: int) -> int:
    return int(min(FIRST_PAUSE_MS * 2 ** min(attempts - 1, 16), LONGEST_PAUSE_MS))

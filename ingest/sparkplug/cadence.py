"""How regularly an edge node speaks, and what its clock says is missing where `seq` cannot.

Belongs here: the usual time between two messages of one edge node, and how many whole turns of the sequence fit into a
pause. Does not belong here: the sequence itself (session), rows (loss_ledger).

256 lost messages leave the sequence unbroken: only the clock shows them. But an edge that reports by exception pauses
for a weekend and loses nothing, so a pause is called a loss only when the node is steady and the missing count falls
upon whole turns within its jitter; else the sequence is believed.

Measured on simulated nodes (tests/unit/ingest/sparkplug/test_cadence.py, seeded; a message a second, 800 losses of 1 to
19 whole turns, 8,000 harmless pauses of random length). Times jittered by 0, 20 and 45 % of the period: every loss was
found and counted exactly; pauses mistaken for a loss 0.6, 1.1 and 1.8 %. Nodes that report by exception: no pause
mistaken in 2,000, and no loss of whole turns found. A node is trusted after 192 messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TURN = 256
BLOCK = 64
"""Messages per measurement. A block of devices speaking in turn is steady although its single steps are not; 64 random
steps spread by 8 messages, 64 regular ones by less than one."""
BLOCKS_BEFORE_TRUST = 3
REMEMBERED_BLOCKS = 64
STEADY_MESSAGES = 3.0
"""How far a block of a steady node may be off, in messages; exponential steps are off by 6.4 on average."""
WIDEST_TOLERANCE = 24.0
"""Off by more than this, in messages, whole turns are told from any other count by luck alone."""


@dataclass(slots=True)
class Cadence:
    """Times in ms, by the node's own clock. `limit_ms` is the pause from which on a turn could be missing."""

    began_at: int | None = None
    count: int = 0
    blocks: int = 0
    period_ms: float = 0.0
    deviation_ms: float = 0.0
    strikes: int = 0
    limit_ms: float = float("inf")

    @property
    def steady_period_ms(self) -> float | None:
        """The usual time between two messages; None where there is none."""
        is_steady = (
            self.blocks >= BLOCKS_BEFORE_TRUST
            and self.period_ms > 0
            and self.deviation_ms <= STEADY_MESSAGES * self.period_ms
        )
        return self.period_ms if is_steady else None

    def begin(self, at: int) -> None:
        """Start a block anew: after a birth, a gap, a pause or a clock that went back."""
        self.began_at, self.count = at, 0

    def end_block(self, at: int) -> None:
        """Take the duration of a whole block into the estimate."""
        duration = float(at - self.began_at) if self.began_at is not None else 0.0
        self.begin(at)
        expected = BLOCK * self.period_ms
        if duration <= 0:
            return
        if self.blocks and abs(duration - expected) > expected / 2:
            # one odd block is a pause; several in a row are another pace, and the estimate starts again
            self.strikes += 1
            if self.strikes < BLOCKS_BEFORE_TRUST:
                return
            self.blocks = 0
        self.strikes = 0
        self.blocks = min(self.blocks + 1, REMEMBERED_BLOCKS)
        if self.blocks == 1:
            self.period_ms, self.deviation_ms = duration / BLOCK, duration
        else:
            off = abs(duration - expected)
            # the first block knows no deviation; from the second on it is a mean that forgets
            self.deviation_ms = off if self.blocks == 2 else self.deviation_ms + (off - self.deviation_ms) / 16
            self.period_ms += (duration / BLOCK - self.period_ms) / self.blocks
        self._set_limit()

    def written(self) -> list[float | int | None]:
        """The estimate as JSON values: a pause over a restart is the one that matters most."""
        return [self.began_at, self.count, self.blocks, self.period_ms, self.deviation_ms, self.strikes]

    @classmethod
    def read(cls, written: Sequence[Any]) -> Cadence:
        """The estimate that was written."""
        cadence = cls(*written)
        cadence._set_limit()
        return cadence

    def _set_limit(self) -> None:
        period = self.steady_period_ms
        self.limit_ms = float("inf") if period is None else (TURN - WIDEST_TOLERANCE) * period

    def missing_turns(self, pause_ms: float) -> int:
        """Whole turns of 256 missing in a pause between two messages whose `seq` follow one another."""
        period = self.steady_period_ms
        if period is None:
            return 0
        missing = pause_ms / period - 1
        deviation = self.deviation_ms / period
        tolerance = 1 + 2 * deviation * (1 + missing / (BLOCK * self.blocks))
        turns = round(missing / TURN)
        is_match = abs(missing - TURN * turns) <= tolerance <= WIDEST_TOLERANCE
        return turns if is_match else 0

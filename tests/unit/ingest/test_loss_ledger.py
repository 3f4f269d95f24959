"""ingest.loss_ledger: how many are missing."""

from __future__ import annotations

import random

from ingest.loss_ledger import lost_between


def test_the_clock_finds_whole_turns_that_the_sequence_cannot_see() -> None:
    """Outages of 1 to 5,000 messages, source times jittered by up to 45 % of the period."""
    dice = random.Random(7)
    for _ in range(1000):
        lost, first = dice.randint(1, 5000), dice.randrange(256)
        jitter = [dice.uniform(-0.45, 0.45) * 1000 for _ in range(2)]
        found = lost_between(
            before_seq=first,
            before_at=int(jitter[0]),
            after_seq=(first + lost + 1) % 256,
            after_at=int((lost + 1) * 1000 + jitter[1]),
            period_ms=1000.0,
        )
        assert found == lost


def test_without_a_period_the_sequence_decides_alone() -> None:
    assert lost_between(before_seq=250, before_at=0, after_seq=4, after_at=10**9, period_ms=None) == 9

"""ingest.sparkplug.rebirth: restraint."""

from __future__ import annotations

import itertools

from ingest.sparkplug.rebirth import ATTEMPTS_BEFORE_BREAK, BREAK_MS, RebirthPolicy


def test_pauses_double_and_a_node_that_never_answers_is_left_alone() -> None:
    policy, now, asked_at = RebirthPolicy(), 0, []
    while len(asked_at) < ATTEMPTS_BEFORE_BREAK + 1:
        if policy.may_ask(now):
            asked_at.append(now)
            policy = policy.asked(now)
        now += 1000
    pauses = [after - before for before, after in itertools.pairwise(asked_at)]
    assert pauses == [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, BREAK_MS]

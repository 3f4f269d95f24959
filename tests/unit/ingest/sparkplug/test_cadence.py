"""ingest.sparkplug.cadence: what a clock may say of whole turns; nodes are simulated, seeded."""

from __future__ import annotations

import random

import pytest

from ingest.sparkplug.cadence import BLOCK, TURN, Cadence

PERIOD_MS = 1000.0


def a_steady_node(dice: random.Random, *, jitter: float, messages: int = 2_000) -> tuple[Cadence, float]:
    """A node that samples each second, its times off by up to `jitter` of the period; returns its last tick too."""
    cadence = Cadence()
    cadence.begin(0)
    for tick in range(1, messages + 1):
        feed(cadence, stamp(dice, tick, jitter))
    return cadence, float(messages)


def an_irregular_node(dice: random.Random, *, messages: int = 2_000) -> Cadence:
    """A node that reports by exception: exponential steps."""
    cadence, now = Cadence(), 0.0
    cadence.begin(0)
    for _ in range(messages):
        now += dice.expovariate(1 / PERIOD_MS)
        feed(cadence, int(now))
    return cadence


def stamp(dice: random.Random, tick: float, jitter: float) -> int:
    return int((tick + dice.uniform(-jitter, jitter)) * PERIOD_MS)


def feed(cadence: Cadence, at: int) -> None:
    cadence.count += 1
    if cadence.count >= BLOCK:
        cadence.end_block(at)


def shares(jitter: float, seed: int) -> tuple[float, float]:
    """Of 400 losses of 1 to 19 whole turns: those counted exactly. Of 4,000 random pauses: those called a loss."""
    dice = random.Random(seed)
    exact = false = 0
    for _ in range(20):
        cadence, last = a_steady_node(dice, jitter=jitter)
        for _ in range(20):
            turns = dice.randint(1, 19)
            pause = stamp(dice, last + TURN * turns + 1, jitter) - stamp(dice, last, jitter)
            exact += cadence.missing_turns(pause) == turns
        for _ in range(200):
            false += cadence.missing_turns(dice.uniform(150, 20 * TURN) * PERIOD_MS) > 0
    return exact / 400, false / 4_000


@pytest.mark.parametrize(
    ("jitter", "least_exact", "most_false"), [(0.0, 1.0, 0.02), (0.2, 0.99, 0.03), (0.45, 0.99, 0.05)]
)
def test_whole_turns_of_a_steady_node_are_counted_and_few_pauses_are_mistaken(
    jitter: float, least_exact: float, most_false: float
) -> None:
    exact, false = shares(jitter, seed=7)
    assert exact >= least_exact
    assert false <= most_false


def test_a_node_that_reports_by_exception_is_believed_by_its_sequence() -> None:
    dice = random.Random(11)
    nodes = [an_irregular_node(dice) for _ in range(40)]
    claims = sum(node.missing_turns(dice.uniform(150, 20 * TURN) * PERIOD_MS) > 0 for node in nodes for _ in range(50))
    assert claims == 0


def test_devices_that_speak_in_turn_make_a_steady_node() -> None:
    cadence = Cadence()
    cadence.begin(0)
    for cycle in range(1, 300):
        for _device in range(5):
            feed(cadence, cycle * 1000)
    assert cadence.steady_period_ms == pytest.approx(200, rel=0.02)
    assert cadence.missing_turns(200 * (TURN + 1)) == 1


def test_another_pace_is_learned_after_a_few_blocks() -> None:
    cadence, _ = a_steady_node(random.Random(3), jitter=0.1)
    now = 2_000_000
    cadence.begin(now)
    for _ in range(BLOCK * 8):
        now += 100
        feed(cadence, now)
    assert cadence.steady_period_ms == pytest.approx(100)


def test_a_young_node_is_not_trusted() -> None:
    cadence, _ = a_steady_node(random.Random(5), jitter=0.1, messages=BLOCK * 2)
    assert (cadence.steady_period_ms, cadence.missing_turns(257 * PERIOD_MS)) == (None, 0)

"""Hostile input for minutes on end: random and mutated messages through decoder and landing, every law asserted.

    python benchmarks/fuzz.py --minutes 5 --seed 1

Prints what arrived, what landed, what was refused and why, and the peak of memory. A seed repeats a run message by
message up to the moment it ends; a broken law ends it with the number of the batch and its seed.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.builders.accounting import Ledger
from tests.builders.hostile import JSON_BOMBS, JSON_TOPIC, SPARKPLUG_BOMBS, SPARKPLUG_TOPIC, random_arrival
from tests.builders.memory import peak_kib
from tests.builders.recordings import golden_recordings
from tests.builders.sparkplug import a_site

BATCH = 200
BOMBS_EVERY = 50
"""Batches between two bombs: with more of them the run is about little else."""
LEDGER_LIFE = 200
"""Batches before a new home and a new decoder, so that a run begins from nothing now and then."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    recorded = [(line.topic, line.payload) for line in golden_recordings(group_id="hamburg")]
    bombs = [(SPARKPLUG_TOPIC, make) for make in SPARKPLUG_BOMBS.values()]
    bombs += [(JSON_TOPIC, make) for make in JSON_BOMBS.values()]
    totals: dict[str, int] = {}
    began, number = time.monotonic(), 0
    while time.monotonic() - began < chosen.minutes * 60:
        with tempfile.TemporaryDirectory() as home:
            ledger = Ledger(a_site(), Path(home))
            for _ in range(LEDGER_LIFE):
                source = random.Random(f"{chosen.seed}/{number}")
                arrivals = [random_arrival(source, recorded) for _ in range(BATCH)]
                if number % BOMBS_EVERY == 0:
                    topic, make = bombs[number // BOMBS_EVERY % len(bombs)]
                    arrivals.insert(source.randrange(BATCH), (topic, make()))
                try:
                    ledger.take(arrivals)
                except BaseException:
                    print(f"a law is broken in batch {number} of seed {chosen.seed}", file=sys.stderr)
                    raise
                number += 1
                if time.monotonic() - began >= chosen.minutes * 60:
                    break
            for name, count in ledger.counts.items():
                totals[name] = totals.get(name, 0) + count
    seconds = time.monotonic() - began
    peak = peak_kib() / 1024
    print(f"seed {chosen.seed}: {number} batches committed in {seconds:.0f} s, peak memory {peak:.0f} MiB")
    for name, count in sorted(totals.items()):
        print(f"  {name:<32}{count:>12,}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

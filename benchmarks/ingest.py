"""Ingest against its peers, every figure a ratio in one run on mosquitto.

    python benchmarks/ingest.py [--only receive,decode,…] [--messages 50000] [--repeats 3] [--gate]

Prints `figure  ours  peer  ratio  target  met/MISSED`. With --gate the exit code is 1 if a target is missed. A peer
that is not installed is skipped with a sentence that says how to get it; nothing is downloaded. Peers that need
Postgres use LINESHAFT_BENCHMARK_POSTGRES_URL, else LINESHAFT_TEST_POSTGRES_URL: a schema of their own, dropped after.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before this folder, whose ingest.py is no package

from benchmarks.ingestion import (
    decoding,
    deduplicating,
    end_to_end,
    freshness,
    memory,
    overload,
    receiving,
)
from benchmarks.ingestion.figures import Report

Part = Callable[..., None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=50_000, help="messages of a burst")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each contestant, interleaved; medians count")
    parser.add_argument("--only", default="", help="parts, separated by commas")
    parser.add_argument("--peers", default="", help="end-to-end peers, separated by commas")
    parser.add_argument("--rows", type=int, default=100_000_000, help="readings of the large table")
    parser.add_argument("--hour-rate", type=int, default=100, help="messages a second whose hour is played fast")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of the freshness and overload runs")
    parser.add_argument("--gate", action="store_true", help="exit 1 if a target is missed")
    given = parser.parse_args()
    peers = tuple(given.peers.split(",")) if given.peers else end_to_end.PEERS
    parts: dict[str, Part] = {
        "receive": partial(receiving.measure, messages=given.messages, repeats=given.repeats),
        "decode": partial(decoding.measure, messages=min(given.messages, 20_000), repeats=given.repeats),
        "end_to_end": partial(end_to_end.measure, messages=given.messages, repeats=given.repeats, peers=peers),
        "deduplicate": partial(deduplicating.measure, rows=given.rows),
        "overload": partial(overload.measure, seconds=given.seconds, messages=given.messages),
        "memory": partial(memory.measure, hour_rate=given.hour_rate, messages=given.messages),
        "freshness": partial(freshness.measure, seconds=given.seconds),
    }
    wanted = given.only.split(",") if given.only else list(parts)
    if unknown := set(wanted) - set(parts):
        parser.error(f"unknown parts {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    if not (shutil.which("mosquitto") or Path("/usr/sbin/mosquitto").exists()):
        raise SystemExit("mosquitto is not installed: apt-get install mosquitto")
    report = Report()
    print(report.heading(), flush=True)
    for name in wanted:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"lineshaft-{name}-") as directory:
            parts[name](report, directory=Path(directory))
        report.note(f"({name}: {time.monotonic() - began:.0f} s)")
    missed = [figure.name for figure in report.figures if not figure.is_met]
    print(f"{len(report.figures)} figures, {len(missed)} missed, {len(report.skipped)} skipped")
    if given.gate and missed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

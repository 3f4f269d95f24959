"""NASA's FD001 whole, from MQTT to a graded remaining life, against two baselines measured in the same run.

    python benchmarks/replay.py [PATH] [--broker URL]

Prints how much slower publishing is with a collector that lands everything durably than with a subscriber that counts
and forgets (ratio of seconds), and how the model's error compares with guessing every engine the same life (ratio of
RMSE). PATH holds train_FD001.txt.gz, test_FD001.txt.gz and RUL_FD001.txt; without a broker the embedded one is used.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before this folder, whose ingest.py is no package

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from ingest.simulator.cmapss import publish_cmapss
from ingest.simulator.embedded_broker import embedded_broker
from ingest.site import Broker
from orchestration.replaying import replay_cmapss

SUBSET = "FD001"
DEFAULT_PATH = Path(__file__).resolve().parents[2] / "shared" / "data" / "predictive" / "cmapss"


def forgetful_seconds(path: Path, *, url: str) -> float:
    """Seconds to publish everything to a subscriber that only counts."""
    broker = Broker(url=url)
    counted, done = [0], threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="forgetful")
    client.on_message = lambda *_: counted.__setitem__(0, counted[0] + 1)
    client.on_subscribe = lambda *_: done.set()
    client.connect(broker.host, broker.port)
    client.subscribe([("spBv1.0/cmapss/#", 1), ("nasa/#", 1)])
    client.loop_start()
    done.wait(10)
    started = time.monotonic()
    account = asyncio.run(publish_cmapss(path, subset=SUBSET, broker_url=url))
    while counted[0] < account.published and time.monotonic() - started < 600:
        time.sleep(0.05)
    seconds = time.monotonic() - started
    client.loop_stop()
    client.disconnect()
    return seconds


def constant_rmse(path: Path) -> float:
    """The error of answering every engine with the mean of the true lives, capped: the best a constant can do."""
    lives = [min(float(life), 125.0) for life in (path / f"RUL_{SUBSET}.txt").read_text().split()]
    mean = sum(lives) / len(lives)
    return (sum((life - mean) ** 2 for life in lives) / len(lives)) ** 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", nargs="?", type=Path, default=DEFAULT_PATH)
    parser.add_argument("--broker")
    given = parser.parse_args()
    if not given.path.is_dir():
        print(f"skipped: no folder {given.path}")
        return
    with ExitStack() as stack:
        url = given.broker or stack.enter_context(embedded_broker())
        forgetful = forgetful_seconds(given.path, url=url)
    collected: list[float] = []
    started = time.monotonic()

    def watch(what: str, _fraction: float) -> None:
        if what == "looking for changes":
            collected.append(time.monotonic() - started)

    with tempfile.TemporaryDirectory() as home:
        outcome = replay_cmapss(
            given.path,
            subset=SUBSET,
            home=Path(home),
            broker_url=given.broker,
            protocol="5" if given.broker else None,
            on_progress=watch,
        )
    whole, constant = time.monotonic() - started, constant_rmse(given.path)
    error = outcome.grade["rmse_cap125"]
    print(
        f"{outcome.published:,} messages; test readings {outcome.found_reading_count:,} of "
        f"{outcome.expected_reading_count:,}, each exactly once: {outcome.is_exact}"
    )
    print(
        f"publish and count {forgetful:.1f} s; publish and land durably {collected[0]:.1f} s "
        f"(collector start included); ratio {collected[0] / forgetful:.2f}"
    )
    print(f"MQTT to grade {whole:.1f} s")
    print(
        f"RMSE capped at 125: {error:.2f}, raw: {outcome.grade['rmse_raw']:.2f}; best constant {constant:.2f}; "
        f"ratio {error / constant:.2f}; NASA score {outcome.grade['score_cap125']:.0f}"
    )


if __name__ == "__main__":
    main()

"""Compaction as the storm needs it: again and again, with so few files spared that it always has work.

    python -m tests.integration.storm.compacting HOME

Belongs here: the loop around the product's compaction. Does not belong here: compaction.
"""

from __future__ import annotations

import importlib
import importlib.util
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

EVERY_S = 1.0
OLDER_THAN = timedelta(seconds=3)
SPARED = 5


def is_available() -> bool:
    return importlib.util.find_spec("ingest.compaction") is not None


def main(home: Path) -> None:
    compaction = importlib.import_module("ingest.compaction")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("compacting", flush=True)
    while not stop.wait(EVERY_S):
        limits = compaction.Limits(recent_manifests=SPARED, fewest_bound=SPARED)
        report = compaction.compact(home, older_than=OLDER_THAN, limits=limits)
        if report.merged_file_count:
            print(f"merged {report.merged_file_count}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

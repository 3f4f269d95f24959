"""Loading as the storm needs it: what landed goes into the warehouse, again and again, and may be killed anywhere.

    python -m tests.integration.storm.loading HOME

Belongs here: the loop around the product's loader. Does not belong here: loading.
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from orchestration.warehouse.landed import read_landed_files
from orchestration.warehouse.loader import load_files
from orchestration.warehouse.schema import LANDED_TABLES, open_warehouse

IDLE_S = 0.3


def load_what_landed(home: Path) -> int:
    """Load every landed file that is not loaded yet; returns how many there were."""
    files = [file for batch in read_landed_files(home).values() for file in batch]
    with open_warehouse(home / "warehouse.duckdb") as connection:
        return sum(load_files(connection, table=table, files=files, home=home).file_count for table in LANDED_TABLES)


def main(home: Path) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("loading", flush=True)
    while not stop.is_set():
        load_what_landed(home)
        stop.wait(IDLE_S)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

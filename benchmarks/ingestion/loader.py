"""Our loader as a contestant: what has landed goes into the warehouse, again and again, by the product's own code.

    python -m benchmarks.ingestion.loader HOME

Belongs here: the loop, and telling how many readings are committed. Does not belong here: loading.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from pathlib import Path

from ingest.landing import read_manifests
from orchestration.warehouse.loader import fetch_count, load_files
from orchestration.warehouse.schema import LANDED_TABLES, open_warehouse

IDLE_S = 0.1


def main(home: Path) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with open_warehouse(home / "warehouse.duckdb") as connection:
        rows = fetch_count(connection, "select count(*) from raw.reading")
        print(json.dumps({"ready": True, "loaded": rows}), flush=True)
        last = ""
        while not stop.is_set():
            manifests = list(read_manifests(home, after=last))
            if not manifests:
                stop.wait(IDLE_S)
                continue
            files = [file for manifest in manifests for file in manifest.files]
            for table in LANDED_TABLES:
                count = load_files(connection, table=table, files=files, home=home)
                if count.rejections:
                    raise SystemExit(f"rejected: {count.rejections[0]}")
                if table.name == "reading":
                    rows += count.row_count
            last = manifests[-1].path
            print(json.dumps({"loaded": rows, "at": time.time()}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

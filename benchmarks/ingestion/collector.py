"""Our collector as a contestant: the product's own `collect`, on request with timers around its stages.

    python -m benchmarks.ingestion.collector '{"url": "mqtt://127.0.0.1:1883", "home": "/tmp/home", "is_timed": false}'

Belongs here: starting it and telling what it did. Does not belong here: any of its work.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.ingestion.our_decoding import a_site
from benchmarks.ingestion.stages import Stages
from ingest.collector import collect
from ingest.report import BatchReport


async def main(given: dict[str, Any]) -> None:
    stages = Stages.around_the_collector() if given.get("is_timed") else None
    stop, landed = asyncio.Event(), [0]
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    def tell_ready() -> None:
        if stages is not None:
            stages.reset()
        print(json.dumps({"ready": True}), flush=True)

    def tell_batch(batch: BatchReport) -> None:
        landed[0] += batch.reading_count
        print(json.dumps({"landed": landed[0], "at": time.time()}), flush=True)

    report = await collect(
        [a_site(given["url"])],
        home=Path(given["home"]),
        stop=stop,
        on_ready=tell_ready,
        on_batch=tell_batch,
        **given.get("options", {}),
    )
    said: dict[str, Any] = {"report": vars(report)}
    if stages is not None:
        said["stages"] = stages.shares()
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))

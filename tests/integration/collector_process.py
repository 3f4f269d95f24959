"""A collector as a process of its own, so that tests can kill it: sites come as one JSON line on standard input."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

from ingest.collector import collect
from ingest.site import Site


async def main(home: Path, sites: list[Site], options: dict[str, Any]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await collect(sites, home=home, stop=stop, **options)


if __name__ == "__main__":
    given = json.loads(sys.stdin.readline())
    asyncio.run(main(Path(sys.argv[1]), [Site.model_validate(site) for site in given], json.loads(sys.argv[2])))

"""Our receive path alone: the durable link drained, counted and acknowledged; nothing decoded, nothing landed.

python -m benchmarks.ingestion.receiver PORT COUNT TOPIC
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from ingest.broker import DurableLink
from ingest.site import Broker

DRAIN_EVERY_S = 0.02


async def main(port: int, count: int, topic: str) -> None:
    arrived = asyncio.Event()
    broker = Broker(url=f"mqtt://127.0.0.1:{port}")
    link = DurableLink(broker, client_id=f"receiver-{time.time_ns()}", filters=(topic,), arrived=arrived)
    running = asyncio.create_task(link.run())
    await link.is_ready.wait()
    print(json.dumps({"ready": True}), flush=True)
    received = 0
    while received < count:
        await arrived.wait()
        await asyncio.sleep(DRAIN_EVERY_S)
        arrived.clear()
        taken = link.drain(1_000_000)
        received += len(taken)
        link.acknowledge(taken)
    print(json.dumps({"done": received, "at": time.time()}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    running.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))

"""Peer (a): a bare `async for` over aiomqtt's messages that only counts; it acknowledges on receipt.

python -m benchmarks.ingestion.peers.aiomqtt_count PORT COUNT TOPIC
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import aiomqtt


async def main(port: int, count: int, topic: str) -> None:
    # aiomqtt's default, MQTT 3.1.1, is its faster side: under 5 paho reads properties, at twice the time a message
    async with aiomqtt.Client("127.0.0.1", port, identifier="bare-loop") as client:
        await client.subscribe(topic, qos=1)
        print(json.dumps({"ready": True}), flush=True)
        received = 0
        async for _ in client.messages:
            received += 1
            if received == count:
                break
        print(json.dumps({"done": received, "at": time.time()}), flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))

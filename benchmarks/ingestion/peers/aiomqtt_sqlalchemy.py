"""Peer (d), the straightforward script: `async for`, per-metric Python, one SQLAlchemy commit per message.

    python -m benchmarks.ingestion.peers.aiomqtt_sqlalchemy PORT COUNT TOPIC DATABASE_URL

It acknowledges on receipt, before the commit.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime

import aiomqtt
import sqlalchemy as sa

from benchmarks.ingestion.postgres import METADATA, READING, SCHEMA
from ingest.sparkplug.sparkplug_b_pb2 import Payload


def rows_of(topic: str, data: bytes) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for metric in Payload.FromString(data).metrics:
        value = getattr(metric, metric.WhichOneof("value"))
        is_text = isinstance(value, str)
        rows.append(
            {
                "topic": topic,
                "metric_name": metric.name,
                "event_at": datetime.fromtimestamp(metric.timestamp / 1000, UTC),
                "value_double": None if is_text else float(value),
                "value_text": value if is_text else None,
            }
        )
    return rows


async def main(port: int, count: int, topic: str, address: str) -> None:
    engine = sa.create_engine(address)
    if engine.dialect.name == "sqlite":
        engine = engine.execution_options(schema_translate_map={SCHEMA: None})
        METADATA.create_all(engine)
    async with aiomqtt.Client("127.0.0.1", port, identifier="straightforward") as client:
        await client.subscribe(topic, qos=1)
        with engine.connect() as connection:
            print(json.dumps({"ready": True}), flush=True)
            received = 0
            async for message in client.messages:
                connection.execute(sa.insert(READING), rows_of(str(message.topic), bytes(message.payload)))
                connection.commit()
                received += 1
                if received == count:
                    break
        print(json.dumps({"done": received, "at": time.time()}), flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]))

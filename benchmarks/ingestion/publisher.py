"""The publisher as a process: it prepares its packets, says so, and sends them when told.

    python -m benchmarks.ingestion.publisher '{"port": 1883, "count": 20000, "aliases": true}'

Belongs here: a burst, a paced run, births, messages stamped as they are sent. Does not belong here: their bytes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

from benchmarks.ingestion.stream import CHUNK, Data, births
from tests.builders.mqtt_wire import WirePublisher, paced, publish_packet


def main() -> None:
    given = json.loads(sys.argv[1])
    count, rate, with_aliases = given["count"], given.get("per_second"), given["aliases"]
    now = time.time_ns() // 1_000_000
    span = given.get("step_ms", 1.0) * count
    data = Data(at=int(now - span - 1_000), with_aliases=with_aliases, step_ms=given.get("step_ms", 1.0))
    publisher = WirePublisher(given["port"], client_id=given.get("client_id", "benchmark-publisher"))
    if given.get("births", True):
        declared = births(at=data.at - 1, with_aliases=with_aliases)
        packets = [publish_packet(topic, payload, packet_id=1 + at) for at, (topic, payload) in enumerate(declared)]
        publisher.send_all([(len(packets), b"".join(packets))])
    is_live = given.get("live", False)
    chunks: Iterator[tuple[int, bytes]] = _live(data, count) if is_live else data.chunks(count)
    if count <= 200_000 and not is_live:
        chunks = iter(list(chunks))
    print(json.dumps({"prepared": count, "base_at": data.at}), flush=True)
    sys.stdin.readline()
    started, cpu = time.time(), time.process_time()
    publisher.send_all(paced(chunks, per_second=rate) if rate else chunks)
    seconds = time.time() - started
    print(
        json.dumps({"sent": count, "started_at": started, "seconds": seconds, "cpu": time.process_time() - cpu}),
        flush=True,
    )
    publisher.close()


def _live(data: Data, count: int) -> Iterator[tuple[int, bytes]]:
    """Each handful is stamped when it leaves."""
    size = CHUNK // 2
    for start in range(0, count, size):
        numbers = range(start, min(start + size, count))
        now = time.time_ns() // 1_000_000
        yield len(numbers), b"".join(data.packet(number, at=now) for number in numbers)


if __name__ == "__main__":
    main()

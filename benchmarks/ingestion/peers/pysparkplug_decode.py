"""Peer: pysparkplug's own decoding, in its own environment (it needs paho-mqtt below 2); knows nothing of ours.

    .venv-peers/bin/python benchmarks/ingestion/peers/pysparkplug_decode.py FILE REPEATS

FILE holds a DBIRTH, then DDATA payloads, each behind its length in four bytes. Prints CPU seconds a pass.
"""

from __future__ import annotations

import json
import struct
import sys
import time
from pathlib import Path

from pysparkplug import DBirth, DData


def main() -> None:
    data, payloads, at = Path(sys.argv[1]).read_bytes(), [], 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        payloads.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    birth = DBirth.decode(payloads.pop(0))
    passes = []
    for _ in range(int(sys.argv[2])):
        started = time.process_time()
        metrics = sum(len(DData.decode(payload, birth=birth).metrics) for payload in payloads)
        passes.append(time.process_time() - started)
    print(json.dumps({"passes": passes, "metrics": metrics}), flush=True)


if __name__ == "__main__":
    main()

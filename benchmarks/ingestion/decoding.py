"""Decoding alone: time per metric against pysparkplug's and against a decoder in C, which is the limit.

Belongs here: the comparison. Does not belong here: what ours consists of (our_decoding).
"""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import subprocess
import time
from itertools import repeat
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.ingestion.figures import Figure, Report, median
from benchmarks.ingestion.our_decoding import BATCH, a_decoder, decode_payloads, decode_to_tables
from benchmarks.ingestion.processes import REPOSITORY, running
from benchmarks.ingestion.stream import METRICS, Data, births
from ingest.collector import seldom_collected


def measure(report: Report, *, directory: Path, messages: int, repeats: int) -> None:
    now = time.time_ns() // 1_000_000
    data = Data(at=now - messages - 1_000, with_aliases=True)
    arrivals = data.arrivals(messages, received_at=now * 1000)
    payloads = [arrival.payload for arrival in arrivals]
    metrics = messages * METRICS
    file = directory / "payloads"
    birth = births(at=data.at - 1, with_aliases=True)[1][1]
    file.write_bytes(b"".join(struct.pack("<I", len(each)) + each for each in (birth, *payloads)))
    library = compile_decoder(directory)
    ours, peer, limit = [], [], []
    decode_to_tables(a_decoder(at=data.at - 1), arrivals[:500], now=now)  # what is imported late is imported now
    whole = []
    for _ in range(repeats):
        started = time.process_time()
        decode_payloads(arrivals)
        ours.append((time.process_time() - started) / metrics * 1e6)
        decoder = a_decoder(at=data.at - 1)
        with seldom_collected():  # as the collector runs
            started = time.process_time()
            decode_to_tables(decoder, arrivals, now=now)
            whole.append((time.process_time() - started) / metrics * 1e6)
        if (python := pysparkplug_python()) is not None:
            peer += [seconds / metrics * 1e6 for seconds in pysparkplug_passes(python, file)]
        if library is not None:
            limit.append(c_seconds(library, payloads) / metrics * 1e6)
    mine = median(ours)
    report.note(
        f"{len(payloads[0])} bytes a message; decoding is payloads to metrics, which is what all three do here;"
    )
    report.note(
        f"with identity, session, names and typed tables ours takes {median(whole):.3f} µs/metric, peers do not"
    )
    if peer:
        report.add(
            Figure(
                name="decode, metrics per second, against pysparkplug",
                ours=1e6 / mine,
                peer=1e6 / median(peer),
                unit="metrics/s",
                target=7,
            )
        )
    else:
        report.skip("pysparkplug is not installed: make .venv-peers as .ci/run does")
    if limit:
        report.add(
            Figure(
                name="decode, time per metric, against a C decoder",
                ours=mine,
                peer=median(limit),
                unit="µs/metric",
                target=6,
                bound="at_most",
            )
        )
    else:
        report.skip("no C compiler: apt-get install gcc")


def pysparkplug_python() -> Path | None:
    python = Path(os.environ.get("LINESHAFT_PEERS_VENV", REPOSITORY / ".venv-peers")) / "bin" / "python"
    return python if python.exists() else None


def pysparkplug_passes(python: Path, file: Path) -> list[float]:
    program = Path(__file__).parent / "peers" / "pysparkplug_decode.py"
    with running([str(python), str(program), str(file), "1"], environment={"PYTHONPATH": ""}) as child:
        return [float(each) for each in child.wait_for("passes")["passes"]]


def compile_decoder(directory: Path) -> ctypes.CDLL | None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    library = directory / "decoder.so"
    source = Path(__file__).parent / "decoder.c"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
    return ctypes.CDLL(str(library))


def c_seconds(library: ctypes.CDLL, payloads: list[bytes]) -> float:
    """CPU seconds of one pass, in batches as large as ours, each into columns of its own; the median of five."""
    library.decode.restype = ctypes.c_int64
    batches = [payloads[start : start + BATCH] for start in range(0, len(payloads), BATCH)]
    joined = [np.frombuffer(b"".join(batch), dtype=np.uint8) for batch in batches]
    offsets = [np.concatenate([[0], np.cumsum([len(each) for each in batch])]).astype(np.uint64) for batch in batches]
    return median([sum(map(_c_batch, repeat(library), joined, offsets)) for _ in range(5)])


def _c_batch(library: ctypes.CDLL, data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.uint64]) -> float:
    metrics = (len(offsets) - 1) * METRICS
    wide, narrow, small = np.uint64, np.uint32, np.uint8
    kinds = (wide, wide, wide, wide, np.float64, narrow, narrow, narrow, small, small)  # as in decoder.c's `columns`
    columns = [np.empty(metrics, dtype=kind) for kind in kinds]
    columns.append(np.empty(len(data), dtype=np.uint8))
    pointers = (ctypes.c_void_p * len(columns))(*(column.ctypes.data for column in columns))
    started = time.process_time_ns()
    found = library.decode(
        ctypes.c_void_p(data.ctypes.data),
        ctypes.c_void_p(offsets.ctypes.data),
        ctypes.c_int64(len(offsets) - 1),
        pointers,
        ctypes.c_int64(metrics),
    )
    seconds = (time.process_time_ns() - started) / 1e9
    if found != metrics:
        raise AssertionError(f"the C decoder found {found} metrics, not {metrics}")
    if columns[4][METRICS] != columns[4][0] + 0.25:  # one message's first double after another's
        raise AssertionError("the C decoder read other values than were written")
    return seconds

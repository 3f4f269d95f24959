"""Landing, compaction and load as work that can be made to fail at any system call: a process that forks a worker.

Run as `python -m tests.integration.storage_work`; it answers one JSON line per JSON line. Each request forks a worker,
attaches strace to it before it begins (imports are paid once, and no call before the work is counted), and tells how it
ended. Names are the same in every run from the same seed, so that strace can be told which files to watch.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
import uuid
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb  # noqa: F401 - what the work imports when it runs is imported once, before the forks
import pandas as pd  # noqa: F401 - the same: pyarrow looks for it at its first list
import pyarrow as pa
import pyarrow.compute as pc  # noqa: F401 - the same

import ingest.collector  # noqa: F401 - the same
from ingest import landing as landing_module
from ingest.compaction import Limits, compact
from ingest.landing import Landing
from ingest.records import SiteRows
from models.errors import LineshaftError
from orchestration.warehouse.landed import read_landed_files
from orchestration.warehouse.loader import load_files
from orchestration.warehouse.schema import LANDED_TABLES, open_warehouse
from tests.builders.landed import NOON, add_loss, add_message, add_quarantined

BATCHES = ((1, 2), (2, 3), (4, 5))
"""Message numbers of three batches; 2 comes twice, as a redelivery."""


def a_batch(numbers: tuple[int, ...], *, is_redelivery: bool) -> SiteRows:
    """A batch; what was noticed when the messages first came is no part of their redelivery."""
    rows = SiteRows("hamburg")
    for number in numbers:
        add_message(rows, number, event_at=NOON + timedelta(minutes=number))
    if not is_redelivery:
        add_loss(rows, at=NOON, estimated_count=numbers[0])
    add_quarantined(rows, 100 + numbers[0], at=NOON)
    return rows


def land(request: dict[str, Any]) -> None:
    landing = Landing(Path(request["home"]), collector_id="collector")
    landing.remove_debris()
    for index in request["which"]:
        rows = a_batch(BATCHES[index], is_redelivery=request.get("is_redelivery", False))
        landing.commit([rows], births=f'{{"batch": {index}}}'.encode())


def merge(request: dict[str, Any]) -> None:
    limits = Limits(recent_manifests=0, fewest_bound=1)
    compact(Path(request["home"]), older_than=timedelta(0), limits=limits, now_ns=2 * 10**18)


def load(request: dict[str, Any]) -> None:
    home = Path(request["home"])
    files = [file for files in read_landed_files(home).values() for file in files]
    with open_warehouse(home / "warehouse.duckdb") as connection:
        connection.execute("set threads = 1")
        for table in LANDED_TABLES:
            load_files(connection, table=table, files=files, home=home)


WORK = {"land": land, "compact": merge, "load": load}


def make_names_repeatable(seed: int) -> None:
    """Times and identifiers in names follow from the seed; everything else is as in production."""
    ticks = itertools.count(1_790_000_000 * 10**9 + seed * 10**12, 10**6)
    numbers = itertools.count(seed * 10**6)
    landing_module.time = SimpleNamespace(time_ns=lambda: next(ticks))  # type: ignore[assignment]
    landing_module.uuid = SimpleNamespace(uuid4=lambda: uuid.UUID(int=next(numbers)))  # type: ignore[assignment]


def work(request: dict[str, Any], errors: str) -> None:
    """In the forked worker: wait for strace, do the work, tell how it went by the exit code."""
    descriptor = os.open(errors, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    os.dup2(descriptor, 2)
    pa.set_cpu_count(1)
    make_names_repeatable(request["seed"])
    if request.get("strace"):
        while "TracerPid:\t0" in Path("/proc/self/status").read_text(encoding="ascii"):
            time.sleep(0.001)
    try:
        WORK[request["work"]](request)
    except LineshaftError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.stderr.flush()
        os._exit(1)
    except BaseException:  # noqa: BLE001 - the exit code tells of it, the traceback goes to the test
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
        os._exit(2)
    os._exit(0)


def is_traced_or_gone(child: int) -> bool:
    status = Path(f"/proc/{child}/status").read_text(encoding="ascii")
    return "TracerPid:\t0" not in status or "State:\tZ" in status


def run(request: dict[str, Any]) -> dict[str, Any]:
    errors = f"{request['scratch']}/errors"
    child = os.fork()
    if child == 0:
        try:
            work(request, errors)
        finally:
            os._exit(3)
    tracer = None
    if request.get("strace"):
        command = ["strace", "-f", "-qq", "-o", f"{request['scratch']}/trace", "-p", str(child), *request["strace"]]
        tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while not is_traced_or_gone(child):
            if tracer.poll() is not None and not is_traced_or_gone(child):
                os.kill(child, 9)
                os.waitpid(child, 0)
                return {"refused": tracer.communicate()[1]}
            time.sleep(0.001)
    _, status = os.waitpid(child, 0)
    if tracer is not None:
        tracer.communicate()
    code = os.waitstatus_to_exitcode(status)
    return {"code": code, "errors": Path(errors).read_text(encoding="utf-8")}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)

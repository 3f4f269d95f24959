"""Killed, out of space or refused by the disk at any system call: after a restart the state is right.

Every call on a file of the home that landing, compaction and load make is counted once, then made to fail in turn:
SIGKILL at the n-th, EIO at the n-th, ENOSPC from the n-th on. Then the work runs again undisturbed, everything is
loaded, and the warehouse must hold what was given, each row once. LINESHAFT_TORTURE=1 (`make torture`) takes
every call; otherwise a seeded sample of each work's calls.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from ingest.inventory import read_inventory
from ingest.landing import read_manifests
from ingest.verification import broken_links, find_fault
from orchestration.warehouse.schema import open_warehouse
from tests.builders.landed import message_id
from tests.integration.brokers import REPOSITORY
from tests.integration.storage_work import BATCHES

pytestmark = [pytest.mark.timeout(3_600), pytest.mark.xdist_group("storage_faults")]

IS_TORTURE = bool(os.environ.get("LINESHAFT_TORTURE"))
SPACE = ("openat", "write", "pwrite64", "ftruncate", "mkdir", "rename")
CALLS = (*SPACE, "fsync", "fdatasync", "unlink")
SAMPLE = None if IS_TORTURE else 16
"""How many of the points of one work and fault are tried, by a seeded choice; None means all."""

FAULTS = {
    "killed": ("signal=SIGKILL:when={n}", CALLS),
    "input_output_error": ("error=EIO:when={n}", CALLS),
    "out_of_space": ("error=ENOSPC:when={n}+", SPACE),
}


@dataclass
class Worker:
    """The process that forks workers under strace; see storage_work."""

    process: subprocess.Popen[str]
    scratch: Path

    def run(self, work: str, home: Path, *, seed: int, strace: list[str] | None = None, **more: Any) -> dict[str, Any]:
        request = {"work": work, "home": str(home), "seed": seed, "scratch": str(self.scratch), "strace": strace}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({**request, **more}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        if "refused" in answer:
            pytest.skip(f"strace may not attach to a process here: {answer['refused'].strip()}")
        return answer

    def trace(self) -> str:
        return (self.scratch / "trace").read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: apt-get install strace")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.storage_work"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield Worker(process, tmp_path_factory.mktemp("scratch"))
    assert process.stdin is not None
    process.stdin.close()
    process.wait(timeout=10)
    assert process.stdout is not None
    process.stdout.close()


def prepare(worker: Worker, home: Path, work: str) -> None:
    """What is there before the work begins: one committed batch for landing, all of them for what comes after."""
    home.mkdir()
    given = [0] if work == "land" else list(range(len(BATCHES)))
    assert worker.run("land", home, seed=1, which=given) == {"code": 0, "errors": ""}
    if work != "load":  # a warehouse with nothing in it: making one takes most of a check's time
        with open_warehouse(home / "warehouse.duckdb"):
            return
    else:  # some of it loaded as it landed, some of it compacted, one batch after that
        shutil.rmtree(home)
        home.mkdir()
        worker.run("land", home, seed=1, which=[0])
        worker.run("load", home, seed=2)
        worker.run("land", home, seed=3, which=[1])
        worker.run("compact", home, seed=4)
        worker.run("land", home, seed=5, which=[2])


def watched_files(worker: Worker, home: Path, work: str, which: list[int]) -> list[str]:
    """strace's options that watch every file of the home that the work touches."""
    strace = ["-y", "-e", f"trace={','.join(CALLS)}"]
    assert worker.run(work, home, seed=9, which=which, strace=strace)["code"] == 0
    paths = set(re.findall(rf'[<"]({re.escape(str(home))}[^>"]*)[>"]', worker.trace()))
    return [option for path in sorted(paths) for option in ("-P", path)]


def points(
    counts: Counter[str], calls: tuple[str, ...], limit: int | None, dice: random.Random
) -> list[tuple[str, int]]:
    found = [(call, number) for call in calls for number in range(1, counts[call] + 1)]
    return found if limit is None or len(found) <= limit else sorted(dice.sample(found, limit))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Where homes lie: in memory where there is some, for a thousand restarts wait for a thousand fsyncs."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=memory) as directory:
        yield Path(directory)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("work", ["land", "compact", "load"])
def test_no_failing_call_leaves_a_wrong_state(worker: Worker, place: Path, work: str, fault: str) -> None:
    start, home = place / "start", place / "home"
    which = [1, 2] if work == "land" else []
    prepare(worker, start, work)
    shutil.copytree(start, home)
    watched = watched_files(worker, home, work, which)
    shutil.rmtree(home)
    shutil.copytree(start, home)
    assert worker.run(work, home, seed=9, which=which, strace=[*watched, "-e", f"trace={','.join(CALLS)}"])["code"] == 0
    counts = Counter(re.findall(r"^\d+ +(\w+)\(", worker.trace(), re.MULTILINE))
    assert sum(counts.values()) > 20
    check(worker, home, work, "no fault")

    injection, calls = FAULTS[fault]
    chosen = points(counts, calls, SAMPLE, random.Random(f"{work} {fault}"))
    endings: Counter[int] = Counter()
    for call, number in chosen:
        shutil.rmtree(home)
        shutil.copytree(start, home)
        inject = f"inject={call}:{injection.format(n=number)}"
        ended = worker.run(work, home, seed=9, which=which, strace=[*watched, "-e", f"trace={call}", "-e", inject])
        where = f"{work}, {fault}, {call} number {number}: ended with {ended['code']} {ended['errors'][-300:]}"
        endings[ended["code"]] += 1
        if fault == "killed":
            assert ended["code"] == -9, where
        elif ended["code"] != 0:
            assert ended["code"] == 1, where
            assert re.fullmatch(r"error: [^\n]+\n", ended["errors"]), where
        check(worker, home, work, where)
    print(f"\n{work}, {fault}: {len(chosen)} of {sum(counts[call] for call in calls)} points, endings {dict(endings)}")
    assert endings[-9 if fault == "killed" else 1] > 0


def check(worker: Worker, home: Path, work: str, where: str) -> None:
    """Run everything again without faults: the warehouse holds what was given, and nothing was let in that was not."""
    committed = committed_batches(home)
    if work == "land":  # the broker gives again what was not acknowledged, and may give what was
        for index in (1, 2):
            options = {"which": [index], "is_redelivery": index in committed}
            assert worker.run("land", home, seed=20 + index, **options)["code"] == 0, where
        assert committed_batches(home) == [0, 1, 2], where
    for again, seed in (("load", 31), ("compact", 32), ("load", 33))[: 1 if work == "land" else 3]:
        ended = worker.run(again, home, seed=seed)
        assert ended["code"] == 0, f"{where}; then {again} again: {ended['errors'][-300:]}"
    manifests = list(read_manifests(home))
    assert list(broken_links(manifests)) == [], where
    inventory = read_inventory(home)
    assert [fault for file in inventory.files() if (fault := find_fault(file, home=home))] == [], where
    on_disk = {
        path.relative_to(home).as_posix()
        for root in ("landing", "quarantine")
        for path in (home / root).rglob("*.parquet")
    }
    assert on_disk == {file.path for file in inventory.files()}, where
    assert not list(home.rglob("*.part")), where
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        numbers = {number for batch in BATCHES for number in batch}
        messages = [id_ for (id_,) in connection.execute("select message_id from raw.message").fetchall()]
        assert sorted(messages) == sorted(message_id(number) for number in numbers), where
        readings = connection.execute("select message_id, metric_index, value_decimal::int from raw.reading").fetchall()
        assert sorted(readings) == sorted((message_id(number), index, number) for number in numbers for index in (0, 1))
        refused = [id_ for (id_,) in connection.execute("select message_id from raw.quarantined_message").fetchall()]
        assert sorted(refused) == sorted(message_id(100 + batch[0]) for batch in BATCHES), where
        losses = connection.execute("select estimated_count from raw.loss order by 1").fetchall()
        assert [number for (number,) in losses] == sorted(batch[0] for batch in BATCHES), where
        astray = "select landed_file, file_row from raw.message anti join raw.loaded_file using (landed_file)"
        assert connection.execute(astray).fetchall() == [], where
        ledger = "select sum(row_count), sum(loaded_row_count) from raw.loaded_file where kind = 'losses'"
        assert connection.execute(ledger).fetchall() == [(3, 3)], where


def committed_batches(home: Path) -> list[int]:
    """Which batches a manifest of the collector commits: those whose entry of the loss ledger it names."""
    inventory = read_inventory(home)
    found = []
    for file in inventory.files():
        if file.kind == "losses":
            rows = pq.ParquetFile(home / file.path).read(["estimated_count"])
            found += [[batch[0] for batch in BATCHES].index(number) for number in rows[0].to_pylist()]
    return sorted(found)

"""No message is acknowledged before it is durable, by the order of system calls of a live collector.

strace records what the collector reads from and writes to its socket, and every fsync and rename. Each PUBACK is tied
by its packet id to the PUBLISH it answers, that to its message, that to the manifest that commits the file it lies in.
The PUBACK must come after: fsync of the file, its rename, fsync of its directory, and the same for the manifest.
LINESHAFT_TORTURE=1 (`make torture`) publishes 10,000 messages instead of 2,000.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt
import pyarrow.parquet as pq
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ingest.arrival import Arrival, message_id
from ingest.landing import read_manifests
from tests.builders.sparkplug import MARCH_1, a_json_site
from tests.integration.brokers import a_collector_process, a_mosquitto, stop

MESSAGES = 10_000 if os.environ.get("LINESHAFT_TORTURE") else 2_000
WAVES = 8
"""Each is landed before the next begins, so that there are as many batches at least."""
TOPIC = "meridian/monterrey/mecanizado/cnc_201/husillo"
CALLS = "sendto,sendmsg,write,writev,recvfrom,recvmsg,read,fsync,fdatasync,rename,renameat,renameat2"
LINE = re.compile(r"^(\d+) +(.*)$")
UNFINISHED = re.compile(r"^(.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$")
QUOTED = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
PATH = re.compile(r"^\w+\(\d+<([^>]*)>")


@dataclass
class Call:
    """A finished system call: where in the trace it began and ended, and its text with arguments and result."""

    began: int
    ended: int
    name: str
    text: str


def read_trace(path: Path) -> list[Call]:
    """The calls that succeeded, in the order in which they ended; one that another thread interrupts is whole again."""
    calls = []
    open_calls: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(path.read_text(encoding="ascii", errors="replace").splitlines()):
        found = LINE.match(line)
        if found is None:
            continue
        thread, text = found.groups()
        if (begun := UNFINISHED.match(text)) is not None:
            open_calls[thread] = (number, begun[1])
            continue
        began = number
        if (resumed := RESUMED.match(text)) is not None:
            began, head = open_calls.pop(thread)
            text = head + resumed[2]
        name = text.partition("(")[0]
        if re.search(r"\) += +(?!-)\d+", text):
            calls.append(Call(began, number, name, text))
    return calls


def unescaped(text: str) -> str:
    """A path as strace -xx writes it."""
    return bytes.fromhex(text.replace("\\x", "")).decode()


def payload(call: Call) -> bytes:
    """The bytes a call moved; a write of several parts is all of them."""
    return b"".join(bytes.fromhex(part.replace("\\x", "")) for part in QUOTED.findall(call.text))


@dataclass
class Stream:
    """One direction of one MQTT connection, cut into packets; each comes with the call that completed it."""

    rest: bytes = b""
    packets: list[tuple[Call, int, bytes]] = field(default_factory=list)

    def feed(self, call: Call, data: bytes) -> None:
        self.rest += data
        while len(self.rest) >= 2:
            length, shift, used = 0, 0, 1
            while used < len(self.rest):
                byte = self.rest[used]
                length |= (byte & 0x7F) << shift
                shift += 7
                used += 1
                if not byte & 0x80:
                    break
            else:
                return
            if len(self.rest) < used + length:
                return
            self.packets.append((call, self.rest[0], self.rest[used : used + length]))
            self.rest = self.rest[used + length :]


def published(body: bytes) -> tuple[int, str]:
    """Packet id and message id of a PUBLISH of QoS 1 (MQTT 5: properties lie between them)."""
    length = int.from_bytes(body[:2], "big")
    topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
    packet_id, properties = int.from_bytes(rest[:2], "big"), rest[2]
    assert properties < 0x80
    return packet_id, message_id(Arrival(topic, rest[3 + properties :], 0), has_own_time=True)


def durable_at(calls: list[Call], home: Path) -> dict[str, int]:
    """When each renamed file of the home became durable: the end of the fsync of its directory after its rename."""
    synced: dict[str, int] = {}
    renamed: dict[str, list[str]] = {}
    durable: dict[str, int] = {}
    for call in calls:
        if call.name in {"fsync", "fdatasync"}:
            found = PATH.match(call.text)
            assert found is not None
            subject = unescaped(found[1])
            synced[subject] = call.ended
            for path in renamed.pop(subject, []):
                durable.setdefault(path, call.ended)
        elif call.name.startswith("rename"):
            source, target = (unescaped(part) for part in QUOTED.findall(call.text))
            assert source in synced, f"{source} was renamed before it was synced"
            renamed.setdefault(str(Path(target).parent), []).append(target)
    return {str(Path(path).relative_to(home)): line for path, line in durable.items() if path.startswith(str(home))}


@pytest.fixture
def strace() -> str:
    program = shutil.which("strace")
    if program is None:
        pytest.skip("strace is not installed: apt-get install strace")
    probe = subprocess.run([program, "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    if probe.returncode:
        pytest.skip(f"strace may not trace a process here: {probe.stderr.strip()}")
    return program


@pytest.mark.timeout(600)
def test_no_puback_leaves_before_the_manifest_of_its_message_is_durable(strace: str, tmp_path: Path) -> None:
    home, trace = tmp_path / "home", tmp_path / "trace"
    with a_mosquitto(tmp_path) as broker:
        site = a_json_site(broker={"url": broker.url})
        with a_collector_process([site], home, batch_seconds=0.1) as collector:
            tracer = attach(strace, collector.pid, trace)
            for first in range(0, MESSAGES, MESSAGES // WAVES):
                publish(broker.port, range(first, first + MESSAGES // WAVES))
                wait_until_landed(home, first + MESSAGES // WAVES)
            stop(collector)
            tracer.communicate(timeout=60)
    commits = landed(home)
    assert len(commits) == MESSAGES

    calls = read_trace(trace)
    durable = durable_at(calls, home)
    received: dict[str, Stream] = {}
    sent: dict[str, Stream] = {}
    for call in calls:
        peer = PATH.match(call.text)
        if peer is None or not peer[1].startswith(("TCP", "socket")):
            continue
        if call.name in {"recvfrom", "recvmsg", "read"}:
            received.setdefault(peer[1], Stream()).feed(call, payload(call))
        else:
            sent.setdefault(peer[1], Stream()).feed(call, payload(call))

    acknowledged = early = 0
    batches = set()
    for peer, stream in sent.items():
        outstanding = {}
        incoming = iter([packet for packet in received[peer].packets if packet[1] >> 4 == 3 and packet[1] & 0x06])
        upcoming = next(incoming, None)
        for call, kind, body in stream.packets:
            if kind >> 4 != 4:
                continue
            while upcoming is not None and upcoming[0].ended < call.began:
                packet_id, identifier = published(upcoming[2])
                outstanding[packet_id] = identifier
                upcoming = next(incoming, None)
            identifier = outstanding.pop(int.from_bytes(body[:2], "big"))
            manifest, file = commits[identifier]
            assert durable[file] <= durable[manifest]
            early += call.began < durable[manifest]
            acknowledged += 1
            batches.add(manifest)
    assert (acknowledged, early) == (MESSAGES, 0)
    assert len(batches) >= WAVES
    print(f"\n{acknowledged:,} acknowledgements in {len(batches)} batches, {early} before their manifest was durable")


def attach(strace: str, pid: int, trace: Path) -> subprocess.Popen[bytes]:
    """Trace every thread of a process; returns once it is traced."""
    options = ["-f", "-yy", "-xx", "-s", "4194304", "-e", f"trace={CALLS}", "-o", str(trace)]
    tracer = subprocess.Popen([strace, *options, "-p", str(pid)], stderr=subprocess.DEVNULL)
    status = Path(f"/proc/{pid}/status")
    while "TracerPid:\t0" in status.read_text(encoding="ascii"):
        assert tracer.poll() is None
        time.sleep(0.01)
    time.sleep(0.5)  # its other threads
    return tracer


def wait_until_landed(home: Path, count: int) -> None:
    deadline = time.monotonic() + 240
    while (
        sum(file.row_count for each in read_manifests(home) for file in each.files if file.kind == "messages") < count
    ):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def publish(port: int, numbers: range) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="plant")
    client.max_inflight_messages_set(200)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for number in numbers:
        last = client.publish(TOPIC, json.dumps({"timestamp": MARCH_1 + number, "a": number}), qos=1)
    last.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


def landed(home: Path) -> dict[str, tuple[str, str]]:
    """The manifest and the file that hold each message."""
    return {
        identifier: (manifest.path, file.path)
        for manifest in read_manifests(home)
        for file in manifest.files
        if file.kind == "messages"
        for identifier in pq.ParquetFile(home / file.path).read(["message_id"])[0].to_pylist()
    }

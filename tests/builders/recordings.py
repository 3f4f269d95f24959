"""What published Sparkplug clients said to a broker, byte by byte: extracts that travel with the tests.

tests/golden/sparkplug_recordings/<client>.jsonl: one message a line, `t` seconds UTC of receipt, `topic`, `raw` base64.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import NamedTuple

GOLDEN = Path(__file__).parents[1] / "golden" / "sparkplug_recordings"


class Recorded(NamedTuple):
    """One message as the broker delivered it; `received_at` in microseconds UTC."""

    topic: str
    payload: bytes
    received_at: int


def read_recording(path: Path, *, group_id: str | None = None) -> list[Recorded]:
    """The messages of one file; `group_id` takes the place of the recorded one."""
    return [_read(json.loads(line), group_id) for line in path.read_text(encoding="utf-8").splitlines()]


def golden_recordings(*, group_id: str | None = None) -> list[Recorded]:
    """Every message of every extract."""
    return [line for path in sorted(GOLDEN.glob("*.jsonl")) for line in read_recording(path, group_id=group_id)]


def _read(line: dict[str, str | float], group_id: str | None) -> Recorded:
    namespace, recorded_group, rest = str(line["topic"]).split("/", 2)
    topic = f"{namespace}/{group_id or recorded_group}/{rest}"
    return Recorded(topic, base64.b64decode(str(line["raw"])), round(float(line["t"]) * 1_000_000))

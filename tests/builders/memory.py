"""How much memory a process has held at most."""

from __future__ import annotations

import re
from pathlib import Path


def peak_kib() -> int:
    """The high-water mark of this very program; getrusage also counts the parent that it was forked from."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1])

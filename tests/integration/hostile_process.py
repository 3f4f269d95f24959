"""Decodes and lands the payloads of a folder one by one in a process of its own, and says what memory that took.

`python -m tests.integration.hostile_process FOLDER HOME`; each file is one payload, its name `<family> <name>`.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from tests.builders.accounting import Ledger
from tests.builders.hostile import JSON_TOPIC, SPARKPLUG_TOPIC
from tests.builders.memory import peak_kib
from tests.builders.sparkplug import a_site

ADDRESS_SPACE = 4 << 30
"""A net, so that a bomb that goes off kills this process and not the machine; the test asks for far less."""


def main(folder: Path, home: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    ledger = Ledger(a_site(), home)
    refused = {}
    for path in sorted(folder.iterdir()):
        topic = SPARKPLUG_TOPIC if path.name.startswith("sparkplug") else JSON_TOPIC
        quarantine = ledger.take([(topic, path.read_bytes())]).rows.quarantine
        refused[path.name.partition(" ")[2]] = "".join(quarantine.lists["reason"])
    peak = peak_kib()
    print(json.dumps({"peak_kib": peak, "counts": ledger.counts, "refused": refused}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

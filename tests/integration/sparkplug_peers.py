"""The published Sparkplug clients we meet: where each is installed, and what is known of its manners.

Each has pins that exclude ours, so each lives in an environment of its own, made by `.ci/run`; the command is in
`Peer.install`. Scripts lie in tests/integration/peers and print what they published.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.brokers import REPOSITORY

PEERS = REPOSITORY / "tests" / "integration" / "peers"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One client: its script, its environment, and the flags its rows and messages are known to carry."""

    name: str
    script: str
    environment: str
    packages: str
    arguments: tuple[str, ...] = ()
    data_flags: str = ""
    """On readings of DATA messages; births carry none."""
    message_flags: tuple[tuple[str, str], ...] = ()
    """Message types and flags, all that are ever flagged."""
    end: str = "death"
    """What the ledger says of a crash at once: its death, or that its death matched no birth and it was asked."""

    @property
    def is_javascript(self) -> bool:
        return self.script.endswith(".js")

    @property
    def folder(self) -> Path:
        """Where it is installed; elsewhere if LINESHAFT_PEERS names the folder that holds the environments."""
        return Path(os.environ.get("LINESHAFT_PEERS", REPOSITORY)) / self.environment

    @property
    def install(self) -> str:
        """How to make its environment."""
        if self.is_javascript:
            return f"npm install --prefix {self.environment} {self.packages}"
        return f"python3 -m venv {self.environment} && {self.environment}/bin/pip install {self.packages}"

    def command(self) -> list[str]:
        """The interpreter and the script; skips where the environment is missing."""
        program = self.folder / ("node_modules/sparkplug-client" if self.is_javascript else "bin/python")
        if not program.exists():
            pytest.skip(f"{self.name} is not installed in {self.environment}: {self.install}")
        return ["node" if self.is_javascript else str(program), str(PEERS / self.script)]

    def live(self, port: int, *, life: str, count: int) -> list[Any]:
        """One life of it, ended by `crash` or `clean`; returns what it says it published."""
        done = subprocess.run(
            [*self.command(), str(port), life, str(count), *self.arguments],
            env=os.environ | {"NODE_PATH": str(self.folder / "node_modules")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == (9 if life == "crash" else 0), done.stderr
        sent: list[Any] = json.loads(done.stdout.splitlines()[-1])
        return sent


def _javascript(packing: str) -> Peer:
    return Peer(
        name=f"sparkplug-client-{packing}",
        script="tahu_javascript_edge.js",
        environment=".venv-peers-npm",
        packages="sparkplug-client@3.2.4",
        arguments=(packing,),
    )


READABLE = (
    Peer(
        name="pysparkplug",
        script="pysparkplug_edge.py",
        environment=".venv-peers",
        packages="pysparkplug==0.6.1 'paho-mqtt<2'",
        message_flags=(("NDEATH", "unmatched_death"),),  # its stop says the bd_seq of the next birth
    ),
    Peer(
        name="mqtt-spb-wrapper",
        script="spb_wrapper_edge.py",
        environment=".venv-peers-spb",
        packages="mqtt-spb-wrapper==2.1.2",
        data_flags="name_by_suffix",
        message_flags=(("DDEATH", "no_seq,no_timestamp"), ("NDEATH", "unmatched_death,no_timestamp")),
        end="rebirth_requested",
    ),
    _javascript("plain"),
    _javascript("gzip"),
    _javascript("deflate"),
    Peer(
        name="tahutils",
        script="tahutils_edge.py",
        environment=".venv-peers-tahu",
        packages="tahutils==0.1.11 paho-mqtt==2.1.0",
        message_flags=(("DBIRTH", "alias_reused"), ("NDEATH", "no_timestamp")),  # node and device both number from 0
    ),
)
"""Clients whose payloads are Sparkplug B, each with its quirks."""

UNREADABLE = Peer(
    name="aiospb", script="aiospb_edge.py", environment=".venv-peers-aiospb", packages="aiospb==3.0.4 aiomqtt==2.5.1"
)
"""Its payloads are JSON."""

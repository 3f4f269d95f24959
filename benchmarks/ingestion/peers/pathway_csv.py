"""Peer (b): Pathway reads MQTT, decodes in a UDF and writes CSV; without persistence it acknowledges on receipt.

    .venv-peers-pathway/bin/python benchmarks/ingestion/peers/pathway_csv.py PORT TOPIC CSV SPARKPLUG_B_PB2

Its environment: python3 -m venv .venv-peers-pathway && .venv-peers-pathway/bin/pip install pathway
"""

from __future__ import annotations

import importlib.util
import sys

import pathway as pw


def main(port: int, topic: str, csv: str, generated: str) -> None:
    spec = importlib.util.spec_from_file_location("sparkplug_b_pb2", generated)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    parse = module.Payload.FromString

    @pw.udf
    def rows_of(data: bytes) -> list[tuple[str, int, str]]:
        return [
            (metric.name, metric.timestamp, str(getattr(metric, metric.WhichOneof("value"))))
            for metric in parse(data).metrics
        ]

    messages = pw.io.mqtt.read(
        f"mqtt://127.0.0.1:{port}/?client_id=pathway", topic, qos=1, format="raw", autocommit_duration_ms=100
    )
    rows = messages.select(row=rows_of(pw.this.data)).flatten(pw.this.row)
    readings = rows.select(metric_name=pw.this.row.get(0), event_at=pw.this.row.get(1), value=pw.this.row.get(2))
    pw.io.csv.write(readings, csv)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4])

"""aiospb 3.0.4: an edge node whose payloads are JSON, no protobuf; says on standard output what bytes it published.

Run by the interpreter of its own environment: PORT, `crash` or `clean`, number of updates. It speaks as soon as a host
says that it is online.
"""

import asyncio
import json
import os
import sys

from aiospb import RealClock
from aiospb.data import DataType, Metric
from aiospb.mqtt.encoding import JsonEncoder
from aiospb.mqtt.paho import PahoMqttClient
from aiospb.nodes import DeviceDriver, EdgeNode

port, life, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sent = []


class RecordingEncoder(JsonEncoder):
    """Keeps each payload; the first is the will, which only a broker publishes."""

    def encode(self, payload):
        sent.append(super().encode(payload))
        return sent[-1]


class Press(DeviceDriver):
    """Its temperature rises with each scan."""

    scans = 0
    is_loaded = False  # it scans before its birth, and stumbles over what the birth does not know yet

    async def load_metrics(self):
        self.is_loaded = True
        return [Metric("temperature", RealClock().now(), 20.0, DataType.Float, alias=1)]

    async def scan_metrics(self, aliases=None):
        if not self.is_loaded:
            return []
        self.scans += 1
        return [Metric("temperature", RealClock().now(), 20.0 + self.scans, DataType.Float, alias=1)]

    async def write_metric(self, request):
        raise NotImplementedError


async def main():
    config = {"hostname": "127.0.0.1", "port": port, "username": None, "password": None}
    press = Press()
    node = EdgeNode("edge", "hamburg", PahoMqttClient(config, RecordingEncoder()), press, scan_rate=20)
    await node.establish_session()
    while press.scans < count or node.state != "publishing":  # noqa: ASYNC110  (it announces neither)
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)
    if life == "clean":
        await node.terminate_session()
    print(json.dumps(sent), flush=True)
    os._exit(9 if life == "crash" else 0)  # its tasks would go on after the end


asyncio.run(main())

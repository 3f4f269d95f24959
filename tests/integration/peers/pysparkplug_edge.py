"""pysparkplug: an edge node with a device; says on standard output what it published.

Run by the interpreter of its own environment: PORT, `crash` or `clean`, number of updates.
"""

import json
import os
import sys
import time

from pysparkplug import DataType, Device, EdgeNode, Metric, get_current_timestamp

NAMES = {"UINT32": "UInt32", "UINT64": "UInt64", "INT16_ARRAY": "Int16Array", "BOOLEAN_ARRAY": "BooleanArray"}

port, life, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sent = []


def metric(device, name, datatype, value, kind="birth"):
    made = Metric(timestamp=get_current_timestamp(), name=name, datatype=datatype, value=value)
    sent.append(
        {
            "device": device,
            "name": name,
            "kind": kind,
            "datatype": NAMES.get(datatype.name, datatype.name.capitalize()),
            "value": list(value) if isinstance(value, tuple) else value,
            "at": made.timestamp,
        }
    )
    return made


node = EdgeNode("hamburg", "edge", [metric("", "uptime", DataType.UINT32, 1)])
node.register(
    Device(
        "filler",
        [
            metric("filler", "Counters/Good", DataType.UINT64, 2**63 + 5),
            metric("filler", "Sensors/Temperature", DataType.DOUBLE, 21.5),
            metric("filler", "Sensors/Pressure", DataType.FLOAT, 1.25),
            metric("filler", "offset", DataType.INT32, -12),
            metric("filler", "running", DataType.BOOLEAN, True),
            metric("filler", "Status/State", DataType.STRING, "executing"),
            metric("filler", "profile", DataType.INT16_ARRAY, (-1, 2)),
            metric("filler", "doors", DataType.BOOLEAN_ARRAY, (True, False, True)),
            metric("filler", "maybe", DataType.FLOAT, None),
        ],
    )
)
node.connect("127.0.0.1", port=port)
time.sleep(1.0)
for number in range(count):
    offset = metric("filler", "offset", DataType.INT32, -number, "data")
    node.update_device("filler", [offset, metric("filler", "Sensors/Temperature", DataType.DOUBLE, number / 4, "data")])
    time.sleep(0.005)
node.update([metric("", "uptime", DataType.UINT32, 2**32 - 1, "data")])
time.sleep(0.5)
print(json.dumps(sent), flush=True)
if life == "crash":
    os._exit(9)
node.disconnect()

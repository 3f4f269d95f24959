"""mqtt-spb-wrapper: an edge node and its device; says on standard output what it published.

Run by the interpreter of its own environment: PORT, `crash` or `clean`, number of updates. Names are told as the birth
says them (`DATA/temp`); in DATA this client leaves the folder out.
"""

import json
import os
import sys
import time

from mqtt_spb_wrapper import MqttSpbEntityDevice, MqttSpbEntityEdgeNode
from mqtt_spb_wrapper.spb_protobuf import MetricDataType

port, life, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sent = []


def report(device, name, datatype, value, at, kind):
    sent.append({"device": device, "name": name, "kind": kind, "datatype": datatype, "value": value, "at": at})


def put(group, device, name, datatype, value, kind="birth"):
    at = int(time.time() * 1000)
    group.set_value(name, value, at, spb_data_type=getattr(MetricDataType, datatype))
    report(device, f"{group.birth_prefix}/{name}", datatype, value, at, kind)


def put_history(device, first, kind):
    """Several values under one name travel as a DataSet that the client stamps itself."""
    times, values = [1_728_973_247_000 + first, 1_728_973_248_000 + first], [first, first + 1]
    press.data.set_value("history", values, times)
    rows = [list(row) for row in zip(times, values, strict=True)]
    table = {"columns": ["timestamps", "values"], "types": [4, 4], "rows": rows}
    report(device, "DATA/history", "DataSet", table, None, kind)


node = MqttSpbEntityEdgeNode("hamburg", "edge")
report(
    "", "CMD/Node Control/Rebirth", "Boolean", False, node.commands.get_value_timestamp("Node Control/Rebirth"), "birth"
)
put(node.data, "", "uptime", "Int64", 1)
press = MqttSpbEntityDevice("hamburg", "edge", "press")
put(press.attributes, "press", "type", "Text", "Simulated")
put(press.attributes, "press", "rating", "Double", 7.5)
put(press.data, "press", "rating", "Double", 1.5)  # the same name in two folders of the birth
put(press.data, "press", "Sensors/Temperature", "Double", 21.5)
put(press.data, "press", "offset", "Int32", -12)
put(press.data, "press", "tiny", "Int8", -5)
put(press.data, "press", "good", "UInt64", 2**63 + 5)
put(press.data, "press", "running", "Boolean", True)
put(press.data, "press", "label", "Text", "Presse Süd")
put_history("press", 0, "birth")
put(press.commands, "press", "reset", "Boolean", False)

node.connect("127.0.0.1", port)
press.connect("127.0.0.1", port)
node.publish_birth()
time.sleep(1)  # two connections promise no order, and a device born before its node is forgotten at the node's birth
press.publish_birth()
for number in range(count):
    put(press.data, "press", "Sensors/Temperature", "Double", number / 4, "data")
    put(press.data, "press", "offset", "Int32", -number, "data")
    put(press.data, "press", "rating", "Double", number + 0.5, "data")
    if number % 10 == 0:
        put_history("press", number + 1, "data")
    press.publish_data()
    time.sleep(0.005)
put(node.data, "", "uptime", "Int64", 2, "data")
node.publish_data()
time.sleep(0.5)
print(json.dumps(sent), flush=True)
if life == "crash":
    os._exit(9)
press.disconnect()
node.disconnect()

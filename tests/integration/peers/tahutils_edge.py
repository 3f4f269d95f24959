"""tahutils with paho: an edge node and its device with aliases; says on standard output what it published.

Run by the interpreter of its own environment: PORT, `crash` or `clean`, number of updates. DATA carries name and alias,
and aliases come from the order of a set: they differ from one life to the next.
"""

import json
import os
import sys
import time

import paho.mqtt.client as mqtt
from tahutils import SpbModel, SpbTopic
from tahutils.tahu.sparkplug_b import MetricDataType

port, life, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sent = []
NODE = {"uptime": MetricDataType.Int64}
DEVICE = {
    "Sensors/Temperature": MetricDataType.Double,
    "Sensors/Pressure": MetricDataType.Float,
    "offset": MetricDataType.Int32,
    "tiny": MetricDataType.Int8,
    "good": MetricDataType.UInt64,
    "running": MetricDataType.Boolean,
    "label": MetricDataType.String,
}
DATATYPES = {number: name for name, number in vars(MetricDataType).items() if isinstance(number, int)}
CONTROLS = ("Node Control/Next Server", "Node Control/Rebirth", "Node Control/Reboot")


def stamped(device, state, types, kind):
    at = int(time.time() * 1000)
    for name, value in state.items():
        record = {"device": device, "name": name, "kind": kind, "datatype": DATATYPES[types[name]], "value": value}
        sent.append(record | {"at": at})
    return dict.fromkeys(state, at)


topic = SpbTopic("hamburg", "edge")
node = SpbModel(NODE, use_aliases=True, topic=topic)
press = SpbModel(DEVICE, use_aliases=True, is_device=True, topic=topic.construct_device_topic("press"))
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
death = node.getDeathPayload()
client.will_set(topic.ndeath, death, qos=1)
client.connect("127.0.0.1", port)
client.loop_start()

first = {"uptime": 1} | dict.fromkeys(CONTROLS, False)
times = stamped("", first, NODE | dict.fromkeys(CONTROLS, MetricDataType.Boolean), "birth")
client.publish(topic.nbirth, node.getBirthPayload(first, times))
values = {
    "Sensors/Temperature": 21.5,
    "Sensors/Pressure": 1.23,
    "offset": -12,
    "tiny": -5,
    "good": 2**63 + 5,
    "running": True,
    "label": "Presse Süd",
}
client.publish(press.topic.dbirth, press.getBirthPayload(values, stamped("press", values, DEVICE, "birth")))
for number in range(count):
    values = {"Sensors/Temperature": number / 4, "offset": -number - 100}
    client.publish(press.topic.ddata, press.getDataPayload(values, stamped("press", values, DEVICE, "data")))
    time.sleep(0.005)
values = {"uptime": 2}
client.publish(topic.ndata, node.getDataPayload(values, stamped("", values, NODE, "data")))
time.sleep(0.5)
print(json.dumps(sent), flush=True)
if life == "crash":
    os._exit(9)
client.publish(topic.ndeath, death, qos=1).wait_for_publish(10)
client.disconnect()
client.loop_stop()

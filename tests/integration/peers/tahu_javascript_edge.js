// The Tahu JavaScript client: an edge node and its device; says on standard output what it published.
// Run by node with NODE_PATH at its packages: PORT, `crash` or `clean`, number of updates, `plain`, `gzip` or `deflate`.
// It leaves metric times out unless it is given one, and writes UInt32 into the long field.
"use strict";
const sparkplug = require("sparkplug-client");

const [port, life, count, packing] = [process.argv[2], process.argv[3], Number(process.argv[4]), process.argv[5]];
const options = packing === "plain" ? {} : { compress: true, algorithm: packing === "gzip" ? "GZIP" : "DEFLATE" };
const sent = [];

function said(device, metric, at, kind, value) {
  sent.push({
    device, name: metric.name, kind, datatype: metric.type, value: value === undefined ? metric.value : value,
    at: metric.timestamp || at, is_historical: metric.isHistorical === true,
    unit: metric.properties ? metric.properties.engUnit.value : null,
    source: metric.timestamp ? "metric" : "payload",
  });
  return metric;
}

const table = { numOfColumns: 2, types: ["String", "Int32"], columns: ["lot", "quantity"], rows: [["L1", 4], ["L2", -9]] };
const tableRead = { columns: ["lot", "quantity"], types: [12, 3], rows: [["L1", 4], ["L2", -9]] };
const definition = {
  version: "1.0", isDefinition: true, metrics: [{ name: "rpm", type: "Int32", value: 0 }],
  parameters: [{ name: "serial", type: "String", value: "" }],
};
const definitionRead = {
  template_ref: null, version: "1.0", is_definition: true, metrics: [{ name: "rpm", datatype: 3, value: 0 }],
  parameters: [{ name: "serial", type: 12, value: "" }],
};
const instance = {
  templateRef: "Motor", isDefinition: false, metrics: [{ name: "rpm", type: "Int32", value: -7 }],
  parameters: [{ name: "serial", type: "String", value: "M-7" }],
};
const instanceRead = {
  template_ref: "Motor", version: null, is_definition: false, metrics: [{ name: "rpm", datatype: 3, value: -7 }],
  parameters: [{ name: "serial", type: 12, value: "M-7" }],
};

const client = sparkplug.newClient({
  serverUrl: `mqtt://127.0.0.1:${port}`, username: "", password: "", groupId: "hamburg", edgeNode: "edge",
  clientId: `edge-${process.pid}`, version: "spBv1.0", publishDeath: true,
});

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

client.on("birth", async () => {
  let at = Date.now();
  client.publishNodeBirth({ timestamp: at, metrics: [
    said("", { name: "Node Control/Rebirth", type: "Boolean", value: false }, at, "birth"),
    said("", { name: "Motor", type: "Template", value: definition }, at, "birth", definitionRead),
  ] }, options);
  const bytes = Buffer.from([0, 255, 16]);
  client.publishDeviceBirth("press", { timestamp: at, metrics: [
    said("press", { name: "Sensors/Temperature", type: "Double", value: 21.5 }, at, "birth"),
    said("press", { name: "offset", type: "Int32", value: -12 }, at, "birth"),
    said("press", { name: "tiny", type: "Int8", value: -5 }, at, "birth"),
    said("press", { name: "good", type: "UInt64", value: 2 ** 53 - 1 }, at, "birth"),
    said("press", { name: "running", type: "Boolean", value: true }, at, "birth"),
    said("press", { name: "label", type: "String", value: "Presse Süd" }, at, "birth"),
    said("press", { name: "since", type: "DateTime", value: at }, at, "birth"),
    said("press", { name: "seal", type: "Bytes", value: bytes }, at, "birth", bytes.toString("base64")),
    said("press", { name: "late", type: "Float", value: 3, timestamp: 1728973247000, isHistorical: true }, at, "birth"),
    said("press", { name: "none", type: "String", value: null }, at, "birth"),
    said("press", { name: "pressure", type: "UInt32", value: 4294967295,
      properties: { engUnit: { type: "String", value: "bar" }, Quality: { type: "Int32", value: 192 } } }, at, "birth"),
    said("press", { name: "lots", type: "DataSet", value: table }, at, "birth", tableRead),
    said("press", { name: "drive", type: "Template", value: instance }, at, "birth", instanceRead),
  ] }, options);
  for (let number = 0; number < count; number += 1) {
    at = Date.now();
    client.publishDeviceData("press", { timestamp: at, metrics: [
      said("press", { name: "Sensors/Temperature", type: "Double", value: number / 4 }, at, "data"),
      said("press", { name: "offset", type: "Int32", value: -number, timestamp: at - 1 }, at, "data"),
    ] }, options);
    await pause(5);
  }
  at = Date.now();
  const rebirth = { name: "Node Control/Rebirth", type: "Boolean", value: false };
  client.publishNodeData({ timestamp: at, metrics: [said("", rebirth, at, "data")] }, options);
  await pause(500);
  process.stdout.write(JSON.stringify(sent) + "\n", () => {
    if (life === "crash") process.exit(9);
    client.publishDeviceDeath("press", { timestamp: Date.now() });
    client.stop();
  });
});

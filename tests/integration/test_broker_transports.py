"""The collector over every transport and both MQTT versions, and what it says when a broker refuses."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiomqtt
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from structlog.testing import capture_logs

from ingest.access import mosquitto_acl
from ingest.broker import DurableLink, HostLink
from ingest.collector import collect
from ingest.landing import read_manifests
from ingest.sparkplug.host import state_payload, state_topic
from tests.builders.sparkplug import MARCH_1, a_device_birth, a_json_site, a_metric, a_node_birth, a_site, device_data
from tests.integration.authorities import Authority, KeyPair
from tests.integration.brokers import a_free_port, a_mosquitto

pytestmark = [  # paho leaves the socket of a handshake that failed to the garbage collector
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PROTOCOLS = ("3.1.1", "5")


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """A broker that knows its clients, with a listener a transport."""

    ports: dict[str, int]
    authority: Authority
    collector: KeyPair

    def broker(self, transport: str, protocol: str, **changes: Any) -> dict[str, Any]:
        """The broker settings of a site, as an operator writes them."""
        port = self.ports[transport]
        settings: dict[str, Any] = {"url": f"{transport}://127.0.0.1:{port}", "protocol": protocol}
        if transport in {"mqtts", "wss"}:
            settings |= {
                "ca_file_env": "PLANT_CA",
                "client_cert_file_env": "PLANT_CERT",
                "client_key_file_env": "PLANT_KEY",
            }
        else:
            settings |= {"username_env": "PLANT_USER", "password_env": "PLANT_PASSWORD"}
        if transport in {"ws", "wss"}:
            settings |= {"headers_env": {"X-Plant": "PLANT_USER"}}
        return {name: value for name, value in (settings | changes).items() if value is not None}


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    authority = Authority(tmp_path / "authority")
    server, collector = authority.broker(), authority.client("collector")
    ports = {transport: a_free_port() for transport in ("mqtts", "ws", "wss", "mqtt")}
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    for user in ("collector", "milling_line"):
        subprocess.run(["mosquitto_passwd", "-b", str(passwords), user, f"{user}-secret"], check=True)
    acl = tmp_path / "acl"
    sites = [a_site(), a_json_site()]
    acl.write_text(mosquitto_acl(sites, edge_nodes={"hamburg": ["milling_line"]}), encoding="utf-8")
    tls = (
        f"cafile {authority.ca}\ncertfile {server.certificate}\nkeyfile {server.key}\n"
        "require_certificate true\nuse_identity_as_username true\ntls_version tlsv1.2\n"
    )
    options = (
        f"acl_file {acl}\nallow_anonymous false\npassword_file {passwords}\n"
        f"listener {ports['mqtt']} 127.0.0.1\n"
        f"listener {ports['ws']} 127.0.0.1\nprotocol websockets\n"
        f"listener {ports['mqtts']} 127.0.0.1\n{tls}"
        f"listener {ports['wss']} 127.0.0.1\nprotocol websockets\n{tls}"
    )
    monkeypatch.setenv("PLANT_CA", str(authority.ca))
    monkeypatch.setenv("PLANT_CERT", str(collector.certificate))
    monkeypatch.setenv("PLANT_KEY", str(collector.key))
    monkeypatch.setenv("PLANT_USER", "collector")
    monkeypatch.setenv("PLANT_PASSWORD", "collector-secret")
    with a_mosquitto(tmp_path, listeners=options, port=ports["mqtt"]):
        for port in ports.values():
            wait_for(port)
        yield Guarded(ports=ports, authority=authority, collector=collector)


def wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}")


def a_publisher(guarded: Guarded, user: str) -> mqtt.Client:
    """A plain MQTT 5 client that logs in by password, connected and running."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"{user}-client", protocol=mqtt.MQTTv5)
    client.username_pw_set(user, f"{user}-secret")
    client.connect("127.0.0.1", guarded.ports["mqtt"])
    client.loop_start()
    return client


def acknowledged(client: mqtt.Client, topic: str, payload: bytes) -> Any:
    """Publish at QoS 1; the broker's reason code."""
    codes: list[Any] = []
    client.on_publish = lambda _client, _data, _mid, code, _properties: codes.append(code)
    client.publish(topic, payload, qos=1).wait_for_publish(10)
    for _ in range(200):
        if codes:
            return codes[0]
        time.sleep(0.02)
    raise AssertionError("no answer to the publication")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("transport", ["mqtt", "mqtts", "ws", "wss"])
def test_messages_land_and_are_acknowledged_over_every_transport(
    guarded: Guarded, tmp_path: Path, transport: str, protocol: str
) -> None:
    site = a_site(broker=guarded.broker(transport, protocol))
    home = tmp_path / "home"
    arrivals = [a_node_birth(), a_device_birth([a_metric("Counters/Good", 0, alias=1)])]
    arrivals += [
        device_data([a_metric(value=number, alias=1, timestamp=MARCH_1 + number)], seq=2 + number % 200)
        for number in range(100)
    ]

    async def run(publish: bool) -> tuple[int, int]:
        stop, ready = asyncio.Event(), asyncio.Event()
        count = [0, 0]

        def landed(batch: Any) -> None:
            count[0] += batch.message_count
            count[1] += batch.redelivered_count

        task = asyncio.create_task(
            collect([site], home=home, stop=stop, on_ready=ready.set, on_batch=landed, batch_seconds=0.1)
        )
        await asyncio.wait_for(ready.wait(), 30)
        if publish:
            client = await asyncio.to_thread(a_publisher, guarded, "milling_line")
            for arrival in arrivals:
                info = client.publish(arrival.topic, arrival.payload, qos=1)
            await asyncio.to_thread(info.wait_for_publish, 10)
            client.disconnect()
            client.loop_stop()
        for _ in range(400):
            if count[0] >= len(arrivals) or (not publish and _ > 20):
                break
            await asyncio.sleep(0.05)
        stop.set()
        await asyncio.wait_for(task, 30)
        return count[0], count[1]

    assert asyncio.run(run(publish=True)) == (len(arrivals), 0)
    # what was acknowledged does not come again: the session is empty
    assert asyncio.run(run(publish=False)) == (0, 0)
    readings = sum(file.row_count for m in read_manifests(home) for file in m.files if file.kind == "readings")
    assert readings == 2 + 100


REFUSALS: dict[str, tuple[str, dict[str, Any], dict[str, str], str]] = {
    "wrong authority": ("mqtts", {}, {"PLANT_CA": "{other}"}, "put its CA certificate where .* PLANT_CA"),
    "wrong host name": ("mqtts", {"host": "localhost"}, {}, "is for another name than localhost"),
    "no client certificate": (
        "mqtts",
        {"client_cert_file_env": None, "client_key_file_env": None},
        {},
        "wants a client certificate; name its files by the site's broker.client_cert_file_env",
    ),
    "no client certificate over a WebSocket": (
        "wss",
        {"client_cert_file_env": None, "client_key_file_env": None},
        {},
        "wants a client certificate; name its files",
    ),
    "foreign client certificate": (
        "mqtts",
        {},
        {"PLANT_CERT": "{other_cert}", "PLANT_KEY": "{other_key}"},
        "does not accept the client certificate that PLANT_CERT names",
    ),
    "wrong password": ("mqtt", {}, {"PLANT_PASSWORD": "wrong"}, "does not accept the user in PLANT_USER"),
    "nobody logged in": (
        "mqtt",
        {"username_env": None, "password_env": None},
        {},
        "admits no anonymous client; set the site's broker.username_env",
    ),
    "nobody there": ("mqtt", {"port": 1}, {}, "nothing listens at 127.0.0.1 port 1"),
    "no WebSocket there": ("ws", {"listener": "mqtt"}, {}, "offers no MQTT over WebSocket at /mqtt"),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_one_sentence_that_says_what_to_mend_and_no_storm(
    guarded: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, protocol: str
) -> None:
    transport, changes, environment, expected = REFUSALS[name]
    other = Authority(tmp_path / "other", name="another authority")
    stranger = other.client("collector")
    words = {"other": str(other.ca), "other_cert": str(stranger.certificate), "other_key": str(stranger.key)}
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value.format(**words))
    changes = dict(changes)
    host, port = changes.pop("host", "127.0.0.1"), changes.pop("port", None)
    port = port or guarded.ports[changes.pop("listener", transport)]
    broker = guarded.broker(transport, protocol, url=f"{transport}://{host}:{port}", **changes)
    site = a_json_site(broker=broker)

    async def watch() -> str:
        link = DurableLink(site.broker, client_id="c", filters=site.subscriptions, arrived=asyncio.Event())
        running = asyncio.create_task(link.run())
        for _ in range(600):
            if link.last_error is not None or running.done():
                break
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return link.last_error or ""

    with capture_logs() as logs:
        sentence = asyncio.run(watch())
    assert "\n" not in sentence
    assert re.search(expected, sentence), sentence
    assert 1 <= len([line for line in logs if line["event"] == "connection_lost"]) <= 6


def test_forged_topics_and_commands_to_machines_are_refused_by_the_generated_list(guarded: Guarded) -> None:
    """The list of `lineshaft acl`, by the broker's own words: MQTT 5 gives the reason for every publication."""
    edge, collector = a_publisher(guarded, "milling_line"), a_publisher(guarded, "collector")
    try:
        granted = {
            "edge": ["NBIRTH/milling_line", "NDATA/milling_line", "DDATA/milling_line/cnc_101"],
            "collector": ["NCMD/milling_line"],
        }
        forged = {
            "edge": [
                "NBIRTH/other_line",
                "NDATA/other_line",
                "DDATA/other_line/cnc_101",
                "NCMD/milling_line",
                "DCMD/milling_line/cnc_101",
            ],
            "collector": ["DCMD/milling_line/cnc_101", "NDATA/milling_line", "NBIRTH/milling_line"],
        }
        clients = {"edge": edge, "collector": collector}

        def codes(topics: dict[str, list[str]]) -> set[tuple[str, str, str]]:
            return {
                (who, topic, str(acknowledged(clients[who], f"spBv1.0/hamburg/{topic}", b"x")))
                for who, names in topics.items()
                for topic in names
            }

        assert {code for *_, code in codes(granted)} <= {"Success", "No matching subscribers"}
        assert {code for *_, code in codes(forged)} == {"Not authorized"}
        assert str(acknowledged(edge, "spBv1.0/STATE/lineshaft", b"x")) == "Not authorized"
        assert str(acknowledged(collector, "meridian/hamburg/a/b", b"x")) == "Not authorized"
    finally:
        for client in (edge, collector):
            client.disconnect()
            client.loop_stop()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_refused_subscription_says_what_to_grant_and_the_other_site_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    """mosquitto's access list does not look at subscriptions; its dynamic security does."""
    plugin = Path("/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so")
    if not plugin.is_file():
        pytest.skip("mosquitto's dynamic security plugin is not installed")
    everything = {"publishClientSend": True, "publishClientReceive": True, "subscribe": False, "unsubscribe": True}
    rules = {
        "defaultACLAccess": everything,
        "clients": [{"username": "collector", "textname": "", "roles": [{"rolename": "reader"}], **hashed("secret")}],
        "roles": [
            {
                "rolename": "reader",
                "acls": [{"acltype": "subscribePattern", "topic": "meridian/monterrey/#", "allow": True}],
            }
        ],
        "groups": [],
    }
    configuration = tmp_path / "dynamic-security.json"
    configuration.write_text(json.dumps(rules), encoding="utf-8")
    port = a_free_port()
    listeners = (
        f"listener {port} 127.0.0.1\nallow_anonymous false\nplugin {plugin}\nplugin_opt_config_file {configuration}\n"
    )
    monkeypatch.setenv("PLANT_USER", "collector")
    monkeypatch.setenv("PLANT_PASSWORD", "secret")
    broker = {
        "url": f"mqtt://127.0.0.1:{port}",
        "protocol": protocol,
        "username_env": "PLANT_USER",
        "password_env": "PLANT_PASSWORD",
    }
    sites = [a_json_site(broker=broker), a_site(broker=broker)]

    async def story() -> int:
        stop = asyncio.Event()
        landed = [0]

        def count(batch: Any) -> None:
            landed[0] += batch.message_count

        task = asyncio.create_task(collect(sites, home=tmp_path / "home", stop=stop, on_batch=count, batch_seconds=0.1))
        async with aiomqtt.Client("127.0.0.1", port, username="collector", password="secret") as plant:
            for number in range(200):
                text = json.dumps({"timestamp": MARCH_1 + number, "v": number})
                await plant.publish("meridian/monterrey/a/cnc_201/x", text, qos=1)
                if landed[0]:
                    break
                await asyncio.sleep(0.1)
            await asyncio.sleep(1)
        assert not task.done()
        stop.set()
        await asyncio.wait_for(task, 30)
        return landed[0]

    with capture_logs() as logs, a_mosquitto(tmp_path, port=port, listeners=listeners):
        assert asyncio.run(story()) > 0
    refused = [line["reason"] for line in logs if line["event"] == "subscription_refused"]
    assert len(refused) == 1, "a refusal is not asked about again at full speed"
    assert re.search(r"refuses the subscription 'spBv1\.0/hamburg/#' .*: grant reading it to lineshaft-", refused[0])


def hashed(password: str) -> dict[str, Any]:
    """A password as dynamic security keeps it: PBKDF2 with SHA-512."""
    salt, rounds = b"twelve bytes", 101
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return {
        "password": base64.b64encode(digest).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": rounds,
    }


def test_a_state_birth_that_is_refused_is_no_birth(
    guarded: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the edge node, which may not write STATE: aiomqtt's publish returns normally, the host must not believe it."""
    monkeypatch.setenv("PLANT_USER", "milling_line")
    monkeypatch.setenv("PLANT_PASSWORD", "milling_line-secret")
    site = a_site(broker=guarded.broker("mqtt", "5"))
    host = HostLink(
        site.broker,
        client_id="host",
        state_topic=state_topic(site.host_id),
        state_payload=state_payload,
    )

    async def watch() -> bool:
        host.is_healthy.set()
        running = asyncio.create_task(host.run())
        await asyncio.sleep(2)
        was_online = host.is_online
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return was_online

    with capture_logs() as logs:
        assert asyncio.run(watch()) is False
    reasons = [line["reason"] for line in logs if line["event"] == "host_unreachable"]
    assert 1 <= len(reasons) <= 6
    assert re.search(r"refuses what we publish on spBv1\.0/STATE/lineshaft .*: grant writing it", reasons[0])

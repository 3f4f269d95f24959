"""One MQTT client of a simulated plant: a paho connection that never runs ahead of its broker.

Belongs here: connecting, a bounded window of messages on their way, the echo that proves that the broker has worked off
everything before it, cutting the line. Does not belong here: what to publish and when (publisher).

The echo is needed because brokers may forget what is queued when a client leaves: amqtt 0.12 drops messages it has read
but not yet passed on when DISCONNECT or the end of the stream arrives. So nothing leaves before its echo has returned.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from ingest.simulator.actions import Will
from ingest.simulator.errors import PublishError

WINDOW = 200
MESSAGES_PER_ECHO = 400
TIMEOUT_S = 30.0
ECHO_ROOT = "lineshaft-simulator/echo"


@dataclass(frozen=True, kw_only=True)
class BrokerAddress:
    """Where to publish, and as whom."""

    url: str
    username: str | None = None
    password: str | None = None


class Connection:
    """A connected client."""

    def __init__(
        self, *, address: BrokerAddress, client_id: str, will: Will | None = None, wake: threading.Event
    ) -> None:
        parts = urlsplit(address.url)
        try:
            port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        except ValueError:
            port = None
        if parts.scheme not in {"mqtt", "mqtts"} or parts.hostname is None or port is None:
            raise PublishError(f"{address.url!r} is no broker address: write mqtt://host:port", url=address.url)
        self._url = address.url
        self._client_id = client_id
        self._wake = wake
        self._on_their_way: deque[Any] = deque()
        self._since_echo = 0
        self._echo_number = 0
        self._echoed = 0
        self._echo_returned = threading.Condition()
        self._acknowledged = threading.Event()
        self._refused: str | None = None
        self.received: deque[tuple[str, bytes]] = deque()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=mqtt.MQTTv311,
            clean_session=True,
            reconnect_on_failure=False,
        )
        self._client.max_inflight_messages_set(WINDOW)
        if address.username is not None:
            self._client.username_pw_set(address.username, address.password)
        if parts.scheme == "mqtts":
            self._client.tls_set()
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=1, retain=False)
        self._client.on_connect = self._when_connected
        self._client.on_subscribe = self._when_subscribed
        self._client.on_message = self._when_received
        try:
            self._client.connect(parts.hostname, port, keepalive=60)
        except OSError as error:
            raise PublishError(
                f"no broker answers at {address.url}: start one or correct the address", url=address.url
            ) from error
        self._client.loop_start()
        self._await_acknowledgement("connection")
        self.subscribe(f"{ECHO_ROOT}/{client_id}")

    def subscribe(self, *topics: str) -> None:
        """Listen; what arrives lies in `received`."""
        self._acknowledged.clear()
        self._client.subscribe([(topic, 0) for topic in topics])
        self._await_acknowledgement("subscription")

    def publish(self, *, topic: str, payload: bytes, qos: int) -> None:
        """Publish; wait while too many messages are on their way."""
        self._send(topic, payload, qos)
        self._since_echo += 1
        if self._since_echo >= MESSAGES_PER_ECHO:
            self.settle()

    def settle(self) -> None:
        """Wait until the broker has passed on everything published so far."""
        self._since_echo = 0
        self._echo_number += 1
        number = self._echo_number
        self._send(f"{ECHO_ROOT}/{self._client_id}", str(number).encode(), 0)
        with self._echo_returned:
            if not self._echo_returned.wait_for(lambda: self._echoed >= number, timeout=TIMEOUT_S):
                raise PublishError(
                    f"{self._url} did not echo {ECHO_ROOT}/{self._client_id} within {TIMEOUT_S:.0f} s: "
                    "let the simulator publish and subscribe there",
                    url=self._url,
                )
        while self._on_their_way:
            self._await_oldest()

    def disconnect(self) -> None:
        """Leave properly, after everything has been passed on."""
        self.settle()
        self._client.disconnect()
        self._client.loop_stop()

    def cut(self) -> None:
        """Cut the line without a goodbye, after everything has been passed on."""
        self.settle()
        line = self._client.socket()
        if isinstance(line, socket.socket):
            line.shutdown(socket.SHUT_RDWR)
        self._client.loop_stop()

    def abandon(self) -> None:
        """Leave at once: something failed or the run was cancelled."""
        self._client.disconnect()
        self._client.loop_stop()

    def _send(self, topic: str, payload: bytes, qos: int) -> None:
        while len(self._on_their_way) >= WINDOW:
            self._await_oldest()
        message = self._client.publish(topic, payload, qos=qos, retain=False)
        if message.rc != mqtt.MQTT_ERR_SUCCESS:
            raise PublishError(f"{self._url} closed the connection of {self._client_id}: see its log", url=self._url)
        self._on_their_way.append(message)

    def _await_oldest(self) -> None:
        message = self._on_their_way.popleft()
        message.wait_for_publish(TIMEOUT_S)
        if not message.is_published():
            raise PublishError(
                f"{self._url} did not take a message within {TIMEOUT_S:.0f} s: see its log", url=self._url
            )

    def _await_acknowledgement(self, what: str) -> None:
        if not self._acknowledged.wait(TIMEOUT_S) or self._refused:
            self.abandon()
            raise PublishError(
                f"{self._url} refused a {what} of {self._client_id}: {self._refused or 'no answer'}", url=self._url
            )

    def _when_connected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._refused = str(reason) if reason.is_failure else None
        self._acknowledged.set()

    def _when_subscribed(self, _client: Any, _data: Any, _mid: Any, reasons: Any, _properties: Any) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        self._refused = refused[0] if refused else None
        self._acknowledged.set()

    def _when_received(self, _client: Any, _data: Any, message: Any) -> None:
        if message.topic.startswith(ECHO_ROOT):
            with self._echo_returned:
                self._echoed = max(self._echoed, int(message.payload))
                self._echo_returned.notify_all()
            return
        self.received.append((message.topic, bytes(message.payload)))
        self._wake.set()

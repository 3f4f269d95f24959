"""One connection with a broker: its version, its transport, its identity, its end.

Belongs here: building aiomqtt's client from a site's broker settings, TLS, and what both links ask of a connection.
Does not belong here: sessions that survive (link), what a host says (host).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.broker import refusals
from ingest.errors import BrokerError, SubscriptionRefused
from ingest.site import Broker

_QUIET = logging.getLogger(__name__)
"""What paho would say on the way is said by the links, once and as JSON."""
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 15.0


def make_client(
    broker: Broker,
    *,
    client_id: str,
    is_persistent: bool,
    on_message: type[asyncio.Queue[aiomqtt.Message]],
    will: aiomqtt.Will | None = None,
) -> aiomqtt.Client:
    """A client for one connection; `on_message` is the queue type aiomqtt hands messages to."""
    options: dict[str, Any] = {}
    if broker.protocol == "5":
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = broker.session_expiry_s if is_persistent else 0
        properties.ReceiveMaximum = broker.receive_maximum
        options = {
            "protocol": aiomqtt.ProtocolVersion.V5,
            "clean_start": not is_persistent,
            "properties": properties,
        }
    else:
        options = {"protocol": aiomqtt.ProtocolVersion.V311, "clean_session": not is_persistent}
    if broker.is_websocket:
        headers = {name: broker.secret(variable) for name, variable in broker.headers_env.items()}
        options |= {"transport": "websockets", "websocket_path": broker.websocket_path, "websocket_headers": headers}
    tls_context = make_tls_context(broker) if broker.is_encrypted else None
    return aiomqtt.Client(
        broker.host,
        broker.port,
        identifier=client_id,
        username=broker.secret(broker.username_env),
        password=broker.secret(broker.password_env),
        keepalive=broker.keepalive_s,
        tls_context=tls_context,
        queue_type=on_message,
        will=will,
        logger=_QUIET,
        **options,
    )


@asynccontextmanager
async def connected(client: aiomqtt.Client) -> AsyncIterator[None]:
    """The connection, and nothing of it afterwards.

    Where connecting fails midway aiomqtt leaves the socket open, or still being opened in its thread, and paho would
    tell the event loop of its end when it is collected, when there may be no loop any more.
    """
    try:
        async with client:
            yield
    finally:
        client._client._sock_close()
        client._client.on_socket_open = client._client.on_socket_close = None
        await asyncio.sleep(0)  # aiomqtt ends the task of that socket in the loop's next turn


def require_settings(broker: Broker) -> None:
    """Read what the environment must hold for this broker before anything is connected.

    Raises:
        BrokerError: a variable is missing or a TLS file cannot be used; the sentence names it.
    """
    for variable in (broker.username_env, broker.password_env, *broker.headers_env.values()):
        broker.secret(variable)
    if broker.is_encrypted:
        make_tls_context(broker)


def make_tls_context(broker: Broker) -> ssl.SSLContext:
    """TLS 1.2 or later, the broker's name checked, our certificate shown where one is configured.

    Raises:
        BrokerError: a file cannot be read or is no PEM of its kind.
    """
    authority = broker.secret(broker.ca_file_env)
    certificate, key = broker.secret(broker.client_cert_file_env), broker.secret(broker.client_key_file_env)
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except OSError as error:
        files = ", ".join(path for path in (authority, certificate, key) if path)
        raise BrokerError(
            f"the TLS files for {broker.url} cannot be used ({error.strerror or error}): look at {files}",
            url=broker.url,
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def subscribe(
    client: aiomqtt.Client,
    wanted: Sequence[tuple[str, int]],
    *,
    broker: Broker,
    client_id: str,
    timeout_s: float | None = None,
) -> None:
    """Subscribe to filters with their QoS, in one packet.

    Raises SubscriptionRefused, naming the first filter that the broker does not grant.
    """
    codes = await client.subscribe(list(wanted), timeout=timeout_s)
    for (name, _), code in zip(wanted, codes, strict=False):
        if is_refusal(code):
            raise SubscriptionRefused(
                f"{broker.url} refuses the subscription {name!r} ({code}): grant reading it to {client_id}",
                url=broker.url,
            )


async def until_disconnected(client: aiomqtt.Client) -> None:
    """Return never; raise aiomqtt.MqttError when the connection ends."""
    # The queue never yields, so this only ends by the error that tells of the end of the connection.
    await anext(client.messages)


CANCEL_AGAIN_S = 3.0


async def cancel_all(tasks: Iterable[asyncio.Task[Any]], *, again_after_s: float = CANCEL_AGAIN_S) -> None:
    """Cancel and wait, and cancel again what goes on.

    In Python 3.11 `asyncio.wait_for`, which aiomqtt awaits in every call, swallows a cancellation that meets a result:
    the task would go on for ever, and a graceful stop with it (seen once in six runs of the host's tests).
    """
    everyone = set(tasks)
    pending = everyone
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=again_after_s)
    await asyncio.gather(*everyone, return_exceptions=True)


def is_refusal(code: Any) -> bool:
    """Whether a SUBACK or PUBACK code says no."""
    return bool(code.is_failure) if hasattr(code, "is_failure") else int(code) >= 128


def reason_of(error: BaseException, broker: Broker) -> str:
    """One sentence on a connection that failed: what the network said, and what to mend where that is known."""
    cause = error.__cause__ or error
    return refusals.explain(str(cause), rc=getattr(cause, "rc", None), broker=broker)


async def publish_confirmed(client: aiomqtt.Client, topic: str, payload: bytes, *, broker: Broker) -> None:
    """Publish a retained message at QoS 1 and learn whether it was taken.

    aiomqtt's own publish() returns normally after "Not authorized", which only MQTT 5 can say.

    Raises:
        aiomqtt.MqttError: the broker refuses the topic, or the connection ended.
    """
    answers: list[ReasonCode] = []
    inner: Any = client._client
    told = inner.on_publish

    def listen(mqtt: Any, userdata: Any, mid: int, code: ReasonCode, properties: Any) -> None:
        answers.append(code)
        if told is not None:
            told(mqtt, userdata, mid, code, properties)

    inner.on_publish = listen
    try:
        await client.publish(topic, payload, qos=1, retain=True)
    finally:
        inner.on_publish = told
    for code in answers:
        if is_refusal(code):
            raise aiomqtt.MqttError(f"{broker.url} refuses what we publish on {topic} ({code}): grant writing it")

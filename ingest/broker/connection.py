"""One connection with a broker: its version, its transport, its identity, its end.

Belongs here: building aiomqtt's client from a site's broker settings, TLS, and what both links ask of a connection.
Does not belong here: sessions that survive (link), what a host says (host).
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.errors import BrokerError
from ingest.site import Broker

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
    return aiomqtt.Client(
        broker.host,
        broker.port,
        identifier=client_id,
        username=broker.secret(broker.username_env),
        password=broker.secret(broker.password_env),
        keepalive=broker.keepalive_s,
        tls_context=_tls_context(broker) if broker.is_encrypted else None,
        queue_type=on_message,
        will=will,
        **options,
    )


def _tls_context(broker: Broker) -> ssl.SSLContext:
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


async def until_disconnected(client: aiomqtt.Client) -> None:
    """Return never; raise aiomqtt.MqttError when the connection ends."""
    # The queue never yields, so this only ends by the error that tells of the end of the connection.
    await anext(client.messages)


async def cancel_all(tasks: set[asyncio.Task[None]] | set[asyncio.Task[Any]]) -> None:
    """Cancel and wait."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def is_refusal(code: Any) -> bool:
    """Whether a SUBACK or PUBACK code says no."""
    return bool(code.is_failure) if hasattr(code, "is_failure") else int(code) >= 128


def reason_of(error: BaseException) -> str:
    """What the network said, without aiomqtt's wrapping."""
    return str(error.__cause__ or error)

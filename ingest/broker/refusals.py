"""What a connection that failed says, as a sentence that names what to mend.

Belongs here: the words of TLS, sockets and MQTT's CONNACK, told apart by what the site's settings are.
Does not belong here: connecting, retrying, deciding whether to go on (link, host).

Measured on mosquitto 2.0.11: a broker that wants a client certificate, or does not trust ours, says so only after the
handshake of TLS 1.3 and then closes; aiomqtt sees no more than a time-out. The settings tell which of the two it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ingest.site import Broker

Advice = Callable[[Broker, str], str]


def explain(reason: str, *, rc: Any, broker: Broker) -> str:
    """The reason as given, and what to do about it where that is known; `rc` is CONNACK's code if there was one."""
    code = getattr(rc, "value", rc)
    text = reason.lower()
    advise = _BY_CODE.get(code) if isinstance(code, int) else None
    if advise is None:
        advise = next((advice for words, advice in _BY_WORDS if any(word in text for word in words)), None)
    return reason if advise is None else f"{reason}: {advise(broker, text)}"


def _credentials(broker: Broker, _text: str) -> str:
    if broker.username_env:
        return f"{broker.url} does not accept the user in {broker.username_env} with the password given; correct them"
    if broker.client_cert_file_env:
        return (
            f"{broker.url} does not admit the name in our certificate ({broker.client_cert_file_env}); admit it there"
        )
    return f"{broker.url} admits no anonymous client; set the site's broker.username_env and password_env"


def _verification(broker: Broker, text: str) -> str:
    if "mismatch" in text or "not valid for" in text:
        return (
            f"the certificate of {broker.url} is for another name than {broker.host}; write the name that the "
            "certificate carries into the site's broker.url, or have the broker's certificate issued for this one"
        )
    if "expired" in text or "not yet valid" in text:
        return f"the certificate of {broker.url} is out of date; renew it at the broker, or mend this machine's clock"
    authority = f"the file that {broker.ca_file_env} names is not that" if broker.ca_file_env else "name it"
    return (
        f"the certificate of {broker.url} is signed by an authority that is not trusted here; put its CA certificate "
        f"where the site's broker.ca_file_env says ({authority})"
    )


def _client_certificate(broker: Broker, _text: str) -> str:
    if broker.client_cert_file_env is None:
        return (
            f"{broker.url} wants a client certificate; name its files by the site's broker.client_cert_file_env and "
            "client_key_file_env"
        )
    return (
        f"{broker.url} does not accept the client certificate that {broker.client_cert_file_env} names; have it "
        "issued by an authority that the broker trusts"
    )


def _silence(broker: Broker, text: str) -> str:
    if broker.is_encrypted:
        return f"{broker.url} closed or kept silent before admitting us; {_client_certificate(broker, text)}"
    return (
        f"{broker.host} port {broker.port} does not answer as plain MQTT; if it speaks TLS write mqtts://, if "
        "WebSocket ws://"
    )


def _reset(broker: Broker, text: str) -> str:
    if not broker.is_encrypted:
        return _silence(broker, text)
    return f"{broker.url} may not speak TLS on this port; check the port, or write the scheme without its s"


def _protocol(broker: Broker, _text: str) -> str:
    return f"{broker.url} does not speak MQTT {broker.protocol}; set the site's broker.protocol to the other version"


def _identifier(broker: Broker, _text: str) -> str:
    return f"{broker.url} does not admit our client id; admit clients named lineshaft-*"


def _websocket(broker: Broker, _text: str) -> str:
    return f"{broker.url} offers no MQTT over WebSocket at {broker.websocket_path}; check the port and the path"


def _nobody(broker: Broker, _text: str) -> str:
    return f"nothing listens at {broker.host} port {broker.port}; start the broker or correct the site's broker.url"


def _unknown_name(broker: Broker, _text: str) -> str:
    return f"the name {broker.host} is not known here; correct the site's broker.url"


_BY_CODE: dict[int, Advice] = {
    # CONNACK of MQTT 3.1.1 (section 3.2.2.3), of MQTT 5 (section 3.2.2.2); paho gives the latter for both
    **dict.fromkeys((1, 132), _protocol),
    **dict.fromkeys((2, 133), _identifier),
    **dict.fromkeys((4, 5, 134, 135), _credentials),
}
_BY_WORDS: tuple[tuple[tuple[str, ...], Advice], ...] = (
    (("certificate verify failed",), _verification),
    (("alert", "handshake failure"), _client_certificate),
    (("wrong version number", "record layer failure", "reset by peer"), _reset),
    (("websocket",), _websocket),
    (("connection refused",), _nobody),
    (("name or service not known", "name resolution", "no address associated"), _unknown_name),
    (("timed out",), _silence),
)

"""ingest.broker.refusals: what the network says, and what to mend."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.broker.refusals import explain
from ingest.site import Broker

PLAIN = Broker(url="mqtt://b")
TLS = Broker(url="mqtts://b", ca_file_env="CA")
MUTUAL = Broker(url="mqtts://b", ca_file_env="CA", client_cert_file_env="CERT", client_key_file_env="KEY")
NAMED = Broker(url="mqtt://b", username_env="USER", password_env="PASSWORD")


@pytest.mark.parametrize(
    ("reason", "rc", "broker", "advice"),
    [
        ("[code:135] Not authorized", 135, NAMED, "does not accept the user in USER"),
        ("Connection refused: Bad username or password", 4, PLAIN, "admits no anonymous client"),
        ("[code:135] Not authorized", 135, MUTUAL, "does not admit the name in our certificate (CERT)"),
        ("[code:132] Unsupported protocol version", 132, PLAIN, "does not speak MQTT 5"),
        ("[code:133] Client identifier not valid", 133, PLAIN, "admit clients named lineshaft-*"),
        ("certificate verify failed: unable to get local issuer certificate", None, TLS, "CA"),
        ("certificate verify failed: self-signed certificate", None, Broker(url="mqtts://b"), "(name it)"),
        ("certificate verify failed: Hostname mismatch", None, TLS, "for another name than b"),
        ("certificate verify failed: certificate has expired", None, TLS, "out of date"),
        ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED]", None, TLS, "wants a client certificate"),
        ("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca", None, MUTUAL, "that CERT names"),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", None, TLS, "may not speak TLS on this port"),
        ("[Errno 104] Connection reset by peer", None, TLS, "may not speak TLS on this port"),
        ("[Errno 104] Connection reset by peer", None, PLAIN, "does not answer as plain MQTT"),
        ("Operation timed out", None, PLAIN, "does not answer as plain MQTT"),
        ("Operation timed out", None, TLS, "wants a client certificate"),
        ("[Errno 111] Connection refused", None, PLAIN, "nothing listens at b port 1883"),
        ("[Errno -2] Name or service not known", None, PLAIN, "the name b is not known here"),
        ("WebSocket handshake error", None, Broker(url="ws://b/x"), "no MQTT over WebSocket at /x"),
    ],
)
def test_a_known_refusal_comes_with_its_remedy(reason: str, rc: Any, broker: Broker, advice: str) -> None:
    sentence = explain(reason, rc=rc, broker=broker)
    assert sentence.startswith(f"{reason}: ")
    assert advice in sentence


def test_what_is_not_known_is_said_as_it_came() -> None:
    assert explain("the line went dead", rc=None, broker=PLAIN) == "the line went dead"

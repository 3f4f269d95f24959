"""ingest.site: what a deployment may say of a plant, and the names that follow."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ingest.errors import BrokerError
from ingest.site import Broker
from tests.builders.sparkplug import a_json_site, a_site


def test_a_sparkplug_site_subscribes_to_its_group_and_its_json_root() -> None:
    assert a_site().subscriptions == ("spBv1.0/hamburg/#", "meridian/hamburg/#")


def test_a_json_site_subscribes_to_its_json_root_alone() -> None:
    assert a_json_site().subscriptions == ("meridian/monterrey/#",)


def test_a_host_client_subscribes_deaths_unless_it_is_told_to_subscribe_everything() -> None:
    assert a_site().host_filters == ("spBv1.0/hamburg/NDEATH/+", "spBv1.0/hamburg/DDEATH/+/+")
    assert a_site(host_subscription="everything").host_filters == ("spBv1.0/#",)
    assert a_json_site().host_filters == ()


@pytest.mark.parametrize(
    "change",
    [{"reorder_timeout_s": -1}, {"probe_timeout_s": 0}, {"reorder_timeout_s": 7200}, {"host_subscription": ""}],
)
def test_a_timeout_out_of_range_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        a_site(**change)


def test_client_ids_differ_by_collector_and_site() -> None:
    assert a_site().client_id("c1") == "lineshaft-c1-hamburg"
    assert a_json_site().client_id("c1") != a_site().client_id("c1")


@pytest.mark.parametrize("site_id", ["", "../etc", "Hamburg", "a" * 41, "a\n", "ü"])
def test_a_site_id_that_is_no_slug_is_refused(site_id: str) -> None:
    with pytest.raises(ValidationError):
        a_site(site_id=site_id)


@pytest.mark.parametrize("group_id", [None, "", "STATE", "a/b", "a+b", "a#"])
def test_a_group_id_that_no_topic_can_hold_is_refused(group_id: str | None) -> None:
    with pytest.raises(ValidationError):
        a_site(group_id=group_id)


@pytest.mark.parametrize(
    "url",
    ["http://x", "127.0.0.1:1883", "mqtt://", "mqtt://user:secret@host", "mqtt://h:99999", "mqtt://h:x", "mqtt://h:0"],
)
def test_a_broker_address_that_is_none_or_carries_a_secret_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        Broker(url=url)


def test_ports_follow_the_scheme() -> None:
    assert (Broker(url="mqtt://b").port, Broker(url="mqtts://b").port, Broker(url="mqtt://b:99").port) == (
        1883,
        8883,
        99,
    )


def test_a_protocol_written_as_a_number_is_understood() -> None:
    assert Broker.model_validate({"url": "mqtt://b", "protocol": 5}).protocol == "5"


def test_a_secret_that_is_named_but_not_set_says_which_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLANT_PASSWORD", raising=False)
    with pytest.raises(BrokerError, match="PLANT_PASSWORD"):
        Broker(url="mqtt://b").secret("PLANT_PASSWORD")


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="IANA"):
        a_site(time_zone="Mars/Olympus")


@pytest.mark.parametrize(
    ("url", "port", "path"),
    [
        ("ws://b", 80, "/mqtt"),
        ("wss://b/", 443, "/mqtt"),
        ("ws://b:9001/plant/mqtt", 9001, "/plant/mqtt"),
        ("wss://b/mqtt?tenant=a", 443, "/mqtt?tenant=a"),
    ],
)
def test_a_websocket_has_a_port_and_a_path(url: str, port: int, path: str) -> None:
    broker = Broker(url=url)
    assert (broker.is_websocket, broker.port, broker.websocket_path) == (True, port, path)
    assert broker.is_encrypted is url.startswith("wss")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"url": "mqtt://b/mqtt"}, "only ws:// and wss:// have"),
        ({"url": "mqtt://b", "ca_file_env": "CA"}, "write mqtts:// or wss://"),
        ({"url": "ws://b", "client_cert_file_env": "C"}, "write mqtts:// or wss://"),
        ({"url": "mqtts://b", "client_key_file_env": "K"}, "name the certificate too"),
        ({"url": "mqtt://b", "protocol": "3.1.1", "password_env": "P"}, "set username_env"),
        ({"url": "mqtt://b", "headers_env": {"X": "H"}}, "write ws:// or wss://"),
        ({"url": "ws://b", "headers_env": {"X: y": "H"}}, "no name of an HTTP header"),
    ],
)
def test_settings_that_do_not_fit_their_scheme_say_what_to_write(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Broker.model_validate(settings)


def test_a_shared_json_site_subscribes_through_its_share() -> None:
    assert a_json_site(share="line").subscriptions == ("$share/line/meridian/monterrey/#",)


def test_a_sparkplug_site_is_never_shared_because_its_sequence_would_be_torn() -> None:
    with pytest.raises(ValidationError, match="--standby-group"):
        a_site(share="line")

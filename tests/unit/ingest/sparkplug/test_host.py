"""ingest.sparkplug.host: what a host application says."""

from __future__ import annotations

import pytest

from ingest.sparkplug.host import HostState, parse_state, rebirth_command, rebirth_topic, state_payload
from ingest.sparkplug.payload import parse_payload


def test_state_is_exactly_two_members() -> None:
    assert state_payload(is_online=False, timestamp=7) == b'{"online":false,"timestamp":7}'


def test_a_rebirth_is_asked_by_name_without_seq() -> None:
    payload = parse_payload(rebirth_command(timestamp=7))
    (metric,) = payload.metrics
    assert (metric.name, metric.boolean_value, metric.HasField("alias")) == ("Node Control/Rebirth", True, False)
    assert (payload.timestamp, payload.HasField("seq")) == (7, False)
    assert rebirth_topic(group_id="g", edge_node_id="e") == "spBv1.0/g/NCMD/e"


@pytest.mark.parametrize(
    ("payload", "state"),
    [
        (b'{"online":true,"timestamp":7}', HostState(is_online=True, timestamp=7)),
        (b'{ "timestamp" : 7,\n "online" :\tfalse }', HostState(is_online=False, timestamp=7)),
        (b'{"online":false}', HostState(is_online=False, timestamp=None)),
        (b'{"online":false,"timestamp":"7"}', HostState(is_online=False, timestamp=None)),
        (b"OFFLINE", None),
        (b'{"online":"false"}', None),
        (b"\xff", None),
        (b"[" * 100_000, None),
    ],
)
def test_a_state_is_understood_however_it_is_spaced(payload: bytes, state: HostState | None) -> None:
    assert parse_state(payload) == state

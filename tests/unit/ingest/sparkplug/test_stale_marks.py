"""Deaths and births as the picture of now shows them: what is stale, and since when."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ingest.arrival import Arrival
from ingest.current_state import CurrentState, read_state
from ingest.decoder import SiteDecoder
from ingest.sparkplug.payload import encode_payload
from tests.builders.sparkplug import (
    MARCH_1,
    RECEIVED_AT,
    a_device_birth,
    a_metric,
    a_node_birth,
    a_node_death,
    a_site,
    an_arrival,
    device_data,
)

NODE = a_node_birth(metrics=[a_metric("uptime", 1)])
DEVICES = [
    a_device_birth([a_metric(f"{device}/n", 1, alias=alias)], seq=alias, device=device)
    for alias, device in ((1, "cnc_101"), (2, "cnc_102"))
]
RECEIPT = datetime.fromtimestamp(RECEIVED_AT / 1_000_000, tz=UTC)


def stale_since(home: Path, *arrivals: Arrival) -> dict[str, datetime | None]:
    """When each metric became stale, None where it is fresh."""
    decoder, state = SiteDecoder(a_site()), CurrentState(home, site_id="hamburg")
    for arrival in arrivals:
        state.apply(decoder.decode([arrival], now=0))
    state.save()
    return {value.metric_name: value.stale_since for value in read_state(home)}


def test_a_nodes_death_makes_all_its_metrics_stale_from_receipt(tmp_path: Path) -> None:
    """Its own timestamp is that of the CONNECT and says nothing."""
    found = stale_since(tmp_path, NODE, *DEVICES, a_node_death())
    assert found == dict.fromkeys(("bdSeq", "uptime", "cnc_101/n", "cnc_102/n"), RECEIPT)


def test_a_devices_death_makes_its_metrics_stale_from_its_payloads_time(tmp_path: Path) -> None:
    at = MARCH_1 + 7_000
    payload = encode_payload(timestamp=at, seq=3, metrics=[])
    found = stale_since(tmp_path, NODE, *DEVICES, an_arrival("spBv1.0/hamburg/DDEATH/milling_line/cnc_101", payload))
    since = datetime.fromtimestamp(at / 1000, tz=UTC)
    assert found == {"bdSeq": None, "uptime": None, "cnc_101/n": since, "cnc_102/n": None}


def test_devices_stay_stale_after_their_nodes_birth_until_their_own(tmp_path: Path) -> None:
    at = MARCH_1 + 5_000
    again = a_node_birth(bd_seq=1, at=at, metrics=[a_metric("uptime", 2, timestamp=at)])
    before_birth = device_data(
        [a_metric("cnc_102/n", 5, timestamp=at + 2)], seq=2, at=at + 2, device="cnc_102", with_datatypes=True
    )
    own = a_device_birth([a_metric("cnc_101/n", 3, alias=1, timestamp=at + 1)], at=at + 1)
    found = stale_since(tmp_path, NODE, *DEVICES, again, own, before_birth)
    assert {name for name, since in found.items() if since is None} == {"bdSeq", "uptime", "cnc_101/n"}


def test_a_death_that_matches_no_birth_makes_nothing_stale_yet(tmp_path: Path) -> None:
    found = stale_since(tmp_path, NODE, *DEVICES, a_node_death(bd_seq=9))
    assert set(found.values()) == {None}

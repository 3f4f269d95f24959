"""Edge nodes for tests: sites, births, data and the arrivals they make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ingest.arrival import Arrival
from ingest.site import Site
from ingest.sparkplug.datatypes import DataType
from ingest.sparkplug.metrics import Metric
from ingest.sparkplug.payload import encode_payload

MARCH_1 = 1_772_323_200_000
"""2026-03-01T00:00Z in ms."""
RECEIVED_AT = MARCH_1 * 1000 + 60_000_000


def a_site(**changes: Any) -> Site:
    values: dict[str, Any] = {
        "enterprise": "meridian",
        "host_id": "lineshaft",
        "site_id": "hamburg",
        "time_zone": "Europe/Berlin",
        "payload_family": "sparkplug_b",
        "group_id": "hamburg",
        "broker": {"url": "mqtt://127.0.0.1:1883"},
    }
    return Site.model_validate(values | changes)


def a_json_site(**changes: Any) -> Site:
    return a_site(
        site_id="monterrey", time_zone="America/Monterrey", payload_family="uns_json", group_id=None, **changes
    )


def a_umh_site(**changes: Any) -> Site:
    return a_site(site_id="cologne", payload_family="umh", group_id=None, **changes)


def a_metric(name: str | None = None, value: Any = 1, **changes: Any) -> Metric:
    values: dict[str, Any] = {"name": name, "datatype": DataType.Int64, "value": value, "timestamp": MARCH_1}
    return Metric(**(values | changes))


def an_arrival(topic: str, payload: bytes | str, *, received_at: int = RECEIVED_AT) -> Arrival:
    return Arrival(topic, payload.encode() if isinstance(payload, str) else payload, received_at)


def a_node_birth(
    *,
    bd_seq: int | None = 0,
    seq: int = 0,
    at: int = MARCH_1,
    metrics: Iterable[Metric] = (),
    node: str = "milling_line",
) -> Arrival:
    own = [] if bd_seq is None else [a_metric("bdSeq", bd_seq)]
    payload = encode_payload(timestamp=at, seq=seq, metrics=[*own, *metrics])
    return an_arrival(f"spBv1.0/hamburg/NBIRTH/{node}", payload)


def a_device_birth(
    metrics: Sequence[Metric], *, seq: int = 1, at: int = MARCH_1, node: str = "milling_line", device: str = "cnc_101"
) -> Arrival:
    payload = encode_payload(timestamp=at, seq=seq, metrics=metrics)
    return an_arrival(f"spBv1.0/hamburg/DBIRTH/{node}/{device}", payload)


def device_data(
    metrics: Sequence[Metric],
    *,
    seq: int | None = 2,
    at: int | None = MARCH_1 + 1000,
    node: str = "milling_line",
    device: str = "cnc_101",
    with_datatypes: bool = False,
) -> Arrival:
    payload = encode_payload(timestamp=at, seq=seq, metrics=metrics, with_datatypes=with_datatypes)
    return an_arrival(f"spBv1.0/hamburg/DDATA/{node}/{device}", payload)


def a_node_death(*, bd_seq: int = 0, node: str = "milling_line") -> Arrival:
    payload = encode_payload(timestamp=MARCH_1, seq=None, metrics=[a_metric("bdSeq", bd_seq)])
    return an_arrival(f"spBv1.0/hamburg/NDEATH/{node}", payload)

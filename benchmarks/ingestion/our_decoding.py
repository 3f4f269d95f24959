"""What we call decoding: payloads in, their metrics as columns out; and all that the collector makes of them.

Belongs here: calling the collector's own code on a batch, without a broker or a disk. Does not belong here: timing.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.ingestion.stream import GROUP, METRICS, births
from ingest.arrival import Arrival
from ingest.decoder import SiteDecoder
from ingest.site import Site
from ingest.sparkplug.flat_payload import parse_payloads

BATCH = 5_000
"""Messages of a batch: what the collector gathers before it lands."""


def a_site(url: str = "mqtt://127.0.0.1:1883") -> Site:
    return Site.model_validate(
        {
            "enterprise": "meridian",
            "host_id": "lineshaft",
            "site_id": "hamburg",
            "time_zone": "Europe/Berlin",
            "payload_family": "sparkplug_b",
            "group_id": GROUP,
            "broker": {"url": url},
        }
    )


def a_decoder(*, at: int, with_aliases: bool = True) -> SiteDecoder:
    """A decoder that has heard the births."""
    decoder = SiteDecoder(a_site())
    declared = births(at=at, with_aliases=with_aliases)
    decoder.decode([Arrival(topic, payload, at * 1000) for topic, payload in declared], now=at)
    return decoder


def decode_payloads(arrivals: Sequence[Arrival]) -> int:
    """Payloads alone, as peers decode them: every member of every metric, in columns; returns the metrics."""
    count = 0
    for start in range(0, len(arrivals), BATCH):
        batch = parse_payloads([arrival.payload for arrival in arrivals[start : start + BATCH]])
        count += len(batch.column("metrics").flatten())
    if count != len(arrivals) * METRICS:
        raise AssertionError(f"{count} metrics of {len(arrivals)} messages")
    return count


def decode_to_tables(decoder: SiteDecoder, arrivals: Sequence[Arrival], *, now: int) -> int:
    """The collector's whole decoding: identity, session, names, values, typed tables; returns the readings."""
    count = 0
    for start in range(0, len(arrivals), BATCH):
        rows = decoder.decode(arrivals[start : start + BATCH], now=now).rows
        if len(rows.quarantine):
            raise AssertionError("the benchmark's messages went to quarantine")
        count += len(rows.readings)
        for columns in rows.columns():
            if len(columns):
                columns.table()
    if count != len(arrivals) * METRICS:
        raise AssertionError(f"{count} readings of {len(arrivals)} messages")
    return count

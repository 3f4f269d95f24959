"""Landed files for tests: real batches, committed by the collector's own landing zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

from ingest.landing import Landing, Manifest
from ingest.records import MICROSECONDS_PER_DAY, SiteRows

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def message_id(number: int) -> str:
    """A message id as the collector makes them: 32 hex characters."""
    return blake2b(str(number).encode(), digest_size=16).hexdigest()


def land_messages(
    home: Path, *numbers: int, site_id: str = "hamburg", readings: int = 2, start: datetime = NOON, flags: str = ""
) -> Manifest:
    """One batch: a message per number, a minute apart from `start`, each with some readings."""
    rows = SiteRows(site_id)
    for number in numbers:
        add_message(rows, number, event_at=start + timedelta(minutes=number), readings=readings, flags=flags)
    return Landing(home, collector_id="test").commit([rows])


def add_message(rows: SiteRows, number: int, *, event_at: datetime, readings: int = 2, flags: str = "") -> None:
    """Append one data message and its readings."""
    at_us = int(event_at.timestamp() * 1_000_000)
    common = {
        "message_id": message_id(number),
        "site_id": rows.site_id,
        "topic": f"spBv1.0/{rows.site_id}/DDATA/milling_line/cnc_101",
        "edge_node_id": "milling_line",
        "device_id": "cnc_101",
        "bd_seq": 0,
        "birth_at": at_us,
        "seq": number % 256,
        "event_at": at_us,
        "received_at": at_us + 50_000,
        "flags": flags,
    }
    day = at_us // MICROSECONDS_PER_DAY
    rows.messages.append(day, message_type="DDATA", reading_count=readings, **common)
    for index in range(readings):
        rows.readings.append(
            day,
            metric_index=index,
            metric_name=f"Counters/Counter{index}",
            datatype="Int64",
            value_decimal=number,
            value_double=float(number),
            value_text=None,
            quality=None,
            source_unit=None,
            properties=None,
            event_at_source="payload",
            is_historical=False,
            **common,
        )


def add_loss(rows: SiteRows, *, at: datetime, estimated_count: int = 1) -> None:
    """Append one entry of the loss ledger; it has no key, so nothing but the file's ledger keeps it single."""
    at_us = int(at.timestamp() * 1_000_000)
    rows.losses.append(
        at_us // MICROSECONDS_PER_DAY,
        site_id=rows.site_id,
        edge_node_id="milling_line",
        bd_seq=0,
        birth_at=at_us,
        loss_kind="seq_gap",
        first_missing_seq=1,
        last_missing_seq=1,
        estimated_count=estimated_count,
        filled_count=0,
        from_at=at_us,
        until_at=at_us,
        received_at=at_us,
        detail="",
    )


def add_quarantined(rows: SiteRows, number: int, *, at: datetime) -> None:
    """Append one refused message."""
    at_us = int(at.timestamp() * 1_000_000)
    rows.quarantine.append(
        at_us // MICROSECONDS_PER_DAY,
        message_id=message_id(number),
        site_id=rows.site_id,
        topic="meridian/hamburg/x",
        received_at=at_us,
        reason="malformed_json",
        detail="it is no JSON",
        payload=b"{",
    )

"""Readings, segments, usage and availability for tests; counters are given as the values read, in order."""

from __future__ import annotations

import hashlib
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from models.billing.rating import Rating, rate
from models.billing.terms import Contract
from models.billing.usage import Availability, MeterSegment, QuantityFlag, Reading, UsageRecord, segment_quantity
from models.timeline import Period, month_period
from tests.builders.contracts import ASSET

MARCH = month_period("2026-03", "Europe/Berlin")


def a_reading(value: str | Decimal, *, at: datetime = MARCH.start, unit_code: str = "C62") -> Reading:
    message_id = hashlib.blake2b(f"{at.isoformat()} {unit_code}".encode(), digest_size=16).hexdigest()
    return Reading(
        at=at,
        value=Decimal(value),
        unit_code=unit_code,
        message_id=message_id,
        metric_index=3,
        landed_file="landing/readings/site=hamburg/day=2026-03-01/00000000001772400000-a.parquet",
        file_row=int(at.timestamp()) % 10_000,
        file_sha256=hashlib.sha256(message_id.encode()).hexdigest(),
    )


def a_segment(
    opening: Reading,
    closing: Reading,
    *,
    kind: str = "increase",
    number: int = 1,
    modulus: str | None = None,
    old_final_value: str | None = None,
    new_start_value: str | None = None,
) -> MeterSegment:
    """A segment whose quantity follows from its readings."""
    optional = {"modulus": modulus, "old_final_value": old_final_value, "new_start_value": new_start_value}
    given = {name: Decimal(value) for name, value in optional.items() if value is not None}
    unmeasured = MeterSegment(
        segment_number=number, segment_kind=kind, opening=opening, closing=closing, quantity=Decimal(0), **given
    )
    return MeterSegment(
        segment_number=number,
        segment_kind=kind,
        opening=opening,
        closing=closing,
        quantity=segment_quantity(unmeasured),
        **given,
    )


def usage_of(
    *values: str,
    metric: str = "good_count",
    unit_code: str = "C62",
    flag: QuantityFlag = "actual",
    period: Period = MARCH,
    contract_id: str = "eaas-cnc-hamburg",
    asset: str = ASSET,
) -> UsageRecord:
    """Usage of a counter read as `values`; a fall is an undeclared drop and holds its segment."""
    step = (period.end - period.start) / max(len(values) - 1, 1)
    readings = [
        a_reading(value, at=period.start + step * index, unit_code=unit_code) for index, value in enumerate(values)
    ]
    segments = tuple(
        a_segment(opening, closing, number=number, kind="increase" if closing.value >= opening.value else "held")
        for number, (opening, closing) in enumerate(pairwise(readings), start=1)
    )
    return usage_from(*segments, metric=metric, flag=flag, period=period, contract_id=contract_id, asset=asset)


def usage_from(
    *segments: MeterSegment,
    metric: str = "good_count",
    flag: QuantityFlag = "actual",
    period: Period = MARCH,
    contract_id: str = "eaas-cnc-hamburg",
    asset: str = ASSET,
) -> UsageRecord:
    return UsageRecord(
        contract_id=contract_id,
        physical_asset_id=asset,
        metric=metric,
        unit_code=segments[0].closing.unit_code if segments else "C62",
        service_period=period,
        quantity=sum((segment.quantity for segment in segments), Decimal(0)),
        quantity_flag=flag,
        segments=segments,
    )


def availability_in_hours(
    *, scheduled: str = "600", supplier: str = "30", operator: str = "12", planned: str = "8"
) -> Availability:
    return Availability(
        scheduled_s=Decimal(scheduled) * 3600,
        supplier_down_s=Decimal(supplier) * 3600,
        operator_down_s=Decimal(operator) * 3600,
        planned_down_s=Decimal(planned) * 3600,
    )


def a_rating(
    contract: Contract,
    *,
    parts: tuple[str, ...] = ("1000", "6200"),
    running_s: tuple[str, ...] = ("0", "1234567"),
    flag: QuantityFlag = "actual",
    availability: Availability | None = None,
    asset: str = ASSET,
    month: str = "2026-03",
) -> Rating:
    """One month of the contract, rated."""
    period = month_period(month, contract.time_zone)
    given = {"period": period, "contract_id": contract.contract_id, "asset": asset}
    usage = {
        "good_count": usage_of(*parts, flag=flag, **given),
        "running_time": usage_of(*running_s, metric="running_time", unit_code="SEC", **given),
    }
    return rate(
        contract,
        physical_asset_id=asset,
        service_period=period,
        usage=usage,
        availability=availability or availability_in_hours(),
    )

"""Metered usage of one billing period, read from the marts into the shapes that rating takes.

Belongs here: the queries, and joining each reading with the SHA-256 of the file that holds it.
Does not belong here: choosing readings or adding them up (dbt), pricing (models.billing.rating).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from models.billing.usage import Availability, MeterSegment, Reading, UsageRecord
from models.timeline import Period

if TYPE_CHECKING:
    import duckdb

_USAGE = """
select contract_id, physical_asset_id, metric, unit_code, quantity, quantity_flag, period_start_at, period_end_at,
       completeness_ratio
from billing.fct_metered_usage_per_month
where billing_period = $billing_period
order by all
"""
_SEGMENTS = """
select segment.*, opening_file.sha256 as opening_file_sha256, closing_file.sha256 as closing_file_sha256
from billing.fct_metered_segments as segment
left join raw.loaded_file as opening_file on opening_file.landed_file = segment.opening_landed_file
left join raw.loaded_file as closing_file on closing_file.landed_file = segment.closing_landed_file
where segment.billing_period = $billing_period
order by contract_id, physical_asset_id, metric, segment_number
"""
_AVAILABILITY = """
select contract_id, physical_asset_id, scheduled_s, supplier_down_s, operator_down_s, planned_down_s
from billing.fct_availability_per_month
where billing_period = $billing_period
"""
_COLLECTED_UNTIL = """
-- By asset, not by site: one that fell silent before the period's end may still send its last reading. A clock that
-- runs ahead must not end a month that is still running: nothing is known past the site's newest receipt.
select states.physical_asset_id, least(max(states.ended_at), max(site.newest_receipt_at)) as collected_until
from production.fct_equipment_states as states
inner join (select site_id, max(received_at) as newest_receipt_at from raw.message group by site_id) as site
    on site.site_id = states.site_id
where states.physical_asset_id is not null
group by states.physical_asset_id
"""


@dataclass(frozen=True, kw_only=True)
class PeriodUsage:
    """What one billing period measured, by (contract, asset); and until when each asset's site has been collected.

    `completeness` is the share of the period, 0 to 1, of which anything is known of the asset; it judges a quantity and
    is never part of one.
    """

    usage: Mapping[tuple[str, str], Mapping[str, UsageRecord]]
    availability: Mapping[tuple[str, str], Availability]
    completeness: Mapping[tuple[str, str], Decimal]
    collected_until: Mapping[str, datetime]


def read_usage(connection: duckdb.DuckDBPyConnection, *, billing_period: str) -> PeriodUsage:
    """Everything the rating of a billing period needs from the warehouse."""
    parameters = {"billing_period": billing_period}
    segments: dict[tuple[str, str, str], list[MeterSegment]] = {}
    for row in _rows(connection, _SEGMENTS, parameters):
        segments.setdefault((row["contract_id"], row["physical_asset_id"], row["metric"]), []).append(_segment(row))
    usage: dict[tuple[str, str], dict[str, UsageRecord]] = {}
    completeness: dict[tuple[str, str], Decimal] = {}
    for row in _rows(connection, _USAGE, parameters):
        key = (row["contract_id"], row["physical_asset_id"])
        if row["completeness_ratio"] is not None:
            completeness[key] = _decimal(row["completeness_ratio"])  # the same for every metric of the asset
        usage.setdefault(key, {})[row["metric"]] = UsageRecord(
            contract_id=row["contract_id"],
            physical_asset_id=row["physical_asset_id"],
            metric=row["metric"],
            unit_code=row["unit_code"],
            service_period=Period(_utc(row["period_start_at"]), _utc(row["period_end_at"])),
            quantity=row["quantity"],
            quantity_flag=row["quantity_flag"],
            segments=tuple(segments.get((*key, row["metric"]), ())),
        )
    availability = {
        (row["contract_id"], row["physical_asset_id"]): Availability(
            **{
                name: _decimal(row[name])
                for name in ("scheduled_s", "supplier_down_s", "operator_down_s", "planned_down_s")
            }
        )
        for row in _rows(connection, _AVAILABILITY, parameters)
    }
    collected = {
        row["physical_asset_id"]: _utc(row["collected_until"]) for row in _rows(connection, _COLLECTED_UNTIL, {})
    }
    return PeriodUsage(usage=usage, availability=availability, completeness=completeness, collected_until=collected)


def _segment(row: dict[str, Any]) -> MeterSegment:
    return MeterSegment(
        segment_number=row["segment_number"],
        segment_kind=row["segment_kind"],
        opening=_reading(row, "opening"),
        closing=_reading(row, "closing"),
        quantity=row["quantity"],
        modulus=row["modulus"],
        old_final_value=row["old_final_value"],
        new_start_value=row["new_start_value"],
    )


def _reading(row: dict[str, Any], end: str) -> Reading:
    return Reading(
        at=_utc(row[f"{end}_at"]),
        value=row[f"{end}_reading"],
        unit_code=row["unit_code"],
        message_id=row[f"{end}_message_id"],
        metric_index=row[f"{end}_metric_index"],
        landed_file=row[f"{end}_landed_file"],
        file_row=row[f"{end}_file_row"],
        file_sha256=row[f"{end}_file_sha256"],
    )


def _rows(connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
    result = connection.execute(query, parameters or None)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def _decimal(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))

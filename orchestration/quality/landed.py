"""The border in: what every landed message and reading must be, whatever plant it came from.

Belongs here: promises of the collector that the warehouse builds on.
Does not belong here: meaning, ranges of a sensor, business rules (dbt).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestration.quality.expectations import Verdict, library, validate_query

MESSAGE_TYPES = ["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH", "json", "event"]
EARLIEST, LATEST = "2000-01-01", "2100-01-01"


def check_landed_messages(warehouse: Path) -> Verdict:
    """Check raw.message: identified, typed, received at a believable time, no id twice."""
    gxe = library().expectations

    expectations: list[Any] = [
        *(
            gxe.ExpectColumnValuesToNotBeNull(column=column)
            for column in ("message_id", "site_id", "topic", "event_at")
        ),
        gxe.ExpectColumnValuesToBeUnique(column="message_id"),
        gxe.ExpectColumnValueLengthsToEqual(column="message_id", value=32),
        gxe.ExpectColumnValuesToBeInSet(column="is_slug", value_set=[True]),
        gxe.ExpectColumnValuesToBeInSet(column="message_type", value_set=MESSAGE_TYPES),
        gxe.ExpectColumnValuesToBeBetween(column="seq", min_value=0, max_value=255),
        gxe.ExpectColumnValuesToBeBetween(column="reading_count", min_value=0),
        gxe.ExpectColumnValuesToBeBetween(column="received_at", min_value=EARLIEST, max_value=LATEST),
    ]
    # Great Expectations has no regular expressions for DuckDB: the query says what one would have asked.
    query = "select *, regexp_full_match(site_id, '[a-z0-9_-]{1,40}') as is_slug from raw.message"
    return validate_query(warehouse, name="landed_messages", query=query, expectations=expectations)


def check_landed_readings(warehouse: Path) -> Verdict:
    """Check raw.reading: of a known message, once, with a value or openly without, at a believable time."""
    gxe = library().expectations

    query = """
        select reading.*, message.message_id is not null as has_message,
            value_double is null or not (isnan(value_double) or isinf(value_double)) as is_finite,
            value_decimal is not null and value_double is null as is_integer_without_number
        from raw.reading left join raw.message using (message_id)
    """
    expectations: list[Any] = [
        *(gxe.ExpectColumnValuesToNotBeNull(column=column) for column in ("message_id", "metric_index", "metric_name")),
        *(gxe.ExpectColumnValuesToNotBeNull(column=column) for column in ("edge_node_id", "device_id", "event_at")),
        gxe.ExpectColumnValuesToBeInSet(column="has_message", value_set=[True]),
        gxe.ExpectColumnValuesToBeInSet(column="is_integer_without_number", value_set=[False]),
        gxe.ExpectColumnValuesToBeInSet(column="event_at_source", value_set=["metric", "payload", "received"]),
        gxe.ExpectColumnValuesToBeBetween(column="metric_index", min_value=0),
        gxe.ExpectColumnValuesToBeBetween(column="received_at", min_value=EARLIEST, max_value=LATEST),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["message_id", "metric_index"]),
    ]
    return validate_query(warehouse, name="landed_readings", query=query, expectations=expectations)

"""The collectors' pictures of now as a table: raw.current_value, replaced whole.

Belongs here: reading the snapshots that `lineshaft state` reads, one row a metric. Does not belong here: what a metric
means (dbt joins raw.metric_mapping, which a mended mapping reaches at once), or keeping the picture (ingest).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_REPLACE = """
insert into raw.current_value by name
select
    site_id, edge_node_id, device_id, metric_name, datatype, value_decimal, value_double, value_text, quality,
    source_unit, event_at, received_at, stale_since
from read_parquet($snapshots, filename = true)
qualify  -- collectors that share a site each know what they heard: the newest stands, as in `lineshaft state`
    row_number() over (
        partition by site_id, edge_node_id, device_id, metric_name
        order by least(event_at, received_at) desc, filename desc
    ) = 1
"""


def replace_current_values(connection: duckdb.DuckDBPyConnection, *, home: Path) -> int:
    """Write raw.current_value anew from the snapshots of this moment; returns its row count.

    A snapshot is replaced by rename, so a collector at work disturbs nobody. Without snapshots the table is empty.
    """
    snapshots = sorted(str(path) for path in (home / "state").glob("*.parquet"))
    connection.execute("begin")
    try:
        connection.execute("delete from raw.current_value")
        if snapshots:
            connection.execute(_REPLACE, {"snapshots": snapshots})
        row = connection.execute("select count(*) from raw.current_value").fetchone()
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return int(row[0]) if row else 0

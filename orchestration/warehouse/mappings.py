"""The sites' mappings as tables that dbt joins: what each metric key seen so far means, and each local state word.

Belongs here: asking `ingest.mapping` about every distinct key of `raw.reading` and writing the answers.
Does not belong here: what a pattern or a unit means (ingest.mapping, ingest.units).

Both tables are rebuilt whole in one transaction, so a changed mapping file reaches every reading ever landed.
"""

# ruff: noqa: S608 - identifiers are constants of this package or quoted names; values are parameters

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.mapping import EMPTY_MAPPING, SiteMapping, load_mapping
from ingest.mapping_coverage import is_protocol
from ingest.site import Site

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, kw_only=True)
class MappingCount:
    """How much of what landed has a meaning."""

    metric_count: int
    unmapped_count: int
    state_count: int


_KEYS = """
select distinct site_id, edge_node_id, device_id, metric_name, source_unit
from raw.reading
order by all
"""


def load_site_mappings(sites: Iterable[Site]) -> dict[str, SiteMapping]:
    """The mapping of every configured site; a site without a file maps nothing."""
    return {site.site_id: load_mapping(site.mapping) if site.mapping else EMPTY_MAPPING for site in sites}


def rebuild_mappings(connection: duckdb.DuckDBPyConnection, *, mappings: dict[str, SiteMapping]) -> MappingCount:
    """Write raw.metric_mapping and raw.state_mapping anew."""
    import pyarrow as pa

    keys = connection.execute(_KEYS).fetchall()
    found = []
    for site_id, edge_node_id, device_id, metric_name, source_unit in keys:
        mapping = mappings.get(site_id, EMPTY_MAPPING)
        resolved = mapping.resolve(
            edge_node_id=edge_node_id, device_id=device_id, metric_name=metric_name, source_unit=source_unit
        )
        found.append(
            {
                "site_id": site_id,
                "edge_node_id": edge_node_id,
                "device_id": device_id,
                "metric_name": metric_name,
                "source_unit": source_unit,
                "work_unit_id": resolved.work_unit_id,
                "metric": resolved.metric,
                "metric_role": resolved.metric_role,
                "unit_code": resolved.unit_code,
                "factor": str(resolved.factor),
                "unit_offset": str(resolved.unit_offset),
                "mapping_version": str(mapping.version),
                "state_map": resolved.state_map,
            }
        )
    states = [
        {"site_id": site_id, "local_state": local, "state": state, "state_map": state_map}
        for site_id, mapping in sorted(mappings.items())
        for state_map, words in sorted(mapping.state_maps.items())
        for local, state in sorted(words.items())
    ]
    _replace(connection, table="metric_mapping", rows=pa.Table.from_pylist(found, schema=_text_schema(_METRIC_COLUMNS)))
    _replace(connection, table="state_mapping", rows=pa.Table.from_pylist(states, schema=_text_schema(_STATE_COLUMNS)))
    unmapped = sum(row["metric_role"] == "unmapped" and not is_protocol(str(row["metric_name"])) for row in found)
    return MappingCount(metric_count=len(found), unmapped_count=unmapped, state_count=len(states))


_METRIC_COLUMNS = (
    *("site_id", "edge_node_id", "device_id", "metric_name", "source_unit", "work_unit_id", "metric", "metric_role"),
    *("unit_code", "factor", "unit_offset", "mapping_version", "state_map"),
)
_STATE_COLUMNS = ("site_id", "local_state", "state", "state_map")


def _text_schema(columns: Iterable[str]) -> object:
    """Everything travels as text; the insert casts factors to their exact decimal type."""
    import pyarrow as pa

    return pa.schema([(column, pa.string()) for column in columns])


def _replace(connection: duckdb.DuckDBPyConnection, *, table: str, rows: object) -> None:
    connection.register("incoming_mapping", rows)
    try:
        connection.execute("begin")
        connection.execute(f"delete from raw.{table}")
        connection.execute(f"insert into raw.{table} by name select * from incoming_mapping")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    finally:
        connection.unregister("incoming_mapping")

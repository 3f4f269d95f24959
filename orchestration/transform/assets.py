"""dbt models as Dagster assets, their tests as asset checks, built by one dbt command in this process.

Belongs here: turning a selection of the dbt project into one multi-asset.
Does not belong here: which selections exist (defs/warehouse).
"""

# ruff: noqa: S608 - identifiers are constants of this package or quoted names; values are parameters

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.results import Materialized
from orchestration.settings import Deployment
from orchestration.transform.invocation import CommandResult, DbtSession
from orchestration.transform.translator import SchemaTranslator
from orchestration.warehouse.schema import open_warehouse

WAREHOUSE_POOL = "warehouse"
"""The warehouse file has one writer; dagster.yaml grants the pool one slot."""

_UNIQUE_ID = "dagster_dbt/unique_id"

_Event = Materialized | dg.AssetCheckResult


def models_after_source(manifest: Mapping[str, Any], *, schema: str, table: str) -> str:
    """A dbt selection: everything that stands on a source which is written between two dbt runs."""
    for source in manifest["sources"].values():
        if (source["schema"], source["name"]) == (schema, table):
            return f"source:{source['source_name']}.{source['name']}+"
    raise LookupError(f"the dbt project declares no source {schema}.{table}")


def models_after_sources(manifest: Mapping[str, Any], *, schema: str) -> str:
    """A dbt selection: everything that stands on any source of a schema which is written between two dbt runs."""
    names = {source["source_name"] for source in manifest["sources"].values() if source["schema"] == schema}
    if not names:
        raise LookupError(f"the dbt project declares no source in schema {schema}")
    return " ".join(f"source:{name}+" for name in sorted(names))


def dbt_models(
    *, manifest: Mapping[str, Any], name: str, select: str = "fqn:*", exclude: str = ""
) -> dg.AssetsDefinition:
    """One multi-asset over a selection of models; a subset of it can be built too."""

    @dbt_assets(
        manifest=manifest,
        select=select,
        exclude=exclude or None,
        name=name,
        dagster_dbt_translator=SchemaTranslator(),
        pool=WAREHOUSE_POOL,
    )
    def models(
        context: dg.AssetExecutionContext, deployment: dg.ResourceParam[Deployment], dbt: dg.ResourceParam[DbtSession]
    ) -> Iterator[_Event]:
        specs = {
            spec.metadata[_UNIQUE_ID]: spec.key for spec in context.assets_def.specs if _UNIQUE_ID in spec.metadata
        }
        selected = {uid: key for uid, key in specs.items() if key in context.selected_asset_keys}
        checks = {
            spec.metadata[_UNIQUE_ID]: spec
            for spec in context.assets_def.check_specs
            if spec.key in context.selected_asset_check_keys and spec.metadata and _UNIQUE_ID in spec.metadata
        }
        if context.is_subset:
            nodes = [manifest["nodes"][uid] for uid in (*selected, *checks) if uid in manifest["nodes"]]
            result = dbt.build(select=" ".join(f"fqn:{'.'.join(node['fqn'])}" for node in nodes))
        else:
            result = dbt.build(select=select, exclude=exclude)
        row_counts = _count_rows(deployment.warehouse_path, keys=selected.values())
        yield from _events(result, selected=selected, checks=checks, row_counts=row_counts)
        broken = [node for node in result.nodes if node.status in {"error", "runtime error", "partial success"}]
        if broken:
            raise dg.Failure(
                description="; ".join(f"{node.unique_id}: {node.message.strip()}" for node in broken),
                allow_retries=False,
            )
        if result.exception is not None:
            raise dg.Failure(description=f"dbt stopped: {result.exception}", allow_retries=False)

    return models


def _events(
    result: CommandResult,
    *,
    selected: Mapping[str, dg.AssetKey],
    checks: Mapping[str, dg.AssetCheckSpec],
    row_counts: Mapping[dg.AssetKey, int],
) -> Iterator[_Event]:
    for node in result.nodes:
        if node.unique_id in selected and node.is_built:
            key = selected[node.unique_id]
            metadata: dict[str, Any] = {"seconds": node.seconds}
            if key in row_counts:
                metadata["dagster/row_count"] = row_counts[key]
            yield Materialized(asset_key=key, metadata=metadata)
        elif node.unique_id in checks and node.status != "skipped":
            spec = checks[node.unique_id]
            yield dg.AssetCheckResult(
                asset_key=spec.asset_key,
                check_name=spec.name,
                passed=node.is_passed,
                severity=dg.AssetCheckSeverity.WARN if node.status == "warn" else dg.AssetCheckSeverity.ERROR,
                metadata={"failing_rows": node.failure_count or 0, "message": node.message},
            )


def _count_rows(path: Path, *, keys: Any) -> dict[dg.AssetKey, int]:
    """Rows of the tables among the keys; a view is not read for a number nobody asked for."""
    with open_warehouse(path) as connection:
        tables = {
            tuple(row) for row in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        }
        found = {}
        for key in keys:
            if tuple(key.path) in tables:
                schema, table = key.path
                row = connection.execute(f'select count(*) from "{schema}"."{table}"').fetchone()
                found[key] = int(row[0]) if row else 0
    return found

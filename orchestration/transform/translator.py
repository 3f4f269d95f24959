"""What Dagster calls the things of the dbt project: key [schema, table], group = schema.

Belongs here: names only. Does not belong here: selection or running.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from orchestration.automation import FRESH_WITHIN_A_DAY


class SchemaTranslator(DagsterDbtTranslator):
    """A model, seed or source is known by its address in the warehouse; tests, those of sources too, are its checks."""

    def __init__(self) -> None:
        super().__init__(settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """The specification as dagster-dbt makes it, under our names."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
        return spec.replace_attributes(
            key=_address(node), group_name=node["schema"], freshness_policy=FRESH_WITHIN_A_DAY
        )


def models_in_schemas(manifest: Mapping[str, Any], *, schemas: Iterable[str]) -> list[dg.AssetKey]:
    """The keys of all models in some schemas, in order."""
    wanted = set(schemas)
    models = (
        node for node in manifest["nodes"].values() if node["resource_type"] == "model" and node["schema"] in wanted
    )
    return sorted((_address(node) for node in models), key=lambda key: tuple(key.path))


def _address(node: Mapping[str, Any]) -> dg.AssetKey:
    return dg.AssetKey([node["schema"], node.get("identifier") or node.get("alias") or node["name"]])

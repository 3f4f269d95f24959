"""The names of what the platform makes: an asset's key is [schema, table], its group is the schema.

Belongs here: keys that more than one module mentions. Names are a contract:
tests/golden/asset_keys.txt holds all of them.
Does not belong here: keys of dbt models, which follow from the dbt project.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import dagster as dg

from orchestration.warehouse.rated import RATED_TABLES
from orchestration.warehouse.schema import LANDED_TABLES

LANDED = {table.name: dg.AssetKey(["raw", table.name]) for table in LANDED_TABLES}
EVERY_FILE_IS_SOUND = "every_landed_file_is_sound"
READING = LANDED["reading"]
MESSAGE = LANDED["message"]
METRIC_MAPPING = dg.AssetKey(["raw", "metric_mapping"])
CURRENT_VALUE = dg.AssetKey(["raw", "current_value"])
STATE_MAPPING = dg.AssetKey(["raw", "state_mapping"])
ASSET_PREDICTION = dg.AssetKey(["predictive", "asset_prediction"])
REMAINING_LIFE_MODELS = dg.AssetKey(["predictive", "remaining_life_models"])
RATED = {table: dg.AssetKey(["rating", table]) for table in RATED_TABLES}
SERVING_COPY = dg.AssetKey(["serving", "serving_copy"])
INVOICE_DRAFTS = dg.AssetKey(["billing", "invoice_drafts"])
INVOICES_APPROVED = dg.AssetKey(["billing", "invoices_approved"])
INVOICES_ISSUED = dg.AssetKey(["billing", "invoices_issued"])
INVOICE_CORRECTIONS = dg.AssetKey(["billing", "invoice_corrections"])


def keys_of_kinds(kinds: Collection[str]) -> list[dg.AssetKey]:
    """The raw tables that landed files of these kinds go to."""
    return [LANDED[table.name] for table in LANDED_TABLES if table.kind in kinds]


def sound_file_checks(keys: Iterable[dg.AssetKey]) -> list[dg.AssetCheckKey]:
    """The checks that loads make themselves, as opposed to the border checks over all rows."""
    return [dg.AssetCheckKey(key, EVERY_FILE_IS_SOUND) for key in keys]


def operations(table: str) -> dg.AssetKey:
    """The warehouse copy of a reference table of the operational store."""
    return dg.AssetKey(["operations", table])


def published_feed(model: str) -> dg.AssetKey:
    """The files written from a feed model, such as feed_supplier__component_quality."""
    return dg.AssetKey(["published", model.removeprefix("feed_")])

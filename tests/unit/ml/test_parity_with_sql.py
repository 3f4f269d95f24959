"""The mart's SQL and the numpy reference are the same features: a model may learn from one and score the other."""

from __future__ import annotations

from pathlib import Path

import duckdb
import jinja2
import numpy as np
import pandas as pd

from ml.features import reference_features
from ml.windows import STATISTICS
from tests.builders.degradation import some_readings

MODEL = Path(__file__).parents[3] / "dbt_project/models/marts/predictive/fct_features_per_cycle.sql"
KEYS = ["physical_asset_id", "history_number", "metric", "cycle"]


def _features_by_sql(readings: pd.DataFrame) -> pd.DataFrame:
    """Run the mart's own text on the readings, with the neighbours it refers to as plain tables."""
    sql = jinja2.Template(MODEL.read_text()).render(
        ref=lambda name: name, var=lambda name: {"baseline_cycles": 20}[name]
    )
    with duckdb.connect() as connection:
        cycles = readings.drop(columns="equipment_class")
        assets = readings[["physical_asset_id", "equipment_class"]].drop_duplicates()
        connection.register("int_predictive__sensor_cycles", cycles)
        connection.register("dim_physical_asset", assets)
        return connection.sql(sql).df()


def test_sql_and_numpy_give_equal_features() -> None:
    readings = some_readings(asset_count=2, histories_per_asset=2, longest_life=110)
    by_sql = _features_by_sql(readings).sort_values(KEYS).reset_index(drop=True)
    by_numpy = reference_features(readings).sort_values(KEYS).reset_index(drop=True)
    assert by_sql[KEYS].values.tolist() == by_numpy[KEYS].values.tolist()
    differing = [
        name
        for name in ("value", *STATISTICS)
        if not np.allclose(by_sql[name], by_numpy[name], rtol=1e-9, atol=1e-8, equal_nan=False)
    ]
    assert differing == []

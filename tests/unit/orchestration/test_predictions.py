"""Predictions are written once for an asset and instant, and never for an asset nobody heard of."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from orchestration.prediction.wiring import write_predictions
from orchestration.warehouse.schema import open_warehouse


def predictions(*, life: float) -> pd.DataFrame:
    answer = {"equipment_class": "air_compressor", "cycle": 7, "remaining_life_cycles": life, "is_at_risk": False}
    frame = pd.DataFrame(
        [
            {"physical_asset_id": "heard", "as_of_at": pd.Timestamp("2026-03-01 12:00"), **answer},
            {"physical_asset_id": "silent", "as_of_at": pd.NaT, **answer},
        ]
    )
    return frame.astype({"as_of_at": "datetime64[us]", "cycle": "Int64"})


def test_a_prediction_made_again_replaces_the_former(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        assert write_predictions(connection, predictions=predictions(life=50.0)) == 1
        write_predictions(connection, predictions=predictions(life=40.0))
        rows = connection.execute(
            "select physical_asset_id, remaining_life_cycles, upper_cycles from predictive.asset_prediction"
        ).fetchall()
    assert rows == [("heard", 40.0, None)]

"""Small fleets whose sensors drift towards failure, as long frames with the columns of the feature mart.

Wear is a curve from 0 to 1 over each life; every sensor is a level, a share of the wear and noise, all from one seed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.features import reference_features

MACHINING_SENSORS = {"vibration": (2.0, 4.0), "bearing_temperature": (55.0, 20.0), "spindle_load": (48.0, 12.0)}
"""Level when new, and what a life of wear adds."""

FIRST_CYCLE_AT = pd.Timestamp("2026-02-27")


def some_readings(
    *,
    asset_count: int = 6,
    histories_per_asset: int = 2,
    shortest_life: int = 60,
    longest_life: int = 90,
    seed: int = 7,
    equipment_class: str = "cnc_machining_centre",
    with_regimes: bool = False,
) -> pd.DataFrame:
    """One row per asset, history, cycle and metric; every history runs to its failure."""
    random = np.random.default_rng(seed)
    parts = []
    for asset in range(asset_count):
        for history in range(1, histories_per_asset + 1):
            life = int(random.integers(shortest_life, longest_life + 1))
            wear = (np.arange(1, life + 1) / life) ** random.uniform(1.5, 2.5)
            regime = random.integers(0, 6, life) if with_regimes else np.zeros(life)
            columns = {
                name: level + share * wear + random.normal(0, share / 20, life) + regime * level
                for name, (level, share) in MACHINING_SENSORS.items()
            }
            if with_regimes:
                columns["speed_step"] = regime
            wide = pd.DataFrame(columns).assign(cycle=np.arange(1, life + 1))
            long = wide.melt(id_vars="cycle", var_name="metric", value_name="value")
            start = FIRST_CYCLE_AT + pd.Timedelta(days=20 * history)
            parts.append(
                long.assign(
                    physical_asset_id=f"weller-mc630-{1000 + asset}",
                    equipment_class=equipment_class,
                    history_number=history,
                    as_of_at=start + pd.to_timedelta(long["cycle"], unit="h"),
                )
            )
    return pd.concat(parts, ignore_index=True)


def some_features(**wishes: object) -> pd.DataFrame:
    """The same fleet with its causal windows."""
    return reference_features(some_readings(**wishes))  # type: ignore[arg-type]  # handed through unchanged


def labels_of(features: pd.DataFrame, *, censored_histories: tuple[tuple[str, int], ...] = ()) -> pd.DataFrame:
    """Remaining life per cycle; the histories named did not end in a failure."""
    keys = ["physical_asset_id", "equipment_class", "history_number", "cycle", "as_of_at"]
    rows = features[keys].drop_duplicates().reset_index(drop=True)
    last = rows.groupby(["physical_asset_id", "history_number"])["cycle"].transform("max")
    pairs = list(zip(rows["physical_asset_id"], rows["history_number"], strict=True))
    is_censored = np.array([pair in censored_histories for pair in pairs], dtype=bool)
    life = (last - rows["cycle"]).astype(float)
    return rows.assign(remaining_life_cycles=life.where(~is_censored), is_censored=is_censored)

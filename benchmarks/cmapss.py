"""The product's own training and scoring on NASA's turbofan engines (C-MAPSS), from files.

Prints RMSE and score on the official test sets under both label protocols, and the time each step took:

    python benchmarks/cmapss.py [PATH] [FD001 FD002 …]

PATH holds train_FD00n.txt.gz, test_FD00n.txt.gz and RUL_FD00n.txt. One configuration for all sets; nothing is chosen on
test engines. Not for production: there, features come from dbt.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from ml.evaluation import remaining_life_report
from ml.features import reference_features
from ml.registry import StoredModel
from ml.scoring import score
from ml.training import train

CLASS = "turbofan_fd001"
SETS = ("FD001", "FD002", "FD003", "FD004")
METRICS = [f"op_setting_{n}" for n in range(1, 4)] + [f"sensor_{n:02d}" for n in range(1, 22)]
DEFAULT_PATH = Path(__file__).resolve().parents[2] / "shared" / "data" / "predictive" / "cmapss"
FIRST_CYCLE_AT = pd.Timestamp("2025-01-01")


def read_engines(path: Path, *, prefix: str) -> pd.DataFrame:
    """One row per engine, cycle and metric, as the warehouse would hold them: a cycle is an hour."""
    table = np.loadtxt(path)
    wide = pd.DataFrame(table[:, 2:], columns=METRICS)
    wide["physical_asset_id"] = [f"{prefix}-{int(unit):03d}" for unit in table[:, 0]]
    wide["cycle"] = table[:, 1].astype(int)
    long = wide.melt(id_vars=["physical_asset_id", "cycle"], var_name="metric", value_name="value")
    return long.assign(
        equipment_class=CLASS,
        history_number=1,
        as_of_at=FIRST_CYCLE_AT + pd.to_timedelta(long["cycle"], unit="h"),
    )


def failure_labels(features: pd.DataFrame) -> pd.DataFrame:
    """Every training engine ran to failure: its last cycle has no life left."""
    keys = ["physical_asset_id", "equipment_class", "history_number", "cycle", "as_of_at"]
    rows = features[keys].drop_duplicates().reset_index(drop=True)
    last = rows.groupby("physical_asset_id")["cycle"].transform("max")
    return rows.assign(remaining_life_cycles=(last - rows["cycle"]).astype(float), is_censored=False)


def read_truth(path: Path, *, prefix: str) -> dict[str, float]:
    """True remaining life per test engine."""
    return {f"{prefix}-{number:03d}": float(life) for number, life in enumerate(np.loadtxt(path), start=1)}


def run(path: Path, name: str) -> None:
    """Train and score one set and print its line."""
    started = time.perf_counter()
    train_features = reference_features(read_engines(path / f"train_{name}.txt.gz", prefix="train"))
    test_features = reference_features(read_engines(path / f"test_{name}.txt.gz", prefix="test"))
    featured = time.perf_counter()
    model = train(train_features, failure_labels(train_features), equipment_class=CLASS)
    trained = time.perf_counter()
    predictions = score(test_features, {CLASS: StoredModel(trained=model, sha256="")})
    scored = time.perf_counter()
    card, evaluation = model.card, model.card["evaluation"]
    seconds = {"features": featured - started, "training": trained - featured, "scoring": scored - trained}
    print(f"{name}: rung {card['rung']}, {card['failure_count']} failures, {card['regime_count']} regimes")
    print(f"  seconds { {name: round(value, 1) for name, value in seconds.items()} }")
    print(f"  cross-validation {evaluation['errors']}")
    print(f"  band {evaluation['band']}")
    print(f"  costs { {k: v for k, v in evaluation['costs'].items() if k != 'cost_curve'} }")
    print(f"  alerts {evaluation['alerts']}")
    flags = predictions.loc[predictions["input_flags"] != "", "input_flags"]
    print(f"  test engines {len(predictions)}, with flags {len(flags)}: {flags.value_counts().head(5).to_dict()}")
    truth_file = path / f"RUL_{name}.txt"
    if not truth_file.exists():
        print(f"  no {truth_file.name}: test engines scored, not judged")
        return
    truth = read_truth(truth_file, prefix="test")
    report = remaining_life_report(predictions, truth, cap=125)
    inside = [
        low <= min(truth[asset], 125) <= high
        for asset, low, high in predictions[["physical_asset_id", "lower_cycles", "upper_cycles"]].itertuples(
            index=False
        )
    ]
    print(f"  test {report}")
    print(f"  test coverage of the 90 % band {np.mean(inside):.3f}")


def main() -> None:
    """Read the arguments and run the sets that are there."""
    arguments = sys.argv[1:]
    names = [one for one in arguments if one in SETS] or list(SETS)
    paths = [Path(one) for one in arguments if one not in SETS]
    path = paths[0] if paths else DEFAULT_PATH
    if not path.is_dir():
        sys.exit(f"No directory {path}; give the directory of the C-MAPSS files as the first argument.")
    for name in names:
        if (path / f"train_{name}.txt.gz").exists():
            run(path, name)


if __name__ == "__main__":
    main()

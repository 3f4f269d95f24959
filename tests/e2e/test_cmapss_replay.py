"""NASA's engines through the whole line: every value once in the warehouse, and a remaining life worth reading."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.conftest import lineshaft
from tests.integration.brokers import a_mosquitto

ENGINES = 12


def test_a_slice_of_fd001_arrives_exactly_once_and_is_graded(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "predictive" / "cmapss"
    with a_mosquitto(tmp_path) as broker:
        words = ["replay", "cmapss", "--path", str(path), "--set", "FD001", "--engines", str(ENGINES)]
        words += ["--broker", broker.url, "--protocol", "5", "--json"]
        replay = json.loads(lineshaft(tmp_path / "home", *words))
    assert replay["quarantined"] == 0
    assert replay["landed"] == replay["published"]
    assert replay["found_reading_count"] == replay["expected_reading_count"] == replay["test_row_count"] * 24
    assert replay["is_exact"]
    assert 0 < replay["grade"]["rmse_cap125"] < 30  # a constant guess errs by about 40
    assert replay["grade"]["rmse_raw"] >= replay["grade"]["rmse_cap125"]

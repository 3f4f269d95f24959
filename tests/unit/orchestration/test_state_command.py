"""`lineshaft state`: what its table says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.current_state import read_state
from orchestration.commands.state import age_of, rows_of
from tests.builders.pictures import Picture


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(-5, "0 s"), (0, "0 s"), (119.9, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h"), (172_800, "2 d")],
)
def test_an_age_is_told_in_one_unit(seconds: float, age: str) -> None:
    assert age_of(seconds) == age


def test_a_row_tells_value_quality_time_and_age(tmp_path: Path) -> None:
    Picture(tmp_path).says({"x": 42})
    (value,) = read_state(tmp_path)
    now = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=3)
    (row,) = rows_of([value], now=now)
    assert row == (value.path, "42", "", str(value.quality), "2026-03-01 00:00:00Z", "3 min", "")

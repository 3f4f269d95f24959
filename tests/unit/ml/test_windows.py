"""Causal windows: what they say, and that they never look ahead."""

from __future__ import annotations

import numpy as np
import pytest

from ml.windows import STATISTICS, causal_windows


def _series(count: int = 120, channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    return random.normal(600, 3, (count, channels)).cumsum(axis=0), np.arange(1.0, count + 1)


@pytest.mark.parametrize("length", [1, 2, 3, 19, 20, 21, 79, 100])
def test_a_truncated_history_gives_exactly_the_same_earlier_rows(length: int) -> None:
    values, cycles = _series()
    whole = causal_windows(values, cycles)
    assert np.array_equal(causal_windows(values[:length], cycles[:length]), whole[:length])


def test_windows_equal_a_plain_calculation_row_by_row() -> None:
    values, cycles = _series(count=100, channels=1)
    cycles = cycles + (cycles > 40)  # one cycle is missing
    result = causal_windows(values, cycles)
    for row in range(100):
        expected = [values[max(0, row + 1 - width) : row + 1].mean() for width in (5, 10, 20, 40)]
        for width in (10, 20, 40, 80):
            part = slice(max(0, row + 1 - width), row + 1)
            rows = part.stop - part.start
            expected.append(np.polyfit(cycles[part], values[part, 0], 1)[0] * rows if rows >= 3 else 0.0)
        expected.append(values[max(0, row - 9) : row + 1].mean() - values[: min(row + 1, 20)].mean())
        assert result[row, :, 0] == pytest.approx(expected, rel=1e-7, abs=1e-6)


def test_a_steady_signal_has_no_slope_and_no_difference_to_its_baseline() -> None:
    result = causal_windows(np.full((50, 1), 17.3), np.arange(50.0))
    assert np.all(result[:, : STATISTICS.index("slope_10"), 0] == 17.3)
    assert np.all(result[:, STATISTICS.index("slope_10") :, 0] == 0)


def test_an_empty_history_has_no_windows() -> None:
    assert causal_windows(np.zeros((0, 2)), np.zeros(0)).shape == (0, 9, 2)

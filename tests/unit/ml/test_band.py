"""The band: as wide as the errors seen, wider on doubtful input, never outside what can be."""

from __future__ import annotations

import numpy as np

from ml.band import ConformalBand


def _calibrated() -> tuple[ConformalBand, np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    actual = random.uniform(0, 125, 4000)
    predicted = np.clip(actual + random.normal(0, 2 + actual / 12), 0, 125)
    return ConformalBand().fit(predicted[:2000], actual[:2000]), predicted[2000:], actual[2000:]


def test_nine_of_ten_unseen_lives_lie_inside() -> None:
    band, predicted, actual = _calibrated()
    low, high = band.interval(predicted).T
    assert 0.87 <= np.mean((low <= actual) & (actual <= high)) <= 0.94


def test_the_band_is_narrow_near_the_end_and_wide_far_from_it() -> None:
    band, _, _ = _calibrated()
    width = np.diff(band.interval(np.array([10.0, 90.0])), axis=1).ravel()
    assert width[0] < width[1] / 2


def test_doubtful_input_gets_the_widest_band_and_no_band_leaves_the_scale() -> None:
    band, _, _ = _calibrated()
    values = np.array([10.0, 60.0, 125.0])
    usual = band.interval(values)
    doubtful = band.interval(values, is_doubtful=np.array([True, True, True]))
    assert (doubtful[:, 0] <= usual[:, 0]).all()
    assert (doubtful[:, 1] >= usual[:, 1]).all()
    assert doubtful[0, 1] > usual[0, 1]
    assert doubtful.min() >= 0
    assert doubtful.max() <= 125

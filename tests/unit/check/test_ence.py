"""ENCE against a sum by hand, its growth with bins, and its warnings."""

from __future__ import annotations

import numpy as np
import pytest

from bayesmat.check import ence
from bayesmat.errors import DataError


def test_two_bins_by_hand() -> None:
    # Bin of sd 1: RMSE sqrt((1 + 9) / 2) = sqrt 5; bin of sd 2: RMSE 1.
    y, sd = [1.0, 1.0, -3.0, 1.0], [1.0, 2.0, 1.0, 2.0]
    found = ence(y, [0.0] * 4, sd, n_bins=2)
    assert found.value == pytest.approx(((5**0.5 - 1) + (2 - 1) / 2) / 2)


def test_it_grows_as_the_root_of_the_bins_of_calibrated_predictions() -> None:
    """Pernot 2023: which is why the value comes with a band. 4000 values, so noise is 10 %."""
    rng = np.random.default_rng(0)
    sd = rng.uniform(0.5, 2, 4000)
    y = sd * rng.normal(size=4000)
    few, many = (ence(y, np.zeros(4000), sd, n_bins=b) for b in (5, 80))
    assert many.value / few.value == pytest.approx(4.0, rel=0.6)
    assert many.lower < many.value < many.upper
    assert not many.is_suspect


def test_the_band_holds_calibrated_values_as_often_as_it_says() -> None:
    """95 % band, 200 data sets: fewer than 180 inside happens with probability 0.001."""
    rng = np.random.default_rng(1)
    inside = 0
    for seed in range(200):
        sd = rng.uniform(0.5, 2, 120)
        found = ence(sd * rng.normal(size=120), np.zeros(120), sd, n_simulations=300, seed=seed)
        inside += found.lower <= found.value <= found.upper
    assert inside >= 180


@pytest.mark.parametrize("factor", [0.6, 1.6])
def test_wrong_noise_is_found(factor: float) -> None:
    rng = np.random.default_rng(2)
    sd = rng.uniform(0.5, 2, 300)
    assert ence(sd * rng.normal(size=300), np.zeros(300), factor * sd).is_suspect


def test_small_samples_are_warned_about() -> None:
    rng = np.random.default_rng(3)
    y = rng.normal(size=45)
    text = str(ence(y, np.zeros(45), np.ones(45), n_bins=9))
    assert "With 45 values ENCE says little" in text
    assert "Bins hold only 5 values" in text
    assert ence(np.tile(y, 4), np.zeros(180), np.ones(180)).warnings == ()
    with pytest.raises(DataError, match="3 values cannot fill 5 bins"):
        ence([1.0] * 3, [0.0] * 3, [1.0] * 3, n_bins=5)

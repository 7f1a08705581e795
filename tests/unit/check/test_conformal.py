"""Order statistics by hand, and coverage that owes nothing to the model."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from bayesmat.check import (
    conformal_quantile,
    jackknife_plus,
    jackknife_plus_interval,
    split_conformal,
)
from bayesmat.data.splits import grouped_split
from bayesmat.errors import DataError

from .helpers import pair, plane, smooth


def test_quantile_is_an_order_statistic() -> None:
    residuals = [5.0, 1.0, 4.0, 2.0, 3.0, 9.0, 8.0, 7.0, 6.0]
    assert conformal_quantile(residuals, level=0.9) == 9.0  # ceil(10 * 0.9) = 9th
    assert conformal_quantile(residuals, level=0.8) == 8.0
    assert conformal_quantile(residuals, level=0.81) == 9.0
    assert conformal_quantile(residuals, level=0.91) == math.inf


def test_jackknife_plus_by_hand() -> None:
    """Four fits, level 0.6: 3rd smallest above, floor(5 * 0.4) = 2nd smallest below."""
    centres = torch.tensor([[10.0], [11.0], [9.0], [10.0]]).double()
    residuals = [1.0, 2.0, 3.0, 0.5]
    lower, upper = jackknife_plus_interval(centres, residuals, level=0.6)
    assert lower.tolist() == [9.0]  # of 6, 9, 9, 9.5
    assert upper.tolist() == [12.0]  # of 10.5, 11, 12, 13
    sds = torch.tensor([[1.0], [2.0], [1.0], [2.0]]).double()
    lower, upper = jackknife_plus_interval(centres, residuals, level=0.6, sds=sds)
    assert lower.tolist() == [7.0]  # of 6, 7, 9, 9
    assert upper.tolist() == [12.0]  # of 11, 11, 12, 15
    lower, upper = jackknife_plus_interval(centres, residuals, level=0.9)
    assert lower.tolist() == [-math.inf]
    assert upper.tolist() == [math.inf]


def test_equal_fits_make_jackknife_plus_the_split_interval() -> None:
    rng = np.random.default_rng(0)
    residuals = np.abs(rng.normal(size=30))
    lower, upper = jackknife_plus_interval(np.full((30, 1), 2.0), residuals, level=0.8)
    half = conformal_quantile(residuals, level=0.8)
    assert float(upper) == pytest.approx(2.0 + half)
    assert float(lower) == pytest.approx(2.0 - half)


def test_jackknife_plus_of_a_mean_covers_heavy_tailed_values() -> None:
    """Level 0.8 promises 0.6 and gives about 0.8: of 1000, outside 750 to 850 is below 1e-4."""
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(1000):
        y = rng.standard_t(2, size=21)
        train, new = y[:20], y[20]
        centres = (train.sum() - train) / 19
        lower, upper = jackknife_plus_interval(centres[:, None], np.abs(train - centres), level=0.8)
        inside += bool(lower <= new <= upper)
    assert 750 <= inside <= 850


def test_split_conformal_repairs_a_model_with_far_too_small_noise() -> None:
    """80 % intervals for 400 new points; the model's own hold about a third of the values.

    28 calibration values spread the coverage by 0.075 (a beta law), so below 0.6 has probability
    0.01 for a fixed seed to have been unlucky.
    """
    table = plane(490, noise=0.4).select(["a"])
    train, new = table.subset(range(90)), table.subset(range(90, 490))
    prior = smooth(noise=0.05, noise_sd=0.01)
    found = split_conformal(prior, train, new.materials, level=0.8, seed=0)
    y = new.values
    inside = ((found.lower <= y) & (y <= found.upper)).mean()
    assert 0.6 < inside < 0.97
    assert found.guarantee == 0.8
    assert found.n_calibration == (27,)
    assert "split conformal, 80% intervals; proved to hold 80%" in str(found)


def test_residuals_are_scaled_by_one_rule_whatever_sds_they_state() -> None:
    """What old values state, new ones do not: scaled by it, they would not be exchangeable."""
    table = plane(40).select(["a"])
    _, calibration = grouped_split(table.materials, 0.5, seed=0)
    found = []
    for sd in (0.02, 2.0):
        stds = np.full((40, 1), 0.1)
        stds[calibration] = sd
        stated = replace(table, stds=stds)
        kwargs = {"level": 0.8, "calibration_fraction": 0.5, "seed": 0}
        found.append(split_conformal(smooth(n=100), stated, ["0.5 0.5", "1.9 -1.9"], **kwargs))
    assert len(calibration) == 20
    np.testing.assert_array_equal(found[0].upper, found[1].upper)
    wide = found[0].upper - found[0].lower
    assert wide[0] != pytest.approx(wide[1], rel=1e-3)  # they are still normalised


def test_folds_of_materials_make_cv_plus() -> None:
    """80 % intervals for 40 new points: below 55 % has probability about 0.002."""
    table = plane(60, noise=0.3)
    new = plane(40, noise=0.3, seed=5)
    found = jackknife_plus(pair(200), table, new.materials, level=0.8, n_folds=5, seed=0)
    assert found.lower.shape == (40, 2)
    assert bool((found.lower[:, 1] > 0).all())  # the log property stays positive
    inside = ((found.lower <= new.values) & (new.values <= found.upper)).mean(0)
    assert bool((inside > 0.55).all())
    # Bound of CV+: 1 - 2 alpha - min(2 (1 - 1/5) / (60/5 + 1), (1 - 5/60) / 6)
    assert found.guarantee == pytest.approx(0.6 - min(1.6 / 13, (55 / 60) / 6))
    assert "<table" in found._repr_html_()


def test_replicates_count_once() -> None:
    table = plane(8, repeats=3).select(["a"])
    found = jackknife_plus(smooth(n=100), table, table.materials[:1], level=0.7, seed=0)
    assert found.n_calibration == (8,)
    assert found.method == "jackknife+ (8 fits)"
    assert found.guarantee == pytest.approx(0.4)
    assert np.isfinite(found.upper).all()


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match="between 0 and 1"):
        conformal_quantile([1.0], level=90)
    with pytest.raises(DataError, match="one row of predictions per left-out value"):
        jackknife_plus_interval(np.zeros((2, 1)), [1.0], level=0.5)

"""The two-way bootstrap against variances of known random effects."""

from __future__ import annotations

import numpy as np
import pytest

from bayesmat.check import resampled_means, resampled_weights
from bayesmat.check.resampling import Estimate, with_floor
from bayesmat.errors import DataError


def _crossed(rng: np.random.Generator, material_sd: float, split_sd: float) -> tuple:
    """40 materials in 20 splits, all crossed; mean 0."""
    a, b = material_sd * rng.normal(size=40), split_sd * rng.normal(size=20)
    values = (a[:, None] + b[None]).ravel()
    materials = np.repeat([f"m{i}" for i in range(40)], 20)
    return values, materials, np.tile(np.arange(20), 40)


def test_weights_are_products_of_counts() -> None:
    materials, splits = ["a", "a", "b", "b"], [0, 1, 0, 1]
    weights = np.concatenate(list(resampled_weights(materials, splits, seed=0, n_resamples=50)))
    assert weights.shape == (50, 4)
    np.testing.assert_array_equal(weights[:, 0] * weights[:, 3], weights[:, 1] * weights[:, 2])
    assert set(np.unique(weights)) <= {0, 1, 2, 4}


def test_folds_of_one_round_resample_materials_only() -> None:
    materials, splits = [str(i) for i in range(10)], [0] * 5 + [1] * 5
    weights = np.concatenate(list(resampled_weights(materials, splits, seed=0)))
    np.testing.assert_array_equal(weights.sum(1), 10)


@pytest.mark.parametrize(("material_sd", "split_sd"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_intervals_hold_the_mean_of_crossed_effects(material_sd: float, split_sd: float) -> None:
    """95 % intervals, 200 data sets; 20 splits make the percentile interval cover about 93 %.

    Below 174 has probability 0.003 at 0.93. Counting cells instead would cover 40 % or less.
    """
    rng = np.random.default_rng(0)
    held = cells = 0
    for seed in range(200):
        values, materials, splits = _crossed(rng, material_sd, split_sd)
        held += resampled_means(values[:, None], materials, splits, seed=seed)[0].holds(0.0)
        cells += abs(values.mean()) < 1.96 * values.std() / len(values) ** 0.5
    assert held >= 174
    assert cells < 100


def test_a_floor_for_shares_that_resampling_cannot_move() -> None:
    found = with_floor(Estimate(1.0, 1.0, 1.0), 8)
    assert found.lower == pytest.approx(0.6306, abs=1e-4)  # Clopper-Pearson of 8 of 8
    assert with_floor(Estimate(0.5, 0.4, 0.6), 12) == Estimate(0.5, 0.4, 0.6)
    near = with_floor(Estimate(71 / 72, 0.958, 1.0), 72)
    assert near.lower == pytest.approx(0.925, abs=1e-3)  # Clopper-Pearson of 71 of 72
    assert near.holds(0.95)
    assert near.upper == 1.0


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match="one material for each"):
        resampled_means(np.zeros((3, 1)), ["a"], seed=0)
    with pytest.raises(DataError, match="splits has 2 entries for 3 cells"):
        resampled_means(np.zeros((3, 1)), ["a", "b", "c"], [0, 1], seed=0)


def test_an_interval_without_width_excludes_nothing() -> None:
    (one,) = resampled_means(np.array([[3.8]]), ["a"], seed=0)
    assert not one.excludes(1.0)
    assert not Estimate(np.nan, np.nan, np.nan).excludes(1.0)
    assert Estimate(3.8, 3.7, 3.9).excludes(1.0)

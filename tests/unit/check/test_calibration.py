"""Coverage, PIT and calibration summaries against known answers and uncertainty-toolbox."""

from __future__ import annotations

import numpy as np
import pytest
import uncertainty_toolbox as uct
from scipy import stats

from bayesmat.check import calibration as cal
from bayesmat.errors import DataError


@pytest.fixture
def case() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    mean, sd = rng.normal(size=200), rng.uniform(0.2, 2.0, 200)
    return mean + sd * rng.standard_t(4, 200), mean, sd


def test_miscalibration_area_and_sharpness_agree_with_uncertainty_toolbox(case: tuple) -> None:
    y, mean, sd = case
    area = cal.miscalibration_area(cal.pit(y, mean, sd))
    assert area == pytest.approx(uct.miscalibration_area(mean, sd, y), abs=1e-8)
    assert cal.sharpness(sd) == pytest.approx(uct.sharpness(sd), abs=1e-8)


def test_coverage_curve_agrees_with_uncertainty_toolbox(case: tuple) -> None:
    y, mean, sd = case
    expected, observed = uct.get_proportion_lists_vectorized(mean, sd, y)
    curve = cal.coverage_curve(cal.pit(y, mean, sd), expected)
    np.testing.assert_allclose(curve.numpy(), observed, atol=1e-8)


def test_a_hundred_random_cases_agree_with_uncertainty_toolbox() -> None:
    """Sharpness, miscalibration area, root mean squared and mean absolute calibration error."""
    rng = np.random.default_rng(11)
    for _ in range(100):
        n = int(rng.integers(2, 60))
        mean, sd = rng.normal(size=n), rng.uniform(0.1, 3.0, n)
        y = mean + sd * rng.standard_t(rng.uniform(2, 30), n) * rng.uniform(0.3, 3)
        pit = cal.pit(y, mean, sd)
        area = uct.miscalibration_area(mean, sd, y, vectorized=True)
        assert cal.miscalibration_area(pit) == pytest.approx(area, abs=1e-8)
        assert cal.sharpness(sd) == pytest.approx(uct.sharpness(sd), abs=1e-8)
        levels = np.linspace(0, 1, 100)
        gap = cal.coverage_curve(pit, levels).numpy() - levels
        rms = uct.root_mean_squared_calibration_error(mean, sd, y, vectorized=True)
        assert np.sqrt((gap**2).mean()) == pytest.approx(rms, abs=1e-8)
        absolute = uct.mean_absolute_calibration_error(mean, sd, y, vectorized=True)
        assert np.abs(gap).mean() == pytest.approx(absolute, abs=1e-8)


def test_coverage_over_splits_sees_the_luck_of_training_sets() -> None:
    """Errors common to a split: with 12 splits their luck is what the interval must show."""
    rng = np.random.default_rng(12)
    luck = np.tile(rng.normal(size=12), 40)
    y, bounds = luck + 0.1 * rng.normal(size=480), np.full(480, 1.0)
    materials = [f"m{i // 12}" for i in range(480)]
    splits = list(np.tile(np.arange(12), 40))
    one = cal.coverage(y, -bounds, bounds, level=0.68, materials=materials)
    two = cal.coverage(y, -bounds, bounds, level=0.68, materials=materials, splits=splits)
    assert two.value == one.value
    assert two.upper - two.lower > 3 * (one.upper - one.lower)
    assert "40 materials, 12 splits" in str(two)


def test_pit_of_calibrated_mixture_is_uniform() -> None:
    rng = np.random.default_rng(6)
    means, sds = rng.normal(size=(3, 4000)), rng.uniform(0.5, 1, (3, 4000))
    pick = rng.integers(3, size=4000)
    y = means[pick, np.arange(4000)] + sds[pick, np.arange(4000)] * rng.normal(size=4000)
    assert stats.kstest(cal.pit(y, means, sds).numpy(), "uniform").pvalue > 0.01


def test_coverage_counts_and_brackets() -> None:
    found = cal.coverage(np.arange(10.0), np.zeros(10), np.full(10, 7.0), level=0.9)
    assert found.value == pytest.approx(0.8)
    assert found.lower < 0.8 < found.upper
    assert (found.n, found.n_groups) == (10, 10)
    assert "0.80 of 10 values inside 90% intervals" in str(found)


def test_coverage_resamples_materials_not_values() -> None:
    rng = np.random.default_rng(7)
    shared = np.repeat(rng.normal(size=20), 25)
    bounds = np.full(500, 1.0)
    alone = cal.coverage(shared, -bounds, bounds, level=0.68)
    grouped = cal.coverage(
        shared, -bounds, bounds, level=0.68, materials=[str(i // 25) for i in range(500)]
    )
    assert grouped.n_groups == 20
    assert (grouped.upper - grouped.lower) > 3 * (alone.upper - alone.lower)


def test_coverage_of_all_inside_still_has_a_band() -> None:
    found = cal.coverage([0.0] * 8, [-1.0] * 8, [1.0] * 8, level=0.9)
    assert found.value == 1.0
    assert found.lower == pytest.approx(stats.binomtest(8, 8).proportion_ci().low)


def test_coverage_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(8)
    held = 0
    for seed in range(200):
        y = rng.normal(size=60)
        found = cal.coverage(y, np.full(60, -1.0), np.full(60, 1.0), level=0.68, seed=seed)
        held += found.lower <= 0.6827 <= found.upper
    assert held >= 178


@pytest.mark.parametrize(("factor", "shift"), [(0.5, 0.0), (2.0, 0.0), (1.0, 0.6)])
def test_pit_of_wrong_noise_or_mean_leaves_its_band(factor: float, shift: float) -> None:
    """300 values; the band of calibrated ones, checked beside, is left with probability 0.001."""
    y = np.random.default_rng(13).normal(size=300)
    uniform = (np.arange(300) + 0.5) / 300

    def apart(mean: float, sd: float) -> float:
        pit = cal.pit(y, np.full(300, mean), np.full(300, sd)).sort().values.numpy()
        return float(np.abs(pit - uniform).max())

    band = cal.dkw_band(300, level=0.999)
    assert apart(0.0, 1.0) < band
    assert apart(shift, factor) > band


def test_dkw_band_of_forty() -> None:
    assert cal.dkw_band(40) == pytest.approx(np.sqrt(np.log(40) / 80))
    with pytest.raises(DataError, match="at least one value"):
        cal.dkw_band(0)


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match="Were the two swapped"):
        cal.coverage([0.0], [1.0], [-1.0], level=0.9)
    with pytest.raises(DataError, match="one each"):
        cal.coverage([0.0, 1.0], [0.0, 0.0], [1.0, 1.0], level=0.9, materials=["a"])
    with pytest.raises(DataError, match="no measured value"):
        cal.coverage([], [], [], level=0.9)

"""The simultaneous band against the textbook, brute force and its own promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bayesmat.check.uniformity import simultaneous_band
from bayesmat.errors import DataError


def test_one_point_is_the_binomial_interval() -> None:
    low, high = simultaneous_band(50, [0.3], level=0.9)
    assert (low[0] * 50, high[0] * 50) == pytest.approx(stats.binom.interval(0.9, 50, 0.3))


@pytest.mark.parametrize(("n", "n_points"), [(20, 20), (200, 100), (1000, 50)])
def test_uniform_samples_stay_inside_as_often_as_promised(n: int, n_points: int) -> None:
    z = np.arange(1, n_points + 1) / n_points
    low, high = simultaneous_band(n, z, level=0.9)
    rng = np.random.default_rng(1)
    counts = rng.multinomial(n, np.full(n_points, 1 / n_points), size=4000).cumsum(1) / n
    inside = ((counts >= low - 1e-12) & (counts <= high + 1e-12)).all(1).mean()
    # 3.5 standard errors of 4000 samples: false alarms below 1 in 2000 per case. Above 0.9 only by
    # the discreteness of counts, which widens the band by part of a count.
    assert 0.9 - 3.5 * 0.0047 < inside < 0.94


def test_three_values_by_enumeration() -> None:
    # Two points cut [0, 1] in three parts: 27 equally likely outcomes for three values.
    z, level = np.array([1 / 3, 2 / 3]), 0.8
    low, high = simultaneous_band(3, z, level=level)
    cells = np.stack(np.meshgrid(*[range(3)] * 3), -1).reshape(-1, 3)
    shares = np.stack([(cells <= k).mean(1) for k in (0, 1)], -1)
    assert ((shares >= low - 1e-12) & (shares <= high + 1e-12)).all(1).mean() >= level


def test_the_band_is_narrow_at_the_ends_and_symmetric() -> None:
    z = np.arange(1, 100) / 100
    low, high = simultaneous_band(500, z)
    width = high - low
    assert width[0] < 0.5 * width[49]
    assert low == pytest.approx(1 - high[::-1])


def test_it_tells_a_wrong_spread_that_the_eye_would_miss() -> None:
    pit = stats.norm.cdf(1.3 * stats.norm.ppf((np.arange(400) + 0.5) / 400))
    z = np.arange(1, 101) / 100
    low, high = simultaneous_band(400, z)
    found = np.searchsorted(np.sort(pit), z, side="right") / 400
    assert (found > high).any()
    assert (found < low).any()


def test_many_values_take_no_time() -> None:
    z = np.arange(1, 101) / 100
    low, high = simultaneous_band(20_000, z)
    # Kolmogorov's limit for the largest deviation is 1.358 / sqrt(n); this band is close to it.
    assert (high - low).max() / 2 == pytest.approx(1.358 / np.sqrt(20_000), rel=0.2)


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match="n = 0"):
        simultaneous_band(0, [0.5])
    with pytest.raises(DataError, match="increase strictly"):
        simultaneous_band(5, [0.5, 0.5])
    with pytest.raises(DataError, match=r"level = 1\.5"):
        simultaneous_band(5, [0.5], level=1.5)

"""Are values uniform? The band that holds a whole empirical distribution at once.

PIT values of a calibrated model and the ranks of simulation-based calibration are uniform. A
histogram hides what depends on its bins; the empirical distribution function does not, and a
simultaneous band says how far all of it may stray.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from bayesmat._arguments import array, checked
from bayesmat.errors import DataError

from .scores import ArrayLike, float64

__all__ = ["simultaneous_band"]

_STEPS = 30


def simultaneous_band(
    n: int, points: ArrayLike, *, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    r"""Band around the diagonal that holds the ECDF of n uniform values at all points at once.

    At each point z the number of values below z is binomial. The band takes the central binomial
    intervals of one common pointwise level, the smallest such level :math:`1 - \gamma` with

    .. math:: P(l_k \le n \hat F(z_k) \le u_k \text{ for all } k) \ge level,

    found by bisection; the probability is exact (counts are a Poisson process given its total).
    Unlike `dkw_band` it is narrow near 0 and 1, where tails that are too thin or too heavy show.
    For one pre-chosen point use a binomial interval instead: it is narrower.

    Args:
        n: Number of independent values.
        points: Where the ECDF is looked at, increasing, between 0 and 1, `K`. For ranks among L
            draws: 1/(L + 1), 2/(L + 1), ..., 1 (or some of them).
        level: Probability that a uniform sample stays inside everywhere.

    Returns:
        Lower and upper shares, `K` each.

    Raises:
        DataError: No value, points that do not increase within [0, 1], or a level outside (0, 1).

    Reference:
        Saeilynoja, Buerkner & Vehtari (2022), doi:10.1007/s11222-022-10090-6; the Poisson
        recursion: Moscovich & Nadler (2017), arXiv:1503.04363.

    >>> low, high = simultaneous_band(1, [0.5], level=0.9)
    >>> low.tolist(), high.tolist()
    ([0.0], [1.0])
    """
    n, level, points = checked(n, int, "n"), checked(level, float, "level"), array(points, "points")
    z = float64(points, "points").numpy()
    if n < 1 or not 0 < level < 1:
        raise DataError(
            f"A band needs at least one value and a level between 0 and 1; got n = {n} and level "
            f"= {level}."
        )
    if z.ndim != 1 or not z.size or z[0] < 0 or z[-1] > 1 or (np.diff(z) <= 0).any():
        raise DataError(
            f"points must increase strictly from 0 to 1 at most; got {z[:5].tolist()} ... of shape "
            f"{z.shape}."
        )
    # At gamma = (1 - level) / K the union bound already guarantees the level.
    low_gamma, high_gamma = (1 - level) / z.size, 1 - level
    if _inside(n, z, high_gamma) >= level:
        low_gamma = high_gamma
    for _ in range(_STEPS if low_gamma < high_gamma else 0):
        middle = float(np.sqrt(low_gamma * high_gamma))
        if _inside(n, z, middle) >= level:
            low_gamma = middle
        else:
            high_gamma = middle
        if high_gamma - low_gamma < 1e-3 * low_gamma:
            break
    lower, upper = _ends(n, z, low_gamma)
    return lower / n, upper / n


def _ends(n: int, z: np.ndarray, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """Central binomial intervals of level 1 - gamma, as counts."""
    return stats.binom.ppf(0.5 * gamma, n, z).clip(0, n), stats.binom.ppf(1 - 0.5 * gamma, n, z)


def _inside(n: int, z: np.ndarray, gamma: float) -> float:
    """Probability that the ECDF of n uniform values stays within the pointwise intervals."""
    lower, upper = (end.astype(int) for end in _ends(n, z, gamma))
    mass, offset = np.ones(1), 0
    for low, high, step in zip(lower, upper, np.diff(z, prepend=0.0), strict=True):
        kernel = stats.poisson.pmf(np.arange(high - offset + 1), n * step)
        mass = np.convolve(mass, kernel)[low - offset : high - offset + 1]
        offset = low
    rest = n - offset - np.arange(len(mass))
    total = float(mass @ stats.poisson.pmf(rest, n * (1.0 - z[-1])))
    return total / float(stats.poisson.pmf(n, n))

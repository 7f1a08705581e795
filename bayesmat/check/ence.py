"""Expected normalised calibration error, with the value it takes when all is well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesmat._arguments import checked, seed_of
from bayesmat._repr import Shown
from bayesmat.errors import DataError

from .scores import ArrayLike, float64, positive

__all__ = ["ENCE", "ence"]

MIN_VALUES = 100
MIN_PER_BIN = 20


@dataclass(frozen=True)
class ENCE(Shown):
    """Expected normalised calibration error and what to compare it with.

    Attributes:
        value: The error found.
        lower: 2.5 % quantile of what calibrated Gaussian predictions would give.
        upper: Its 97.5 % quantile.
        n: Values judged.
        n_bins: Bins of equal count.
        warnings: Why the figure says little here, if so.
    """

    value: float
    lower: float
    upper: float
    n: int
    n_bins: int
    warnings: tuple[str, ...]

    @property
    def is_suspect(self) -> bool:
        """Whether the error is larger than calibrated predictions explain."""
        return self.value > self.upper

    def __str__(self) -> str:
        text = (
            f"ENCE {self.value:.3f} over {self.n_bins} bins of {self.n} values; calibrated "
            f"Gaussian predictions would give {self.lower:.3f} to {self.upper:.3f}."
        )
        return " ".join([text, *self.warnings])


def ence(
    y: ArrayLike,
    mean: ArrayLike,
    sd: ArrayLike,
    *,
    n_bins: int | None = None,
    n_simulations: int = 1000,
    seed: int = 0,
) -> ENCE:
    r"""Does the predicted sd follow the error, from sharp to vague predictions?

    Cells are sorted by predicted sd and cut into bins of equal count;

    $$\mathrm{ENCE} = \frac1B \sum_b \frac{|\mathrm{RMSE}_b - \mathrm{RMV}_b|}{\mathrm{RMV}_b}.$$

    Never 0 even when calibrated: it grows as the root of the number of bins (Pernot 2023,
    arXiv:2305.11905), so it is given with the band it has when y ~ N(mean, sd); under heavier
    tails that band is too narrow (Pernot 2024, arXiv:2403.00423). Do not compare two models by it
    when their numbers of values differ, nor use it below 100 values: use `mean_squared_z` and
    coverage. Levi et al. (2022), doi:10.3390/s22155540.

    Args:
        y: Measured values, `n`.
        mean: Predicted means, `n`.
        sd: Predicted observation sds, `n`.
        n_bins: Number of bins; by default as many as hold 20 values, at most 20.
        n_simulations: Simulated data sets behind the band.
        seed: Seeds them.

    Raises:
        DataError: More bins than values, or fewer than one.

    >>> ence([1.0, -1.0, 2.0, -2.0], [0.0] * 4, [1.0, 1.0, 2.0, 2.0], n_bins=2).value
    0.0
    """
    n_bins = checked(n_bins, int | None, "n_bins")
    n_simulations, seed = checked(n_simulations, int, "n_simulations"), seed_of(seed)
    y, mean, sd = float64(y, "y"), float64(mean, "mean"), positive(sd, "sd")
    n = y.shape[0]
    bins = max(1, min(20, n // MIN_PER_BIN)) if n_bins is None else n_bins
    if not 1 <= bins <= n:
        raise DataError(f"{n} values cannot fill {bins} bins: choose between 1 and {n} bins.")
    order = sd.sort(stable=True).indices
    sds = sd[order].numpy()
    errors = (y - mean)[order].numpy()
    rng = np.random.default_rng(seed)
    simulated = rng.standard_normal((n_simulations, n)) * sds
    edges = np.linspace(0, n, bins + 1).round().astype(int)
    value = float(_ence(errors[None], sds, edges)[0])
    low, high = np.quantile(_ence(simulated, sds, edges), [0.025, 0.975])
    return ENCE(value, float(low), float(high), n, bins, _warnings(n, bins))


def _ence(errors: np.ndarray, sds: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """One value per row of errors, `r x n`."""
    counts = np.diff(edges)
    square = np.add.reduceat(errors**2, edges[:-1], axis=1) / counts
    variance = np.add.reduceat(sds**2, edges[:-1]) / counts
    return np.abs(np.sqrt(square / variance) - 1).mean(1)


def _warnings(n: int, bins: int) -> tuple[str, ...]:
    out = []
    if n < MIN_VALUES:
        out.append(
            f"With {n} values ENCE says little (below {MIN_VALUES} it is mostly noise): read the "
            "mean squared z and the coverage instead."
        )
    if n // bins < MIN_PER_BIN:
        out.append(
            f"Bins hold only {n // bins} values: ENCE grows as the root of their number even for "
            "calibrated predictions; use fewer bins."
        )
    return tuple(out)

r"""Calibration: do intervals hold what they promise?

Arguments are tensors, arrays or sequences; `y` has shape `n`, mixtures have shape `S x n`. Every
figure from a small sample is printed with its band: at 45 values a coverage of 0.90 has a
standard error of 0.045.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bayesmat._arguments import checked, seed_of
from bayesmat._repr import Shown
from bayesmat.errors import DataError

from .resampling import resampled_means, with_floor
from .scores import ArrayLike, float64, interval, mixture, positive

__all__ = [
    "Coverage",
    "coverage",
    "coverage_curve",
    "dkw_band",
    "mean_squared_z",
    "miscalibration_area",
    "pit",
    "sharpness",
]


def sharpness(sd: ArrayLike) -> float:
    """Root mean square of the predicted sds: how far the predictions commit themselves."""
    return float(positive(sd, "sd").square().mean().sqrt())


def pit(
    y: ArrayLike, means: ArrayLike, sds: ArrayLike, *, weights: ArrayLike | None = None
) -> Tensor:
    """Probability integral transform: the predicted probability of a value below the measured one.

    Uniform on (0, 1) if the predictions are calibrated; a hump means they are too wide, a bowl too
    narrow.

    Args:
        y: Measured values, `n`.
        means: Means, `n` for a Gaussian or `S x n` for a mixture.
        sds: Standard deviations, of the same shape.
        weights: Component weights, `S` or `S x n`; equal when not given.

    Returns:
        Probabilities, `n`.
    """
    means = float64(means, "means")
    means = means if means.ndim > 1 else means.reshape(1, -1)
    sds = float64(sds, "sds").reshape(means.shape)
    y, means, sds, weights = mixture(y, means, sds, weights)
    return (weights * torch.special.ndtr((y - means) / sds)).sum(0).clamp(0, 1)


def coverage_curve(pit: ArrayLike, levels: ArrayLike) -> Tensor:
    """Share of measured values inside the central interval of each level, from PIT values."""
    inside = (2 * float64(pit, "pit") - 1).abs()
    levels = float64(levels, "levels")
    return (inside[:, None] <= levels[None] + 1e-12).double().mean(0)


def miscalibration_area(pit: ArrayLike, *, n_levels: int = 100) -> float:
    """Area between the coverage curve and the diagonal: 0 is calibrated, 0.5 is the worst.

    A small sample has a positive area even when calibrated; print it beside `dkw_band`.
    """
    n_levels = checked(n_levels, int, "n_levels")
    levels = torch.linspace(0, 1, n_levels, dtype=torch.float64)
    gap = coverage_curve(pit, levels) - levels
    a, b = gap[:-1], gap[1:]
    crosses = a * b < 0
    straight = 0.5 * (a + b).abs()
    bent = 0.5 * (a.square() + b.square()) / (a.abs() + b.abs()).clamp_min(1e-300)
    return float((torch.where(crosses, bent, straight) * levels.diff()).sum())


def dkw_band(n: int, *, level: float = 0.95) -> float:
    """Half-width of the band that holds the whole empirical distribution of `n` uniform values.

    Dvoretzky-Kiefer-Wolfowitz with Massart's constant (1990), doi:10.1214/aop/1176990746.
    """
    n, level = checked(n, int, "n"), checked(level, float, "level")
    if n < 1:
        raise DataError("A band needs at least one value, and there are none.")
    return min(1.0, math.sqrt(math.log(2 / (1 - level)) / (2 * n)))


@dataclass(frozen=True)
class Coverage(Shown):
    """Share of measured values that fell inside their intervals, with its own uncertainty.

    Attributes:
        level: Nominal level of the intervals.
        value: Share found inside.
        lower: Lower end of the confidence interval of `value`.
        upper: Upper end.
        n: Values judged.
        n_groups: Materials they belong to: the units that were resampled.
        n_splits: Splits they were predicted in, resampled too where materials cross them.
    """

    level: float
    value: float
    lower: float
    upper: float
    n: int
    n_groups: int
    n_splits: int = 1

    def __str__(self) -> str:
        splits = f", {self.n_splits} splits" if self.n_splits > 1 else ""
        return (
            f"{self.value:.2f} of {self.n} values inside {self.level:.0%} intervals "
            f"({self.lower:.2f} to {self.upper:.2f}, {self.n_groups} materials{splits})"
        )


def coverage(
    y: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    level: float,
    materials: Sequence[str] | None = None,
    splits: Sequence[int] | None = None,
    seed: int = 0,
) -> Coverage:
    """Share of values inside their intervals, with a 95 % interval from resampling materials.

    Whole materials (and splits, where they cross) are resampled, not values, because the errors
    on one material are alike (`check.resampled_weights`); where all or none are inside, resampling
    cannot move, so the exact binomial interval is the floor. For predictions of a `kfold` use its
    `summary()`, which has all levels, per property first.

    Args:
        y: Measured values, `n`.
        lower: Lower ends, `n`.
        upper: Upper ends, `n`.
        level: Nominal level, between 0 and 1.
        materials: Material of each value; each value its own when not given.
        splits: Split of each value; one when not given.
        seed: Seed of the resampling.

    Returns:
        The share and its interval.
    """
    level, seed = checked(level, float, "level"), seed_of(seed)
    y, lower, upper = interval(y, lower, upper, level)
    n = y.shape[0]
    if n == 0:
        raise DataError("There is no measured value to judge the intervals by.")
    inside = ((y >= lower) & (y <= upper)).double().numpy()
    keys = [str(i) for i in range(n)] if materials is None else list(materials)
    if len(keys) != n:
        raise DataError(f"materials has {len(keys)} entries for {n} values; give one each.")
    n_groups = len(set(keys))
    found = resampled_means(inside[:, None], keys, splits, seed=seed)[0]
    found = with_floor(found, n_groups)
    n_splits = 1 if splits is None else len(set(np.asarray(splits).tolist()))
    return Coverage(level, found.value, found.lower, found.upper, n, n_groups, n_splits)


def mean_squared_z(y: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> float:
    """Mean of the squared standardised errors: 1 if calibrated, above 1 if over-confident.

    The most reliable single figure under heavy tails. Pernot (2024), arXiv:2402.10043.

    >>> mean_squared_z([1.0, -1.0], [0.0, 0.0], [0.5, 0.5])
    4.0
    """
    y, mean, sd = float64(y, "y"), float64(mean, "mean"), positive(sd, "sd")
    return float(((y - mean) / sd).square().mean())

"""Intervals of averages over cells, from resampling whole materials and whole splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bayesmat._arguments import array, checked, seed_of
from bayesmat.errors import DataError

__all__ = ["Estimate", "resampled_means", "resampled_weights", "with_floor"]

N_RESAMPLES = 1000
_CHUNK = 2**22
_FEW = 5


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval.

    Attributes:
        value: The figure.
        lower: Lower end of its 95 % interval.
        upper: Upper end.
    """

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.lower:.3g}, {self.upper:.3g}]"

    def holds(self, value: float) -> bool:
        """Whether a value lies in the interval."""
        value = checked(value, float, "value")
        return self.lower <= value <= self.upper

    def excludes(self, value: float) -> bool:
        """Whether a value lies beyond 1.5 times the interval, about three standard errors.

        What many figures are accused by: 95 % intervals of six figures cry wolf for one
        calibrated property in four. An interval without width (one material, or several of equal
        figures) excludes nothing: its spread is not known.
        """
        value = checked(value, float, "value")
        if not self.lower < self.upper:
            return False
        low = self.value - 1.5 * (self.value - self.lower)
        high = self.value + 1.5 * (self.upper - self.value)
        return not low <= value <= high


def resampled_weights(
    materials: Sequence[str],
    splits: Sequence[int] | np.ndarray | None = None,
    *,
    seed: int,
    n_resamples: int = N_RESAMPLES,
) -> Iterator[np.ndarray]:
    r"""Weights of the cells in each resample, in chunks of shape `b x n`.

    Errors on one material are alike (its measured value, its chemistry), and so are the errors of
    one split (its training set), so whole materials and whole splits are drawn with replacement,
    independently, and a cell counts (times its material was drawn) x (times its split was drawn):
    the pigeonhole bootstrap, whose intervals are somewhat too wide, never too narrow, for large
    numbers of both. Owen (2007), doi:10.1214/07-AOAS122. Where no material is in two splits (one
    round of K-fold), materials alone are drawn, and the luck of the training sets stays unseen:
    repeat the K-fold to see it.

    Args:
        materials: Material of each cell, `n`.
        splits: Split of each cell, `n`; all the same when not given.
        seed: Seeds the draws.
        n_resamples: Number of resamples.
    """
    seed, n_resamples = seed_of(seed), checked(n_resamples, int, "n_resamples")
    _, rows = np.unique(np.asarray(materials, dtype=np.str_), return_inverse=True)
    columns = np.zeros(len(rows), dtype=np.intp)
    if splits is not None:
        _, columns = np.unique(np.asarray(splits), return_inverse=True)
    if columns.shape != rows.shape:
        raise DataError(f"splits has {len(columns)} entries for {len(rows)} cells; give one each.")
    n_rows, n_columns = int(rows.max()) + 1, int(columns.max()) + 1
    pairs = len(np.unique(rows * n_columns + columns))
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // len(rows))
    for start in range(0, n_resamples, step):
        size = min(step, n_resamples - start)
        drawn = rng.multinomial(n_rows, np.full(n_rows, 1 / n_rows), size)
        weights = drawn[:, rows].astype(np.float64)
        if pairs > n_rows:  # some material is in two splits
            splits_drawn = rng.multinomial(n_columns, np.full(n_columns, 1 / n_columns), size)
            weights *= splits_drawn[:, columns]
        yield weights


def resampled_means(
    values: np.ndarray,
    materials: Sequence[str],
    splits: Sequence[int] | np.ndarray | None = None,
    *,
    seed: int,
    transform: Callable[[np.ndarray], np.ndarray] | None = None,
) -> list[Estimate]:
    """Averages over cells with 95 % percentile intervals from `resampled_weights`.

    Args:
        values: `n x q`, one column per figure.
        materials: Material of each cell, `n`.
        splits: Split of each cell, `n`.
        seed: Seeds the resampling.
        transform: Applied to averages, `... x q`, such as a root.

    Returns:
        One estimate per column.

    Raises:
        DataError: There is no cell, or numbers of entries differ.
    """
    values, seed = array(values, "values"), seed_of(seed)
    if len(values) == 0 or len(materials) != len(values):
        raise DataError(
            f"{len(values)} values with {len(materials)} materials: give one material for each of "
            "at least one measured value."
        )
    apply = transform or (lambda means: means)
    parts = []
    for weights in resampled_weights(materials, splits, seed=seed):
        total = weights.sum(1)
        drawn = total > 0  # few materials in few splits can miss each other
        parts.append(apply((weights[drawn] @ values) / total[drawn, None]))
    low, high = np.quantile(np.concatenate(parts), [0.025, 0.975], axis=0)
    value = apply(values.mean(0))
    return [
        Estimate(float(v), float(a), float(b)) for v, a, b in zip(value, low, high, strict=True)
    ]


def with_floor(share: Estimate, n_groups: int) -> Estimate:
    """A share near 0 or 1 gets at least the exact binomial interval (Clopper and Pearson 1934).

    Resampling fewer than five hits or misses gives intervals that are too short: 71 of 72 values
    would exclude 95 %, which 12 % of calibrated models reach.
    """
    hits = round(share.value * n_groups)
    if min(hits, n_groups - hits) >= _FEW and share.lower < share.upper:
        return share
    exact = stats.binomtest(hits, n_groups).proportion_ci()
    return Estimate(
        share.value, min(share.lower, float(exact.low)), max(share.upper, float(exact.high))
    )

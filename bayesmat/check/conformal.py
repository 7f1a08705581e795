r"""Intervals that hold whatever the model: split conformal and jackknife+.

They lean on exchangeability of materials alone, not on the prior or the noise law, so they are the
check on a model's own intervals: where the two differ much, the model's assumptions are wrong. What
they promise is an average over materials, not a statement about this one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm.auto import tqdm

from bayesmat._arguments import checked, names, seed_of
from bayesmat._repr import Shown, sheet
from bayesmat.data.materials import canonical_all
from bayesmat.data.splits import grouped_kfold, grouped_split
from bayesmat.data.table import Property, PropertyTable, Scale
from bayesmat.errors import DataError
from bayesmat.inference.seeds import spawn
from bayesmat.models.base import Fitted, fit
from bayesmat.models.model import Prior

from .cells import CellPredictions, predicted
from .scores import ArrayLike, float64

__all__ = [
    "ConformalIntervals",
    "conformal_quantile",
    "jackknife_plus",
    "jackknife_plus_interval",
    "split_conformal",
]


def conformal_quantile(residuals: ArrayLike, *, level: float) -> float:
    r"""The $\lceil (n+1) p \rceil$-th smallest of n residuals; infinite where n is too small.

    With $|y - m|$ of n exchangeable values as residuals, the interval m plus or minus this holds a
    new one with probability p or more. Vovk, Gammerman and Shafer (2005),
    doi:10.1007/b106715.

    >>> conformal_quantile([3.0, 1.0, 2.0, 4.0], level=0.6)  # ceil(5 * 0.6) = 3rd
    3.0
    >>> conformal_quantile([3.0, 1.0], level=0.9)
    inf
    """
    level = checked(level, float, "level")
    _check_level(level)
    ordered = float64(residuals, "residuals").sort().values
    k = math.ceil((len(ordered) + 1) * level - 1e-9)
    return float(ordered[k - 1]) if k <= len(ordered) else math.inf


def jackknife_plus_interval(
    centres: ArrayLike,
    residuals: ArrayLike,
    *,
    level: float,
    sds: ArrayLike | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Jackknife+ intervals from left-out fits.

    With $m_{-i}(x)$ the prediction of x by the fit without value i, $R_i = |y_i - m_{-i}(x_i)|$
    (divided by $s_{-i}(x_i)$ if `sds` are given, then the fits' sds $s_{-i}(x)$ widen them again),
    the ends are order statistics over i of $m_{-i}(x) \mp R_i s_{-i}(x)$: the
    $\lfloor (n+1)(1-p) \rfloor$-th smallest and the $\lceil (n+1) p \rceil$-th smallest.
    A new exchangeable value lies inside with probability at least $2p - 1$ ($1 - 2\alpha$), in
    practice about p. Barber, Candes, Ramdas and Tibshirani (2021), doi:10.1214/20-AOS1965.

    Args:
        centres: Predictions of t new points by each left-out fit, `n x t`.
        residuals: Residual of each left-out value, `n`.
        level: Level p.
        sds: Sd of each new point under each left-out fit, `n x t`.

    Returns:
        Lower and upper ends, `t`; infinite where n is too small for the level.
    """
    level = checked(level, float, "level")
    _check_level(level)
    middle, r = float64(centres, "centres"), float64(residuals, "residuals")
    if middle.ndim != 2 or r.shape != middle.shape[:1]:
        raise DataError(
            f"centres has shape {tuple(middle.shape)} for {len(r)} residuals: give one row of "
            "predictions per left-out value."
        )
    width = r[:, None] * (1.0 if sds is None else float64(sds, "sds"))
    n = len(r)
    k = math.ceil((n + 1) * level - 1e-9)
    if k > n:
        infinite = torch.full(middle.shape[1:], math.inf, dtype=torch.float64)
        return -infinite, infinite
    lower = (middle - width).sort(0).values[n - k]  # the (n + 1 - k)-th smallest
    return lower, (middle + width).sort(0).values[k - 1]


@dataclass(frozen=True, eq=False, repr=False)
class ConformalIntervals(Shown):
    """Distribution-free intervals for a measurement, in physical units.

    Attributes:
        materials: Canonical keys, `n`.
        properties: What is predicted, `m`.
        lower: Lower ends, `n x m`; minus infinity (0 for log properties) where data are too few.
        upper: Upper ends, `n x m`.
        level: Level that was asked for.
        guarantee: Probability that is proved, on average over exchangeable materials.
        n_calibration: Residuals behind each property, `m`.
        method: "split conformal" or "jackknife+" (with the number of fits).
    """

    materials: tuple[str, ...]
    properties: tuple[Property, ...]
    lower: np.ndarray
    upper: np.ndarray
    level: float
    guarantee: float
    n_calibration: tuple[int, ...]
    method: str

    def to_frame(self) -> pd.DataFrame:
        """One row per material, columns named with units."""
        columns: dict[str, object] = {"material": list(self.materials)}
        for j, prop in enumerate(self.properties):
            unit = f" [{prop.unit}]" if prop.unit else ""
            columns[f"{prop.name} {self.level:.0%} lower{unit}"] = self.lower[:, j]
            columns[f"{prop.name} {self.level:.0%} upper{unit}"] = self.upper[:, j]
        return pd.DataFrame(columns)

    @property
    def note(self) -> str:
        """What is promised, in words."""
        rests = ", ".join(
            f"{p.name}: {n}" for p, n in zip(self.properties, self.n_calibration, strict=True)
        )
        return (
            f"{self.method}, {self.level:.0%} intervals; proved to hold {self.guarantee:.0%} of "
            "new materials like these on average, whatever the model (residuals behind it: "
            f"{rests})."
        )

    def __str__(self) -> str:
        frame = self.to_frame().to_string(index=False, float_format=lambda v: f"{v:.3g}")
        return f"{frame}\n{self.note}"

    def _repr_html_(self) -> str:
        return sheet(self.to_frame(), caption=self.note)

    def _facts(self) -> dict[str, object]:
        labels = [p.label for p in self.properties]
        return {
            "method": self.method,
            "level": self.level,
            "materials": self.materials,
            "properties": labels,
        }


def split_conformal(
    prior: Prior,
    table: PropertyTable,
    materials: Sequence[str],
    *,
    level: float = 0.9,
    calibration_fraction: float = 0.3,
    normalised: bool = True,
    seed: int,
) -> ConformalIntervals:
    r"""Fit to some materials, take residuals on the others, and add their quantile to predictions.

    One fit, and a new measurement on a new material lies inside with probability at least `level`
    if materials are exchangeable (not if they are chosen by a campaign). It spends a part of the
    table on calibration: below about 100 materials use `jackknife_plus`. One value is drawn per
    material, so that replicates do not count twice (Dunn, Wasserman and Ramdas 2022,
    doi:10.1080/01621459.2022.2060112).

    Args:
        prior: The prior; conditioned once.
        table: Measurements without conditions that differ.
        materials: What to predict.
        level: Probability wanted.
        calibration_fraction: Share of the rows kept for residuals.
        normalised: Divide residuals by the predicted sd, so that intervals are wide where the
            model is unsure; the promise is the same.
        seed: Seeds split, fit and the choice among replicates.

    Raises:
        DataError: Fewer than two materials, or the level is not in (0, 1).
    """
    prior, table = checked(prior, Prior, "prior"), checked(table, PropertyTable, "table")
    level = checked(level, float, "level")
    calibration_fraction = checked(calibration_fraction, float, "calibration_fraction")
    normalised, seed = checked(normalised, bool, "normalised"), seed_of(seed)
    materials = names(materials, "materials")
    _check_level(level)
    table = table.select(prior.properties)
    train, rest = grouped_split(table.materials, calibration_fraction, seed=seed)
    fitted = fit(prior, table.subset(train), seed=seed, explain=False)
    keys = tuple(canonical_all(materials, table.kind))
    middle, sds = _new(fitted, keys)
    held = _as_new(fitted, table.subset(rest))
    scores = _residuals(held, normalised)
    chosen = _one_per_material(held, seed)
    lower, upper, counts = [], [], []
    for j in range(len(table.properties)):
        at = chosen[held.columns[chosen] == j]
        half = conformal_quantile(scores[at], level=level) * (sds[:, j] if normalised else 1.0)
        lower.append(middle[:, j] - half)
        upper.append(middle[:, j] + half)
        counts.append(len(at))
    return _intervals(
        keys, table, fitted.scales, (lower, upper), level, level, counts, "split conformal"
    )


def jackknife_plus(
    prior: Prior,
    table: PropertyTable,
    materials: Sequence[str],
    *,
    level: float = 0.9,
    n_folds: int | None = None,
    normalised: bool = True,
    seed: int,
) -> ConformalIntervals:
    r"""Jackknife+ over materials (CV+ with `n_folds`): distribution-free, for small tables.

    Every material is predicted by a fit without it, and each of those fits predicts the new
    materials; see `jackknife_plus_interval`. A new measurement on a new material lies inside with
    probability at least 1 - 2 alpha (alpha = 1 - level), in practice about `level`, if materials
    are exchangeable - not if a campaign chose them. One value is drawn per material, so that
    replicates do not count twice. It costs a fit per material, or `n_folds` fits, where the bound
    loses $\min(2(1 - 1/K)/(n/K + 1), (1 - K/n)/(K + 1))$ more.

    Args:
        prior: The prior.
        table: Measurements without conditions that differ.
        materials: What to predict.
        level: Probability wanted.
        n_folds: Folds; a fold per material when not given.
        normalised: Divide residuals by the predicted sd, so that intervals are wide where the
            model is unsure; the promise is the same.
        seed: Seeds folds, fits and the choice among replicates.

    Raises:
        DataError: Fewer materials than folds, or the level is not in (0, 1).
    """
    prior, table = checked(prior, Prior, "prior"), checked(table, PropertyTable, "table")
    level, n_folds = checked(level, float, "level"), checked(n_folds, int | None, "n_folds")
    normalised, seed = checked(normalised, bool, "normalised"), seed_of(seed)
    materials = names(materials, "materials")
    _check_level(level)
    table = table.select(prior.properties)
    n = len(set(table.materials))
    k = n if n_folds is None else n_folds
    keys = tuple(canonical_all(materials, table.kind))
    scales, m = table.scales, len(table.properties)
    centres: list[list[Tensor]] = [[] for _ in range(m)]
    widths: list[list[Tensor]] = [[] for _ in range(m)]
    residuals: list[list[Tensor]] = [[] for _ in range(m)]
    folds = grouped_kfold(table.materials, k, seed=seed)
    for i, (train, test) in enumerate(tqdm(folds, desc="jackknife+", delay=2, leave=False)):
        fitted = fit(prior, table.subset(train), seed=spawn(seed, f"fold {i}"), explain=False)
        held = _as_new(fitted, table.subset(test)).in_scales(scales)
        scores = _residuals(held, normalised)
        middle, sds = _new(fitted, keys, scales)
        for c in _one_per_material(held, seed).tolist():
            j = int(held.columns[c])
            centres[j].append(middle[:, j])
            widths[j].append(sds[:, j] if normalised else torch.ones(len(keys)).double())
            residuals[j].append(scores[c])
    ends = [
        jackknife_plus_interval(
            torch.stack(centres[j]), torch.stack(residuals[j]), level=level,
            sds=torch.stack(widths[j]),
        )
        for j in range(m)
    ]  # fmt: skip
    lower, upper = [a for a, _ in ends], [b for _, b in ends]
    loss = 0.0 if k == n else min(2 * (1 - 1 / k) / (n / k + 1), (1 - k / n) / (k + 1))
    bound = max(0.0, 2 * level - 1 - loss)
    method = f"jackknife+ ({n} fits)" if k == n else f"CV+ ({k} fits)"
    counts = [len(r) for r in residuals]
    return _intervals(keys, table, scales, (lower, upper), level, bound, counts, method)


def _intervals(
    keys: tuple[str, ...],
    table: PropertyTable,
    scales: Sequence[Scale],
    ends: tuple[list[Tensor], list[Tensor]],
    level: float,
    guarantee: float,
    counts: list[int],
    method: str,
) -> ConformalIntervals:
    lower, upper = (
        np.stack(
            [scale.to_physical(end).numpy() for scale, end in zip(scales, side, strict=True)], -1
        )
        for side in ends
    )
    return ConformalIntervals(
        keys, table.properties, lower, upper, level, guarantee, tuple(counts), method
    )


def _new(
    fitted: Fitted, keys: Sequence[str], scales: Sequence[Scale] | None = None
) -> tuple[Tensor, Tensor]:
    """Mixture means and observation sds of new materials, `t x m`, in given model scales."""
    marginals = fitted.marginals(keys)
    mean, sd = marginals.mixture_mean, marginals.sd(observation=True)
    if scales is None:
        return mean, sd
    old = torch.tensor([(s.loc, s.sd) for s in fitted.scales], dtype=torch.float64)
    new = torch.tensor([(s.loc, s.sd) for s in scales], dtype=torch.float64)
    return (mean * old[:, 1] + old[:, 0] - new[:, 0]) / new[:, 1], sd * old[:, 1] / new[:, 1]


def _as_new(fitted: Fitted, table: PropertyTable) -> CellPredictions:
    """Measured cells with the noise of any new measurement, whatever sds they state.

    Only residuals that are scaled by one rule for old and new materials are exchangeable.
    """
    cells = predicted(fitted, table)
    noise = fitted.model.noise_sd[:, cells.columns].expand_as(cells.means)
    return replace(cells, noise_sds=noise)


def _residuals(cells: CellPredictions, normalised: bool) -> Tensor:
    return cells.z.abs() if normalised else (cells.y - cells.mean).abs()


def _one_per_material(cells: CellPredictions, seed: int) -> Tensor:
    """Index of one random cell for each material and property."""
    order = np.random.default_rng(seed).permutation(cells.n)
    keys = {(cells.materials[i], int(cells.columns[i])): int(i) for i in order}
    return torch.tensor(sorted(keys.values()), dtype=torch.int64)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise DataError(f"level is {level}: give a probability between 0 and 1, such as 0.9.")

r"""Leave-one-out prediction: what the model would have said of each measured value, not seeing it.

With hyper-parameter particles $g$ of posterior weights $w_g$ (prior times likelihood on a grid,
equal after SMC or MCMC),

$$\frac{1}{p(y_i \mid y_{-i})} = \sum_g \frac{w_g}{p(y_i \mid y_{-i}, g)},$$

and the particles of the posterior without cell i have weights $\propto w_g / p(y_i|y_{-i}, g)$:
no refit is needed. On a grid over the prior that is exact; for posterior draws the weights are
smoothed by a Pareto tail, whose shape k tells where they fail (Vehtari, Simpson, Gelman, Yao and
Gabry 2024, arXiv:1507.02646).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from bayesmat._arguments import array, checked
from bayesmat._counted import counted
from bayesmat._repr import Shown, listing
from bayesmat.data.splits import groups_of
from bayesmat.data.table import Property, Scale
from bayesmat.errors import DataError, InferenceError
from bayesmat.inference.chains import mean_ess
from bayesmat.inference.pareto import pareto_smoothed
from bayesmat.models.base import Fitted
from bayesmat.models.explain import without_units
from bayesmat.models.gaussian import Conditioned
from bayesmat.models.left_out import left_out, reweighted

from .summary import Difference, Judged

__all__ = ["LOO", "PSISLOO", "exact_loo", "loo", "psis_loo"]

PARETO_LIMIT = 0.7
SURPRISE = 0.05

Unit = Literal["cell", "material", "constitution", "scaffold", "group"]


@dataclass(frozen=True, eq=False, repr=False)
class LOO(Judged):
    """Left-out predictions of every measured value, as Gaussian mixtures, without a refit.

    Attributes:
        by: What was left out together: "cell", "material", "scaffold" or "group".
        units: Left-out unit of each cell, `n`.
        labels: Name of each unit, `u`.
        log_density: Joint log density of each unit given the rest, model space, `u`.
        pareto_k: Shape of the tail of each unit's weights, `u`: above 0.7 its prediction cannot
            be trusted (refit without it); NaN where weights are exact.
    """

    by: str
    units: Tensor
    labels: tuple[str, ...]
    log_density: Tensor
    pareto_k: Tensor

    @property
    def elpd(self) -> float:
        """Expected log predictive density, summed over units (nats; larger is better)."""
        return float(self.log_density.sum())

    @property
    def elpd_se(self) -> float:
        """Standard error of `elpd` from the spread over units; NaN for one unit."""
        return _total_se(self.log_density)

    @property
    def ess(self) -> Tensor:
        """Effective number of particles behind each prediction, `n`.

        When it falls to a few, a value is so influential that its left-out posterior lies between
        the particles: refit without it instead.
        """
        return 1 / self.weights.square().sum(0)

    @property
    def suspects(self) -> tuple[str, ...]:
        """Units whose Pareto k exceeds 0.7: so influential that only a refit tells."""
        return tuple(self.labels[i] for i in torch.nonzero(self.pareto_k > PARETO_LIMIT).flatten())

    @property
    def surprises(self) -> tuple[str, ...]:
        """Cells further out than 5 % of data sets of this size would have any: outliers.

        Two-sided tail probability below 0.05 / n (Bonferroni), under the other cells.
        """
        tail = 2 * torch.minimum(self.pit, 1 - self.pit)
        at = torch.nonzero(tail < SURPRISE / self.n).flatten().tolist()
        names = [self.properties[j].name for j in self.columns.tolist()]
        return tuple(f"{self.materials[i]}: {names[i]}" for i in at)

    def minus(self, other: Judged, *, seed: int = 0) -> Difference:
        """Paired difference of scores from another fit's to the same table; below 0 is better.

        Raises:
            DataError: The cells or their values differ, or something else was left out with them.
        """
        other = checked(other, Judged, "other")
        if not isinstance(other, LOO) or other.by != self.by:
            left = other.by if isinstance(other, LOO) else "fold"
            raise DataError(
                f"one {self.by} was left out at a time here, one {left} there: the second knew "
                "other values, so that a difference would not be the models'. Give both the same."
            )
        return super().minus(other, seed=seed)

    def to_frame(self, *, level: float = 0.9) -> pd.DataFrame:
        """One row per cell, in physical units, with Pareto k and effective particles."""
        level = checked(level, float, "level")
        frame = super().to_frame(level=level)
        frame["left out with"] = [self.labels[u] for u in self.units.tolist()]
        frame["pareto_k"] = self.pareto_k[self.units].numpy()
        frame["ess"] = self.ess.numpy()
        return frame

    def __str__(self) -> str:
        inside = float(((2 * self.pit - 1).abs() <= 0.9).double().mean())
        lines = [
            f"Left out one {self.by} at a time, {inside:.0%} of {self.n} values lie in their 90 % "
            f"intervals; elpd {self.elpd:.1f} ({_se(self.elpd_se)}); worst value by weight rests "
            f"on {float(self.ess.min()):.0f} of {len(self.means)} particles."
        ]
        if self.suspects:
            lines.append(
                f"{len(self.suspects)} of {len(self.labels)} have Pareto k above {PARETO_LIMIT}, "
                f"such as {self.suspects[0]}: refit without them (kfold) before trusting it."
            )
        if self.surprises:
            lines.append(
                f"{counted(len(self.surprises), 'value', verb='lie')} "
                "further out than chance allows, such as "
                f"{self.surprises[0]}: check the measurement and its unit."
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return listing(str(self).splitlines()) + self.summary()._repr_html_()


def loo(fitted: Fitted, *, by: Unit = "cell") -> LOO:
    """Leave-one-out predictions of a fit, parameters integrated; the report has the same figures.

    For graphs each point predicts in closed form and points are reweighted; on a prior grid that
    is exact. For programs draws are reweighted by the likelihood of what is left out. What is left
    out does not take part in standardising the values either (`models.left_out`), but after
    `Fitted.update`. Densities are in model space, whose unit is the sd of all values. It costs
    seconds; use `kfold` for units with a large Pareto k and as the last word.

    Args:
        fitted: What `bayesmat.fit` returned.
        by: "cell" leaves out one value at a time; "material" all values of a material together,
            so that replicates and other properties cannot tell it; "scaffold" and "group" as in
            `data.splits.groups_of`.

    Raises:
        DataError: The table has no such groups.
    """
    fitted = checked(fitted, Fitted, "fitted")
    observed = fitted.table.observations(fitted.scales)
    rows, columns = observed.rows, observed.columns
    names = [fitted.table.materials[i] for i in rows.tolist()]
    if by == "cell":
        properties = fitted.table.property_names
        labels = [f"{m}: {properties[j]}" for m, j in zip(names, columns.tolist(), strict=True)]
        units = torch.arange(len(rows))
    else:
        groups = groups_of(fitted.table, by)
        found, index = np.unique([groups[i] for i in rows.tolist()], return_inverse=True)
        labels, units = [str(name) for name in found], torch.as_tensor(index)
    without = without_units(fitted.model, units, fitted.space(units))
    predictions, log_weights = without.predictions, without.log_weights
    return LOO(
        fitted.table.properties, fitted.scales, columns, tuple(names), rows, observed.y,
        predictions.mean, predictions.latent_sd, predictions.noise_sd, log_weights[:, units].exp(),
        by, units, tuple(labels), without.log_density, without.pareto_k,
    )  # fmt: skip


def _total_se(log_density: Tensor) -> float:
    n = len(log_density)
    return float(log_density.std() * math.sqrt(n)) if n > 1 else math.nan


def _se(value: float) -> str:
    return "standard error undefined" if math.isnan(value) else f"{value:.1f}"


def _average(log_weights: Tensor, density: Tensor) -> Tensor:
    return torch.logsumexp(log_weights + density, 0)


def exact_loo(
    covariance: Tensor,
    y: Tensor,
    *,
    mean: Tensor | None = None,
    log_weights: Tensor | None = None,
    materials: Sequence[str] | None = None,
) -> LOO:
    """Leave-one-out predictions of a Gaussian model of your own, from its covariances.

    For a `bayesmat.fit` use `loo`. Exact for a fixed grid of hyper-parameters; with posterior
    samples it is a plain importance-weighted estimate, whose worth `LOO.ess` tells.

    Args:
        covariance: Covariance of the observations for each particle, noise included, `S x n x n`.
        y: Observations in model space, `n`.
        mean: Prior mean of the observations, `S x n`; zero when not given.
        log_weights: Log posterior weights of the particles, `S`; equal when not given.
        materials: Name of each value; its number when not given.

    Returns:
        The predictions; all of their sd is counted as latent, since the noise is not told apart.

    Raises:
        InferenceError: A covariance is not positive definite, or shapes do not fit.
    """
    covariance, y = checked(covariance, Tensor, "covariance"), checked(y, Tensor, "y")
    if covariance.ndim != 3 or covariance.shape[-1] != y.shape[-1]:
        raise InferenceError(
            f"covariance has shape {tuple(covariance.shape)} for {y.shape[-1]} observations: it "
            "must be S x n x n, one matrix per hyper-parameter particle."
        )
    try:
        factor = torch.linalg.cholesky(covariance)
    except torch.linalg.LinAlgError as error:
        raise InferenceError(
            "A covariance of the observations is not positive definite, so no value can be left "
            "out. Two rows may be the same measurement without noise; give the noise a floor."
        ) from error
    residual = y - mean if mean is not None else y.expand(covariance.shape[:-1])
    alpha = torch.cholesky_solve(residual[..., None], factor)[..., 0]
    cells = left_out(Conditioned(factor, alpha, torch.zeros(len(factor))))
    equal = torch.zeros(len(factor), dtype=torch.float64)
    raw, _ = reweighted(equal if log_weights is None else log_weights, cells.log_ratio, exact=True)
    n = len(y)
    labels = tuple(str(i) for i in range(n)) if materials is None else tuple(materials)
    index, sds = torch.arange(n), cells.variance.sqrt()
    return LOO(
        (Property("y"),), (Scale(False, 0.0, 1.0),), torch.zeros(n, dtype=torch.int64), labels,
        index, y, y - cells.error, sds, torch.zeros_like(sds), raw.exp(), "cell", index, labels,
        _average(raw, cells.log_density), torch.full((n,), torch.nan, dtype=torch.float64),
    )  # fmt: skip


@dataclass(frozen=True, repr=False)
class PSISLOO(Shown):
    """Leave-one-out by Pareto-smoothed importance sampling.

    Attributes:
        log_density: Estimated log density of each value given the others, `n`.
        pareto_k: Shape of the tail of each value's weights, `n`; above 0.7 the estimate of that
            value cannot be trusted.
    """

    log_density: Tensor
    pareto_k: Tensor

    @property
    def elpd(self) -> float:
        """Expected log predictive density, summed over values (nats; larger is better)."""
        return float(self.log_density.sum())

    @property
    def elpd_se(self) -> float:
        """Standard error of `elpd` from the spread over values; NaN for one value."""
        return _total_se(self.log_density)

    @property
    def suspects(self) -> tuple[int, ...]:
        """Values whose Pareto k exceeds 0.7: refit without them to know."""
        return tuple(torch.nonzero(self.pareto_k > PARETO_LIMIT).squeeze(-1).tolist())

    def __str__(self) -> str:
        text = f"elpd {self.elpd:.1f} ({_se(self.elpd_se)}) by PSIS over {len(self.log_density)}"
        text += f" values, largest Pareto k {float(self.pareto_k.max()):.2f}"
        if not self.suspects:
            return text + "."
        return text + (
            f"; {counted(len(self.suspects), 'value')} "
            f"above {PARETO_LIMIT} (first: {self.suspects[0]}): "
            "refit without them before trusting it."
        )


def psis_loo(log_likelihood: Tensor | np.ndarray) -> PSISLOO:
    r"""Leave-one-out from a pointwise log likelihood of posterior draws, of any origin.

    For a `bayesmat.fit` use `loo`. Vehtari, Gelman and Gabry (2017),
    doi:10.1007/s11222-016-9696-4.

    Args:
        log_likelihood: $\log p(y_i | f^{(s)})$, `S x n`, or `C x S x n` with chains.

    Returns:
        Log densities with their Pareto k.

    Raises:
        InferenceError: The log likelihood is not finite or has the wrong number of dimensions.
    """
    values = array(log_likelihood, "log_likelihood")
    if values.ndim not in (2, 3) or not np.isfinite(values).all():
        raise InferenceError(
            f"log_likelihood of shape {values.shape} must be finite and S x n or C x S x n: one "
            "number per draw and measured value, not their sum."
        )
    draws = torch.as_tensor(values if values.ndim == 3 else values[None])
    flat, relative = draws.flatten(0, 1), 1.0
    if len(draws) > 1:
        sizes = mean_ess((draws - flat.amax(0)).exp())
        relative = min(1.0, float(sizes.nanmean()) / len(flat))
    log_w, pareto_k = pareto_smoothed(-flat, relative_ess=relative)
    return PSISLOO(_average(log_w, flat), pareto_k)

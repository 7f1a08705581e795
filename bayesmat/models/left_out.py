r"""Cells left out of a conditioned Gaussian: what the others say of them, without a refit.

Model space is standardised by the mean and sd of the measured cells, so that a cell that is left
out has still told where zero lies and how long one is: an outlier stretches the space that it is
judged in. `Restandardised` holds, for every unit that is left out, the space that the other cells
make, and left-out predictions are made there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bayesmat.data.observations import Observations, Scale
from bayesmat.inference.pareto import pareto_smoothed
from bayesmat.models.gaussian import Conditioned, positive_definite

__all__ = ["LeftOut", "Restandardised", "left_out", "reweighted"]

_CHANGED = 0.02
_MOST_WORK = 1e9


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Every cell given the cells outside its unit, for each of S hyper-parameter sets.

    Attributes:
        error: Cell minus its predicted mean, `S x k`.
        variance: Predicted variance of the cell, noise included, `S x k`.
        log_density: Joint log density of each unit given the rest, `S x u`.
        log_ratio: Log of what the weight of each set is multiplied by when a unit is left out, up
            to a constant of the unit, `S x u`.
    """

    error: Tensor
    variance: Tensor
    log_density: Tensor
    log_ratio: Tensor


@dataclass(frozen=True, eq=False)
class Restandardised:
    """The space that the cells outside each unit make: z' = (z - shift) / factor.

    Attributes:
        shift: Mean of the other cells of each property, in the space of all, `u x m`.
        factor: Their sd, in the space of all, `u x m`.
    """

    shift: Tensor
    factor: Tensor

    @staticmethod
    def of(observations: Observations, units: Tensor) -> Restandardised:
        """Means and sds of what remains, by the rule of `Scale.of`."""
        m, n_units = len(observations.properties), int(units.max()) + 1
        shift = torch.zeros(n_units, m, dtype=torch.float64)
        factor = torch.ones(n_units, m, dtype=torch.float64)
        for i in range(len(units)):
            u, p = int(units[i]), int(observations.columns[i])
            rest = observations.y[(units != u) & (observations.columns == p)]
            scale = Scale.of(rest.numpy(), log=False)
            shift[u, p], factor[u, p] = scale.loc, scale.sd
        return Restandardised(shift, factor)

    def cells(self, observations: Observations) -> Tensor:
        """Every cell in the space of every unit, `u x k`."""
        columns = observations.columns
        return (observations.y - self.shift[:, columns]) / self.factor[:, columns]


def left_out(
    conditioned: Conditioned,
    units: Tensor | None = None,
    *,
    observations: Observations | None = None,
    space: Restandardised | None = None,
) -> LeftOut:
    r"""Predict every cell from the cells of the other units.

    With :math:`Q = K^{-1}` (noise included), r the residuals and B the cells of a unit,

    .. math:: y_B - E[y_B \mid y_{-B}] = Q_{BB}^{-1} [Q r]_B, \qquad
              \mathrm{cov}(y_B \mid y_{-B}) = Q_{BB}^{-1}

    which for single cells is :math:`[Qr]_i/Q_{ii}` and :math:`1/Q_{ii}` (Sundararajan and Keerthi
    2001, doi:10.1162/08997660151134343). In the space of the other cells, D the factors and r'
    their residuals there, the error is :math:`D_B Q_{BB}^{-1}[Q r']_B` and the covariance
    :math:`D_B Q_{BB}^{-1} D_B`: what a refit finds that standardises anew, but that stated noise of
    the other cells is scaled along (the cell's own is as stated). Units that change the sd of a
    property with stated noise by more than 2 % are predicted from a factor of their own, exactly.
    Leave out replicates of one material together: alone, each would be predicted by its twin.

    Args:
        conditioned: The factorised Gaussians over k cells.
        units: Unit of each cell, `k`, numbered from 0 without gaps; each cell its own by default.
        observations: The cells; needed for `space`.
        space: The spaces of the other cells; that of all cells where None.
    """
    precision = torch.cholesky_inverse(conditioned.chol)
    k = precision.shape[-1]
    units = torch.arange(k) if units is None else units
    alpha, tempered = conditioned.alpha, torch.zeros(1, dtype=torch.float64)
    factor, known = torch.ones(k, dtype=torch.float64), torch.zeros(k, dtype=torch.float64)
    if space is not None and observations is not None:
        alpha, tempered = _moved(conditioned, precision, observations, units, space)
        factor = space.factor[units, observations.columns]
        known = observations.yvar.nan_to_num() * (1 - factor.square())
    scaled = factor.square() / torch.diagonal(precision, dim1=-2, dim2=-1)
    error, variance = alpha * scaled / factor, scaled + known
    sizes = torch.bincount(units)
    # What is stated of a cell is not scaled; what the others weigh, `tempered - within`, is.
    density, within = (
        torch.zeros(len(error), len(sizes), dtype=torch.float64).index_add_(1, units, cells)
        for cells in (_log_normal(error, variance), _log_normal(error, scaled))
    )
    for u in torch.nonzero(sizes > 1).flatten().tolist():
        at = torch.nonzero(units == u).squeeze(-1)
        block = torch.linalg.cholesky(positive_definite(precision[:, at[:, None], at]))
        inner = torch.cholesky_inverse(block)
        error[:, at] = factor[at] * (inner @ alpha[:, at, None])[..., 0]
        block = factor[at, None] * inner * factor[at]
        covariance = block + torch.diag(known[at])
        variance[:, at] = torch.diagonal(covariance, dim1=-2, dim2=-1)
        density[:, u] = _log_normal_of_block(error[:, at], covariance)
        within[:, u] = _log_normal_of_block(error[:, at], block)
    ratio = tempered - within
    if space is not None and observations is not None:
        stretched = _stretched(conditioned, observations, units, space)
        whole = conditioned.chol @ conditioned.chol.mT if stretched else conditioned.chol
        for u in stretched:
            at, *exact = _refactorised(conditioned, whole, observations, units == u, space, u)
            error[:, at], variance[:, at], density[:, u], ratio[:, u] = exact
    return LeftOut(error, variance, density, ratio)


def _stretched(
    conditioned: Conditioned, observations: Observations, units: Tensor, space: Restandardised
) -> list[int]:
    """Units without which stated noise is of another size, the most changed first.

    As many as can be factorised anew in a second or so.
    """
    S, k = conditioned.alpha.shape
    m = len(observations.properties)
    stated = torch.bincount(observations.columns[~observations.yvar.isnan()], minlength=m) > 0
    change = (space.factor.log().abs() * stated).amax(-1)
    order = change.argsort(descending=True)
    most = int(_MOST_WORK / (S * max(k, 1) ** 3)) if k else 0
    return order[change[order] > _CHANGED][:most].tolist()


def _refactorised(
    conditioned: Conditioned,
    whole: Tensor,
    observations: Observations,
    out: Tensor,
    space: Restandardised,
    unit: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Cells of a unit, their errors and variances, its log density and the log ratio of weights.

    By a factor of the other cells in their own space, where stated noise is as stated; `whole` is
    the covariance of all cells with their noise, `S x k x k`.
    """
    at, rest = out.nonzero().flatten(), (~out).nonzero().flatten()
    shift, d = (x[unit, observations.columns] for x in (space.shift, space.factor))
    stated = observations.yvar.nan_to_num()
    mean = observations.y - (whole @ conditioned.alpha[..., None])[..., 0]
    covariance = whole + torch.diag(stated * (d.pow(-2) - 1))
    z = (observations.y - shift) / d
    half = torch.linalg.cholesky(positive_definite(covariance[:, rest[:, None], rest]))
    both = torch.cat([covariance[:, rest[:, None], at], (z - mean)[:, rest, None]], -1)
    white = torch.linalg.solve_triangular(half, both, upper=False)
    gain, white = white[..., :-1].mT, white[..., -1:]
    centre = mean[:, at] + (gain @ white)[..., 0]
    inner = covariance[:, at[:, None], at] - gain @ gain.mT
    # `covariance` holds stated noise over d^2, which d gives back: that of the cells is as stated.
    spread = d[at, None] * inner * d[at]
    error = observations.y[at] - shift[at] - d[at] * centre
    log_det = torch.diagonal(half, dim1=-2, dim2=-1).log().sum(-1)
    before = -0.5 * (conditioned.alpha * (observations.y - mean)).sum(-1)
    before = before - torch.diagonal(conditioned.chol, dim1=-2, dim2=-1).log().sum(-1)
    ratio = -0.5 * white.square().sum((-2, -1)) - log_det - before
    variance = torch.diagonal(spread, dim1=-2, dim2=-1)
    return at, error, variance, _log_normal_of_block(error, spread), ratio


def _log_normal(error: Tensor, variance: Tensor) -> Tensor:
    return -0.5 * (error.square() / variance + variance.log() + math.log(2 * math.pi))


def _log_normal_of_block(error: Tensor, covariance: Tensor) -> Tensor:
    half = torch.linalg.cholesky(positive_definite(covariance))
    white = torch.linalg.solve_triangular(half, error[..., None], upper=False)[..., 0]
    log_det = torch.diagonal(half, dim1=-2, dim2=-1).log().sum(-1)
    square = white.square().sum(-1) + error.shape[-1] * math.log(2 * math.pi)
    return -0.5 * square - log_det


def _moved(
    conditioned: Conditioned,
    precision: Tensor,
    observations: Observations,
    units: Tensor,
    space: Restandardised,
) -> tuple[Tensor, Tensor]:
    r"""[Q r'] at every cell in the space of its unit, `S x k`, and log p'(y) - log p(y), `S x u`.

    r' is linear in a basis B of 2 m + 1 vectors - the cells of each property, ones on them, and the
    prior mean - so that :math:`QB` and :math:`B^\top Q B` serve all units.
    """
    S, k, m = *conditioned.alpha.shape, len(observations.properties)
    mine = torch.nn.functional.one_hot(observations.columns, m).double()
    factor = conditioned.chol
    residual = (factor @ (factor.transpose(-1, -2) @ conditioned.alpha[..., None]))[..., 0]
    fixed = torch.cat([observations.y[:, None] * mine, mine], -1).expand(S, k, 2 * m)
    basis = torch.cat([fixed, (observations.y - residual)[..., None]], -1)
    solved = precision @ basis
    minus = -torch.ones(len(space.shift), 1, dtype=torch.float64)
    weights = torch.cat([1 / space.factor, -space.shift / space.factor, minus], -1)
    square = basis.transpose(-1, -2) @ solved
    quadratic = torch.einsum("ua,sab,ub->su", weights, square, weights)
    before = (residual * conditioned.alpha).sum(-1)
    alpha = torch.einsum("ska,ka->sk", solved, weights[units])
    return alpha, -0.5 * (quadratic - before[:, None])


def reweighted(log_weights: Tensor, log_ratio: Tensor, *, exact: bool) -> tuple[Tensor, Tensor]:
    """Normalised log weights without each unit, `S x u`, and Pareto k, `u`: NaN where exact.

    Args:
        log_weights: Of the sets given all cells, `S`.
        log_ratio: See `LeftOut`, `S x u`.
        exact: Whether the sets are a grid over the prior, whose weights need no smoothing.
    """
    raw = log_weights[:, None] + log_ratio
    raw = raw - torch.logsumexp(raw, 0)
    if exact or len(raw) < 2:  # a grid, or parameters that are given: nothing is approximate
        return raw, torch.full_like(raw[0], torch.nan)
    return pareto_smoothed(raw)

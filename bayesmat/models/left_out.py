"""Cells left out of a conditioned Gaussian: what the others say of them, without a refit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bayesmat.models.gaussian import Conditioned, positive_definite

__all__ = ["LeftOut", "leave_one_out", "left_out"]


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Every cell given the cells outside its unit, for each of S hyper-parameter sets.

    Attributes:
        error: Cell minus its predicted mean, `S x k`.
        variance: Predicted variance of the cell, noise included, `S x k`.
        log_density: Joint log density of each unit given the rest, `S x u`.
    """

    error: Tensor
    variance: Tensor
    log_density: Tensor


def left_out(conditioned: Conditioned, units: Tensor | None = None) -> LeftOut:
    r"""Predict every cell from the cells of the other units.

    With :math:`Q = K^{-1}` (noise included), r the residuals and B the cells of a unit,

    .. math:: y_B - E[y_B \mid y_{-B}] = Q_{BB}^{-1} [Q r]_B, \qquad
              \mathrm{cov}(y_B \mid y_{-B}) = Q_{BB}^{-1}

    which for single cells is :math:`[Qr]_i/Q_{ii}` and :math:`1/Q_{ii}` (Sundararajan and Keerthi
    2001, doi:10.1162/08997660151134343). Leave out replicates of one material together: alone,
    each would be predicted by its twin.

    Args:
        conditioned: The factorised Gaussians over k cells.
        units: Unit of each cell, `k`, numbered from 0 without gaps; each cell its own by default.
    """
    precision = torch.cholesky_inverse(conditioned.chol)
    diagonal = torch.diagonal(precision, dim1=-2, dim2=-1)
    error, variance = conditioned.alpha / diagonal, 1 / diagonal
    log_density = -0.5 * (error.square() / variance + variance.log() + math.log(2 * math.pi))
    if units is None:
        return LeftOut(error, variance, log_density)
    joint = []
    error, variance = error.clone(), variance.clone()
    for u in range(int(units.max()) + 1):
        at = torch.nonzero(units == u).squeeze(-1)
        if len(at) == 1:
            joint.append(log_density[:, at[0]])
            continue
        block = precision[:, at[:, None], at]
        factor = torch.linalg.cholesky(positive_definite(block))
        alpha = conditioned.alpha[:, at]
        error[:, at] = torch.cholesky_solve(alpha[..., None], factor)[..., 0]
        variance[:, at] = torch.diagonal(torch.cholesky_inverse(factor), dim1=-2, dim2=-1)
        log_det = torch.diagonal(factor, dim1=-2, dim2=-1).log().sum(-1)
        square = (alpha * error[:, at]).sum(-1)
        joint.append(log_det - 0.5 * square - 0.5 * len(at) * math.log(2 * math.pi))
    return LeftOut(error, variance, torch.stack(joint, -1))


def leave_one_out(conditioned: Conditioned) -> tuple[Tensor, Tensor]:
    r"""Log p(y_i | y_-i) and P(Y_i <= y_i | y_-i), hyper-parameters integrated, each shape `k`.

    Sets are equally weighted draws given all data, so those given all but i have weights
    proportional to :math:`r_s = 1/p_s(y_i|y_{-i})`.
    Ratios are truncated at :math:`\bar r\sqrt S`, which bounds their variance (Ionides 2008,
    doi:10.1198/106186008X320456); where one set finds y_i all but impossible the estimate stays
    pessimistic. Quick, for the fit report; `bayesmat.check.loo` smooths the ratios and says which
    values they fail for.
    """
    cells = left_out(conditioned)
    log_p = cells.log_density
    limit = torch.logsumexp(-log_p, 0) - 0.5 * math.log(log_p.shape[0])
    weights = torch.softmax(torch.minimum(-log_p, limit), 0)
    log_density = torch.logsumexp(weights.log() + log_p, 0)
    below = torch.special.ndtr(cells.error / cells.variance.sqrt())
    return log_density, (weights * below).sum(0)

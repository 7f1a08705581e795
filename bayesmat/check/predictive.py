r"""Leave-one-out prediction: what the model would have said of each measured value, not seeing it.

With hyper-parameter particles $g$ of posterior weights $w_g$ (prior times likelihood on a grid,
equal after SMC or MCMC),

$$\frac{1}{p(y_i \mid y_{-i})} = \sum_g \frac{w_g}{p(y_i \mid y_{-i}, g)},$$

and the particles of the posterior without cell i have weights $\propto w_g / p(y_i|y_{-i}, g)$:
no refit is needed, and nothing is approximate when the particles are the whole prior grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bayesmat.errors import InferenceError

from .arviz import psis
from .calibration import pit
from .scores import crps_mixture

__all__ = ["LOO", "PSISLOO", "exact_loo", "loo_log_density", "loo_moments", "psis_loo"]

PARETO_LIMIT = 0.7


def loo_moments(covariance: Tensor, y: Tensor, *, mean: Tensor | None = None) -> tuple[Tensor, ...]:
    r"""Leave-one-out means and variances of a Gaussian vector, from one inverse.

    $$\mu_{-i} = y_i - [K^{-1} (y - m)]_i / [K^{-1}]_{ii}, \qquad \sigma^2_{-i} = 1/[K^{-1}]_{ii}$$

    Sundararajan and Keerthi (2001), doi:10.1162/08997660151134343.

    Args:
        covariance: Covariance of the observations, noise included, `S x n x n` or `n x n`.
        y: Observations, `n`.
        mean: Prior mean of the observations, `S x n` or `n`; zero when not given.

    Returns:
        Means and variances, `S x n` (or `n`).

    Raises:
        InferenceError: A covariance is not positive definite.
    """
    try:
        factor = torch.linalg.cholesky(covariance)
    except torch.linalg.LinAlgError as error:
        raise InferenceError(
            "A covariance of the observations is not positive definite, so no value can be left "
            "out. Two rows may be the same measurement without noise; give the noise a floor."
        ) from error
    precision = torch.cholesky_inverse(factor)
    residual = y - mean if mean is not None else y.expand(covariance.shape[:-1])
    diagonal = precision.diagonal(dim1=-2, dim2=-1)
    alpha = (precision @ residual.unsqueeze(-1)).squeeze(-1)
    return y - alpha / diagonal, 1 / diagonal


def loo_log_density(conditional: Tensor, log_weights: Tensor | None = None) -> Tensor:
    r"""Log density of each value given the others, integrated over hyper-parameter particles.

    Args:
        conditional: $\log p(y_i | y_{-i}, g)$ of each particle, `S x n`.
        log_weights: Log *posterior* weights of the particles, `S`, normalised here. On a grid: log
            prior weight plus log likelihood of all the data. Equal when not given, and the result
            is the harmonic mean.

    Returns:
        $\log p(y_i | y_{-i})$, `n`.

    >>> loo_log_density(torch.tensor([[0.5], [0.25]]).log()).exp()  # 1 / mean(2, 4)
    tensor([0.3333])
    """
    log_w = _normalised(log_weights, conditional)
    return -torch.logsumexp(log_w[:, None] - conditional, 0)


@dataclass(frozen=True)
class LOO:
    """Leave-one-out predictions of every measured value, as Gaussian mixtures.

    Attributes:
        y: The values, `n`, in the space of the model.
        means: Component means without value i, `S x n`.
        sds: Component standard deviations, `S x n`.
        weights: Weight of each component without value i, `S x n`; columns sum to one.
        log_density: Log density of each value given the others, `n`.
    """

    y: Tensor
    means: Tensor
    sds: Tensor
    weights: Tensor
    log_density: Tensor

    @property
    def elpd(self) -> float:
        """Expected log predictive density, summed over values (nats; larger is better)."""
        return float(self.log_density.sum())

    @property
    def elpd_se(self) -> float:
        """Standard error of `elpd` from the spread over values."""
        return float(self.log_density.std() * math.sqrt(len(self.y)))

    @property
    def mean(self) -> Tensor:
        """Mean of each prediction, `n`."""
        return (self.weights * self.means).sum(0)

    @property
    def sd(self) -> Tensor:
        """Standard deviation of each prediction, `n`."""
        second = (self.weights * (self.sds.square() + self.means.square())).sum(0)
        return (second - self.mean.square()).clamp_min(0).sqrt()

    @property
    def pit(self) -> Tensor:
        """Predicted probability of a smaller value than the measured one, `n`."""
        return pit(self.y, self.means, self.sds, weights=self.weights)

    @property
    def crps(self) -> Tensor:
        """CRPS of each prediction, `n`."""
        return crps_mixture(self.y, self.means, self.sds, weights=self.weights)

    @property
    def ess(self) -> Tensor:
        """Effective number of particles behind each prediction, `n`.

        When it falls to a few, a value is so influential that its left-out posterior lies between
        the particles: refit without it instead.
        """
        return 1 / self.weights.square().sum(0)

    def __str__(self) -> str:
        inside = float(((2 * self.pit - 1).abs() <= 0.9).double().mean())
        return (
            f"Left out one at a time, {inside:.0%} of {len(self.y)} values lie in their 90 % "
            f"intervals; elpd {self.elpd:.1f} ({self.elpd_se:.1f}); worst value by weight rests "
            f"on {float(self.ess.min()):.0f} of {len(self.means)} particles."
        )


def exact_loo(
    covariance: Tensor,
    y: Tensor,
    *,
    mean: Tensor | None = None,
    log_weights: Tensor | None = None,
) -> LOO:
    """Leave-one-out predictions of a Gaussian model, integrated over hyper-parameter particles.

    Use it for graphs without laws; for programs use `psis_loo`. Exact for a fixed grid; with
    posterior samples it is an importance-weighted estimate, whose worth `LOO.ess` tells.

    Args:
        covariance: Covariance of the observations for each particle, noise included, `S x n x n`.
        y: Observations in model space, `n`.
        mean: Prior mean of the observations, `S x n`; zero when not given.
        log_weights: Log posterior weights of the particles, `S`; equal when not given.

    Returns:
        The predictions.

    Raises:
        InferenceError: A covariance is not positive definite, or shapes do not fit.
    """
    if covariance.ndim != 3 or covariance.shape[-1] != y.shape[-1]:
        raise InferenceError(
            f"covariance has shape {tuple(covariance.shape)} for {y.shape[-1]} observations: it "
            "must be S x n x n, one matrix per hyper-parameter particle."
        )
    means, variances = loo_moments(covariance, y, mean=mean)
    sds = variances.sqrt()
    z = (y - means) / sds
    conditional = -0.5 * z.square() - sds.log() - 0.5 * math.log(2 * math.pi)
    log_w = _normalised(log_weights, conditional)[:, None] - conditional
    total = torch.logsumexp(log_w, 0)
    return LOO(y, means, sds, torch.exp(log_w - total), -total)


@dataclass(frozen=True)
class PSISLOO:
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
        """Standard error of `elpd` from the spread over values."""
        return float(self.log_density.std() * math.sqrt(len(self.log_density)))

    @property
    def suspects(self) -> tuple[int, ...]:
        """Values whose Pareto k exceeds 0.7: refit without them to know."""
        return tuple(torch.nonzero(self.pareto_k > PARETO_LIMIT).squeeze(-1).tolist())

    def __str__(self) -> str:
        text = f"elpd {self.elpd:.1f} ({self.elpd_se:.1f}) by PSIS over {len(self.log_density)}"
        text += f" values, largest Pareto k {float(self.pareto_k.max()):.2f}"
        if not self.suspects:
            return text + "."
        return text + (
            f"; {len(self.suspects)} values above {PARETO_LIMIT} (first: {self.suspects[0]}): "
            "refit without them before trusting it."
        )


def psis_loo(log_likelihood: Tensor | np.ndarray) -> PSISLOO:
    r"""Leave-one-out from the pointwise log likelihood of posterior draws.

    For programs, where no closed form exists. Vehtari, Gelman and Gabry (2017),
    doi:10.1007/s11222-016-9696-4.

    Args:
        log_likelihood: $\log p(y_i | f^{(s)})$, `S x n`, or `C x S x n` with chains.

    Returns:
        Log densities with their Pareto k.

    Raises:
        InferenceError: The log likelihood is not finite or has the wrong number of dimensions.
    """
    values = np.asarray(torch.as_tensor(log_likelihood).detach().to(torch.float64))
    if values.ndim not in (2, 3) or not np.isfinite(values).all():
        raise InferenceError(
            f"log_likelihood of shape {values.shape} must be finite and S x n or C x S x n: one "
            "number per draw and measured value, not their sum."
        )
    density, pareto_k = psis(values if values.ndim == 3 else values[None])
    return PSISLOO(torch.as_tensor(density), torch.as_tensor(pareto_k))


def _normalised(log_weights: Tensor | None, conditional: Tensor) -> Tensor:
    if log_weights is None:
        n = conditional.shape[0]
        return torch.full((n,), -math.log(n), dtype=conditional.dtype)
    return log_weights - torch.logsumexp(log_weights, 0)

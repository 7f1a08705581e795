"""Modes of a density over parameters, and its curvature there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from bayesmat.errors import InferenceError

from .moves import Target, evaluate

__all__ = ["Mode", "ascend", "curvature", "find_modes", "possible"]

WIDEST = 4.0
IMPOSSIBLE = (
    "Every start drawn from the prior has zero density: the prior excludes the data. "
    "Check supports and units."
)


@dataclass(frozen=True, eq=False)
class Mode:
    """A mode of log prior + log likelihood, with the Gaussian that its curvature draws.

    Attributes:
        u: Where it is, `d`.
        log_density: Log prior + log likelihood there.
        factor: Lower Cholesky factor of the inverse Hessian, `d x d`.
    """

    u: Tensor
    log_density: float
    factor: Tensor

    @property
    def log_mass(self) -> float:
        """Laplace's approximation of the log of the mass that belongs to it."""
        d = len(self.u)
        log_det = float(torch.diagonal(self.factor).log().sum())
        return self.log_density + log_det + 0.5 * d * math.log(2 * math.pi)

    def distance(self, u: Tensor) -> float:
        """Mahalanobis distance of a point from the mode."""
        off = (u - self.u)[:, None]
        return float(torch.linalg.solve_triangular(self.factor, off, upper=False).norm())


def possible(log_density: Tensor) -> Tensor:
    """NaN is impossible."""
    return torch.where(log_density.isnan(), -math.inf, log_density)


def ascend(target: Target, start: Tensor) -> tuple[Tensor, float, int]:
    """The nearest mode uphill of a point by L-BFGS: place, log density, gradients taken."""

    def objective(u: np.ndarray) -> tuple[float, np.ndarray]:
        log_prior, log_likelihood, (a, b) = evaluate(target, torch.as_tensor(u)[None])
        value = float(log_prior + log_likelihood)
        return (-value if math.isfinite(value) else 1e100), -(a + b)[0].numpy()

    options = {"maxiter": 500, "ftol": 1e-9, "gtol": 1e-4}
    found = minimize(objective, start.numpy(), jac=True, method="L-BFGS-B", options=options)
    return torch.as_tensor(found.x), -float(found.fun), int(found.nfev)


def curvature(target: Target, mode: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors of the negative Hessian, from differences of gradients."""
    d, h = len(mode), 1e-4
    steps = h * torch.eye(d, dtype=torch.float64)
    _, _, (a, b) = evaluate(target, torch.cat([mode + steps, mode - steps]))
    gradient = a + b
    hessian = -(gradient[:d] - gradient[d:]) / (2 * h)
    values, vectors = torch.linalg.eigh(0.5 * (hessian + hessian.T))
    return values, vectors


def find_modes(target: Target, points: Tensor, density: Tensor, n: int) -> tuple[list[Mode], int]:
    """Distinct modes uphill of the most likely of some points, unlike each other; and the cost.

    The prior is taken to be N(0, I), so that a direction wider than twice its sd is read as one
    that the search has not settled in.

    Args:
        target: Log prior and log likelihood of vectors.
        points: Where searches may begin, `N x d`.
        density: Log prior + log likelihood of the points, `N`.
        n: Searches.

    Raises:
        InferenceError: No point is possible.
    """
    if not torch.isfinite(density).any():
        raise InferenceError(IMPOSSIBLE)
    found: list[Mode] = []
    spent = 0
    for i in _starts(points, density, n):
        u, value, cost = ascend(target, points[i])
        spent += cost
        if not math.isfinite(value) or any(
            mode.distance(u) < 0.5 and value < mode.log_density + 0.1 for mode in found
        ):
            continue
        values, vectors = curvature(target, u)
        spent += 2 * len(u)
        covariance = vectors @ torch.diag(1 / values.clamp(min=1 / WIDEST)) @ vectors.T
        found.append(Mode(u, value, torch.linalg.cholesky(covariance)))
    return sorted(found, key=lambda mode: -mode.log_mass), spent


def _starts(points: Tensor, density: Tensor, n: int) -> Sequence[int]:
    """The most likely point, then those that are both likely and far from the ones taken."""
    order = torch.argsort(density, descending=True)[: max(4 * n, len(points) // 4)]
    order = order[torch.isfinite(density[order])]
    taken = [int(order[0])]
    while len(taken) < min(n, len(order)):
        gap = torch.cdist(points[order], points[taken]).amin(-1)
        taken.append(int(order[gap.argmax()]))
    return taken

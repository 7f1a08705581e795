"""Importance weights: the shape of their tail, which says whether to trust them, and its cure."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

__all__ = ["pareto_k", "pareto_smoothed"]

FEWEST = 5
TINY = math.log(np.finfo(float).tiny)


def pareto_k(log_weights: Tensor) -> float:
    """Tail shape k of importance weights: below 0.7 averages over them can be trusted.

    A generalised Pareto distribution fitted to the largest min(N/5, 3 sqrt(N)) weights (Vehtari et
    al. 2024, JMLR 25, 72), by the profile posterior of Zhang and Stephens (2009,
    doi:10.1198/tech.2009.08017) with ten pseudo-observations of k = 1/2.

    Args:
        log_weights: Shape `N`.

    Returns:
        k; infinite where fewer than five weights stand out, -inf for equal weights.

    >>> pareto_k(torch.zeros(100))
    -inf
    """
    return _smooth(log_weights.detach().double().numpy(), 1.0)[1]


def pareto_smoothed(log_weights: Tensor, *, relative_ess: float = 1.0) -> tuple[Tensor, Tensor]:
    """Log weights whose largest are replaced by quantiles of the fitted Pareto tail.

    Use it where a few draws carry an average, as in leave-one-out from posterior draws. Where k
    exceeds 0.7 the smoothed average is no better than the raw one: refit instead.

    Args:
        log_weights: Log weights of S draws for u averages, `S x u`.
        relative_ess: Effective draws per draw, where draws are autocorrelated.

    Returns:
        Normalised log weights, `S x u`, and k, `u` (see `pareto_k`).
    """
    columns = log_weights.detach().double().numpy().T
    done = [_smooth(column, relative_ess) for column in columns]
    smooth = torch.as_tensor(np.stack([w for w, _ in done], -1))
    return torch.log_softmax(smooth, 0), torch.tensor([k for _, k in done], dtype=torch.float64)


def _smooth(log_weights: np.ndarray, relative_ess: float) -> tuple[np.ndarray, float]:
    """Smoothed log weights (largest 0) and k, of `N` log weights."""
    x = log_weights - log_weights.max()
    n = len(x)
    order = np.argsort(x, kind="stable")
    if x[order[0]] >= -1e-12:
        return x, -math.inf
    n_tail = math.ceil(min(n / 5, 3 * math.sqrt(n / relative_ess)))
    cutoff = max(x[order[-n_tail - 1]], TINY)
    tail = order[x[order] > cutoff]
    if len(tail) < FEWEST:
        return x, math.inf
    k, scale = _fit(np.exp(x[tail]) - math.exp(cutoff))
    p = np.arange(0.5, len(tail)) / len(tail)
    with np.errstate(over="ignore"):  # a quantile beyond all numbers is cut below
        quantile = scale * (np.expm1(-k * np.log1p(-p)) / k if abs(k) > 1e-15 else -np.log1p(-p))
    x[tail] = np.minimum(np.log(quantile + math.exp(cutoff)), 0.0)
    return x, k


def _fit(excess: np.ndarray) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution, of ascending draws."""
    n = len(excess)
    m = 30 + int(math.sqrt(n))
    quartile = excess[int(n / 4 + 0.5) - 1]
    theta = (1 - np.sqrt(m / (np.arange(m) + 0.5))) / (3 * quartile) + 1 / excess[-1]
    shape = np.log1p(-theta[:, None] * excess).mean(1)
    profile = n * (np.log(-theta / shape) - shape - 1)
    weights = np.exp(profile - profile.max())
    mean = float(weights @ theta / weights.sum())
    k = float(np.log1p(-mean * excess).mean())
    return (n * k + 5) / (n + 10), -k / mean

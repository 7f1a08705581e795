"""ArviZ as an independent judge, 0.x or 1.x: the same questions to either."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)
    import arviz

IS_ONE = int(arviz.__version__.split(".")[0]) >= 1
# ArviZ 1.x cuts the tail of importance weights a little elsewhere than 0.x and Vehtari et al.
PSIS = 0.25 if IS_ONE else 1e-8


def r_hat(draws: np.ndarray) -> float:
    return float(arviz.rhat(draws))


def ess(draws: np.ndarray, method: str, prob: float | None = None) -> float:
    return float(arviz.ess(draws, method=method, **({} if prob is None else {"prob": prob})))


def mcse(draws: np.ndarray) -> float:
    return float(arviz.mcse(draws, method="mean"))


def psis(log_weights: Tensor, relative_ess: float = 1.0) -> tuple[Tensor, Tensor]:
    """Smoothed normalised log weights, `S x u`, and k, `u`."""
    columns = log_weights.numpy().T
    if IS_ONE:
        from arviz_stats.base import array_stats

        weights, k = array_stats.psislw(-columns, r_eff=relative_ess)
    else:
        weights, k = arviz.psislw(columns, reff=relative_ess)
    return torch.as_tensor(np.asarray(weights)).T, torch.as_tensor(np.asarray(k))


def loo(data: Any, relative_ess: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Pointwise log densities and Pareto k."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = arviz.loo(data, pointwise=True, reff=relative_ess)
    pointwise = found.elpd_i if IS_ONE else found.loo_i
    return np.asarray(pointwise).ravel(), np.asarray(found.pareto_k).ravel()

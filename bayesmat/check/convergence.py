"""Has a sampler converged? R-hat, effective sample sizes and Monte Carlo errors, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from bayesmat._arguments import array
from bayesmat.errors import InferenceError
from bayesmat.inference.chains import chain_table
from bayesmat.inference.report import InferenceReport, InferenceRun
from bayesmat.models.base import Fitted
from bayesmat.models.model import PropertyModel

__all__ = ["convergence"]


def convergence(
    draws: Mapping[str, Tensor | np.ndarray] | InferenceRun | Fitted | PropertyModel,
) -> InferenceReport:
    """Judge a fit, a run, or draws from several chains (or runs stacked as chains).

    Use it where draws come from elsewhere; what bayesmat has sampled knows its own report, which
    is returned as it is. Not for one population of particles given as bare draws: they are no
    chains, and only the run knows which of them are relatives.

    Args:
        draws: Name -> draws of shape `C x S x ...`, whose trailing entries become scalars
            `name[i,j]`; or a fit, a model, or a run of `NUTS`, `SMC` or `Laplace`.

    Returns:
        The table of statistics by scalar, with `problems` in words.

    Raises:
        InferenceError: Draws have no chain dimension, are not finite, or are fewer than four.

    >>> generator = torch.Generator().manual_seed(0)
    >>> convergence({"rho": torch.randn(4, 500, generator=generator)}).problems
    ()
    """
    if isinstance(draws, Fitted | PropertyModel):
        return draws.report.inference
    if isinstance(draws, InferenceRun):
        return draws.report
    if not isinstance(draws, Mapping) or not draws:
        raise InferenceError(
            f"{type(draws).__name__} holds no draws by name: give a fit, a run, or a mapping from "
            "names to draws (chains, draws, ...)."
        )
    tensors = {name: torch.from_numpy(array(value, str(name))) for name, value in draws.items()}
    table = chain_table(tensors)
    n_chains, n_draws = next(iter(tensors.values())).shape[:2]
    return InferenceReport("Chains", math.nan, table, n_chains, n_draws, are_chains=True)

"""Has a sampler converged? R-hat, effective sample sizes and Monte Carlo errors, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from bayesmat._repr import sheet
from bayesmat.errors import InferenceError

from .arviz import chain_statistics

__all__ = ["Convergence", "convergence"]

R_HAT_LIMIT = 1.01
ESS_PER_CHAIN = 100.0


@dataclass(frozen=True)
class Convergence:
    """Convergence of every scalar of a run.

    Attributes:
        table: One row per scalar: mean, sd, r_hat, ess_bulk, ess_tail, mcse_mean.
        n_chains: Number of chains.
        n_draws: Draws per chain.
    """

    table: pd.DataFrame
    n_chains: int
    n_draws: int

    @property
    def suspects(self) -> tuple[str, ...]:
        """Scalars with R-hat above 1.01 or fewer than 100 effective draws per chain.

        The limits of Vehtari et al. (2021), doi:10.1214/20-BA1221.
        """
        ess = self.table[["ess_bulk", "ess_tail"]].min(axis=1)
        bad = (self.table["r_hat"] > R_HAT_LIMIT) | ~(ess >= ESS_PER_CHAIN * self.n_chains)
        return tuple(self.table.index[bad])

    @property
    def is_converged(self) -> bool:
        """Whether no scalar is suspect; needs at least two chains, else it is never claimed."""
        return self.n_chains > 1 and not self.suspects

    def __str__(self) -> str:
        ess = self.table[["ess_bulk", "ess_tail"]].min(axis=1)
        text = f"{len(self.table)} scalars, {self.n_chains} chains x {self.n_draws} draws: "
        if self.n_chains > 1:
            text += f"largest R-hat {self.table['r_hat'].max():.3f}, "
        text += f"smallest ESS {ess.min():.0f}. "
        if self.suspects:
            listed = ", ".join(self.suspects[:5]) + (" ..." if len(self.suspects) > 5 else "")
            return text + f"Not converged: {listed}. Run longer chains, or reparameterise."
        if self.n_chains == 1:
            return text + "One chain cannot show convergence; run at least two."
        return text + "No sign of trouble."

    def __repr__(self) -> str:
        return f"Convergence({self})"

    def _repr_html_(self) -> str:
        return sheet(self.table, caption=str(self), index="scalar")


def convergence(draws: Mapping[str, Tensor | np.ndarray]) -> Convergence:
    """Judge draws from several chains (or several independent runs stacked as chains).

    Args:
        draws: Name -> draws of shape `C x S x ...`; trailing entries become scalars `name[i,j]`.

    Returns:
        The table of statistics, with a verdict in words.

    Raises:
        InferenceError: Draws have no chain dimension, are not finite, or are fewer than four.

    >>> generator = torch.Generator().manual_seed(0)
    >>> print(convergence({"rho": torch.randn(4, 500, generator=generator)}).is_converged)
    True
    """
    rows: dict[str, dict[str, float]] = {}
    shapes = set()
    for name, value in draws.items():
        array = np.asarray(torch.as_tensor(value).detach().to(torch.float64))
        if array.ndim < 2 or array.shape[1] < 4:
            raise InferenceError(
                f"{name!r} has shape {array.shape}: convergence needs (chains, draws, ...) with at "
                "least four draws."
            )
        if not np.isfinite(array).all():
            raise InferenceError(
                f"{name!r} holds {int((~np.isfinite(array)).sum())} draws that are not finite: "
                "the sampler diverged there. Check the priors' supports and the step size."
            )
        shapes.add(array.shape[:2])
        for index in np.ndindex(array.shape[2:]):
            scalar = array[(slice(None), slice(None), *index)]
            label = f"{name}[{','.join(map(str, index))}]" if index else name
            moments = {"mean": float(scalar.mean()), "sd": float(scalar.std(ddof=1))}
            rows[label] = moments | chain_statistics(scalar)
    if len(shapes) != 1:
        raise InferenceError(
            f"Draws have {sorted(shapes)} (chains, draws): all must come from one run."
        )
    n_chains, n_draws = shapes.pop()
    return Convergence(pd.DataFrame.from_dict(rows, orient="index"), n_chains, n_draws)

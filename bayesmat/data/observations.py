"""Measured cells in long form and in model space, and their Gaussian likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from torch import Tensor

from bayesmat._arguments import array, checked, names, settle
from bayesmat._counted import counted
from bayesmat._repr import Shown
from bayesmat.errors import ModelError

__all__ = ["Observations", "Scale"]


@dataclass(frozen=True)
class Scale:
    """Monotone map between physical units and model space, z = (g(y) - loc) / sd.

    g is the natural logarithm where `log` is true, else the identity.

    Attributes:
        log: Whether the logarithm is modelled.
        loc: Mean of the measured g(y).
        sd: Standard deviation of the measured g(y), positive.

    >>> scale = Scale(log=True, loc=0.0, sd=2.0)
    >>> scale.to_model(torch.tensor([1.0, np.e**2], dtype=torch.float64))
    tensor([0., 1.], dtype=torch.float64)
    """

    log: bool
    loc: float
    sd: float

    @staticmethod
    def of(values: np.ndarray, *, log: bool) -> Scale:
        """Standardise the measured values (NaN ignored); sd is 1 where it cannot be estimated."""
        values = array(values, "values")
        measured = values[~np.isnan(values)]
        if measured.size == 0:
            return Scale(log, 0.0, 1.0)
        g = np.log(measured) if log else measured
        loc = float(g.mean())
        sd = float(g.std(ddof=1)) if g.size > 1 else 0.0
        is_constant = sd <= 1e-12 * float(np.abs(g).max())
        return Scale(log, loc, 1.0 if is_constant else sd)

    def to_model(self, y: Tensor) -> Tensor:
        """Physical values (any shape) to standardised ones."""
        return ((torch.log(y) if self.log else y) - self.loc) / self.sd

    def to_physical(self, z: Tensor) -> Tensor:
        """Standardised values (any shape) to physical ones; a mean becomes a median if `log`."""
        g = z * self.sd + self.loc
        return torch.exp(g) if self.log else g

    def sd_to_model(self, y: Tensor, sd: Tensor) -> Tensor:
        """Standard deviation at physical value y (same shapes), in model space.

        On the log scale it is that of the log-normal with mean y and standard deviation sd,
        sqrt(log(1 + (sd/y)^2)): sd/y while sd is small.
        """
        g_sd = torch.sqrt(torch.log1p((sd / y) ** 2)) if self.log else sd
        return g_sd / self.sd


@dataclass(frozen=True, eq=False, repr=False)
class Observations(Shown):
    """Measured cells of a table in long form, in model space.

    Attributes:
        rows: Row of the table, `k`, int64.
        columns: Index into `properties`, `k`, int64.
        y: Standardised values, `k`, float64.
        yvar: Variances of their noise in model space, `k`, float64; NaN where it is to be inferred.
        n_rows: Rows of the table, measured or not.
        properties: Names in column order.
    """

    rows: Tensor
    columns: Tensor
    y: Tensor
    yvar: Tensor
    n_rows: int
    properties: tuple[str, ...]

    def __post_init__(self) -> None:
        settle(self)

    @staticmethod
    def empty(n_rows: int, properties: Sequence[str]) -> Observations:
        """No measured cell: what a program sees when it predicts."""
        index = torch.empty(0, dtype=torch.int64)
        value = torch.empty(0, dtype=torch.float64)
        return Observations(index, index, value, value, n_rows, names(properties, "properties"))

    @property
    def n_cells(self) -> int:
        """Number of measured cells, k."""
        return self.y.shape[0]

    def observe(self, f: Tensor, scale: Tensor) -> None:
        r"""Condition a Pyro program on the measured cells.

        .. math:: y_k \sim N(f_{row_k, col_k}, s_k^2), \quad
                  s_k^2 = yvar_k \text{ where known, else } scale_{col_k}^2

        One sample site named "y" holds all cells; without cells nothing happens, so that the same
        program predicts.

        Args:
            f: Latent values, `... x n x m` with n rows and m properties.
            scale: Noise standard deviations to be inferred, `... x m`.

        Raises:
            ModelError: If f or scale has another number of rows or properties.
        """
        if self._checked(f, scale).n_cells == 0:
            return
        mean, sd = self._mean_and_sd(f, scale)
        pyro.sample("y", dist.Normal(mean, sd).to_event(1), obs=self.y)

    def log_density(self, f: Tensor, scale: Tensor) -> Tensor:
        """Log density of every cell given latent f and noise scale (as in `observe`), `... x k`."""
        mean, sd = self._checked(f, scale)._mean_and_sd(f, scale)
        return torch.distributions.Normal(mean, sd).log_prob(self.y)

    def _mean_and_sd(self, f: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        mean = f[..., self.rows, self.columns]
        sd = torch.where(self.yvar.isnan(), scale[..., self.columns], self.yvar.nan_to_num().sqrt())
        return mean, sd

    def _checked(self, f: Tensor, scale: Tensor) -> Observations:
        n, m = self.n_rows, len(self.properties)
        f, scale = checked(f, Tensor, "f"), checked(scale, Tensor, "scale")
        if f.shape[-2:] != (n, m):
            raise ModelError(
                f"the latent f has shape {tuple(f.shape)}, but the table has {n} rows and {m} "
                f"properties {self.properties}: return and observe a matrix `... x {n} x {m}`."
            )
        if scale.shape[-1:] != (m,) or scale.dim() >= f.dim():
            raise ModelError(
                f"the noise scale has shape {tuple(scale.shape)}; it must be `... x {m}`, one per "
                "property."
            )
        return self

    def _facts(self) -> dict[str, object]:
        cells = torch.bincount(self.columns, minlength=len(self.properties)).tolist()
        known = int((~self.yvar.isnan()).sum())
        return {
            "cells": self.n_cells,
            "rows": self.n_rows,
            **dict(zip(self.properties, (counted(n, "cell") for n in cells), strict=True)),
            "known noise": counted(known, "cell"),
            "space": "standardised; see Scale",
        }

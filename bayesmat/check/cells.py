"""Predictions of measured cells: what held-out data and left-out data are judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import pandas as pd
import torch
from torch import Tensor

from bayesmat._arguments import checked
from bayesmat._repr import Shown, sheet
from bayesmat.data.table import Property, PropertyTable, Scale
from bayesmat.models.base import Fitted
from bayesmat.models.marginals import noise_origins

from .calibration import pit
from .scores import crps_mixture, nll_mixture

__all__ = ["CellPredictions"]


@dataclass(frozen=True, eq=False, repr=False)
class CellPredictions(Shown):
    """Measured cells beside predictions that did not see them, as Gaussian mixtures.

    Everything is in model space (standardised per property by `scales`, the natural logarithm
    where the property is declared log); `to_frame` speaks physical units. What the model does not
    know (latent) and what a measurement adds (noise) are kept apart.

    Attributes:
        properties: The properties, `m`.
        scales: Map of each property between physical units and model space.
        columns: Property of each cell, `n`, an index into `properties`.
        materials: Material of each cell, `n`.
        rows: Row of the table of each cell, `n`.
        y: Measured values, `n`.
        means: Component means, `S x n`.
        latent_sds: Component sds of the property itself, `S x n`.
        noise_sds: Sds of the measurement: the table's where it gives one, else inferred, `S x n`.
        weights: Component weights, `S x n`; columns sum to one.
    """

    properties: tuple[Property, ...]
    scales: tuple[Scale, ...]
    columns: Tensor
    materials: tuple[str, ...]
    rows: Tensor
    y: Tensor
    means: Tensor
    latent_sds: Tensor
    noise_sds: Tensor
    weights: Tensor

    @property
    def n(self) -> int:
        """Number of cells."""
        return self.y.shape[0]

    @property
    def sds(self) -> Tensor:
        """Component sds of a measurement, `S x n`."""
        return (self.latent_sds.square() + self.noise_sds.square()).sqrt()

    @property
    def mean(self) -> Tensor:
        """Mean of each prediction, `n`."""
        return (self.weights * self.means).sum(0)

    @property
    def sd(self) -> Tensor:
        """Sd of each prediction of a measurement, `n`."""
        return self._total(self.sds)

    @property
    def latent_sd(self) -> Tensor:
        """Sd of each prediction of the property itself, `n`."""
        return self._total(self.latent_sds)

    def _total(self, sds: Tensor) -> Tensor:
        spread = (self.means - self.mean).square() + sds.square()
        return (self.weights * spread).sum(0).sqrt()

    @property
    def z(self) -> Tensor:
        """Standardised errors, (y - mean) / sd, `n`."""
        return (self.y - self.mean) / self.sd

    @cached_property
    def pit(self) -> Tensor:
        """Predicted probability of a smaller value than the measured one, `n`."""
        return pit(self.y, self.means, self.sds, weights=self.weights)

    @cached_property
    def crps(self) -> Tensor:
        """CRPS of each prediction in model space (standard deviations), `n`."""
        return crps_mixture(self.y, self.means, self.sds, weights=self.weights)

    @cached_property
    def nll(self) -> Tensor:
        """Negative log density of each value in model space, in nats, `n`."""
        return nll_mixture(self.y, self.means, self.sds, weights=self.weights)

    def quantile(self, p: float) -> Tensor:
        """The p-quantile of a measurement of each cell in model space, by bisection, `n`."""
        p = checked(p, float, "p")
        sds, used = self.sds, self.weights > 0
        ends = self.means + torch.special.ndtri(torch.tensor(p, dtype=torch.float64)) * sds
        low = torch.where(used, ends, torch.inf).amin(0)
        high = torch.where(used, ends, -torch.inf).amax(0)
        for _ in range(50):
            middle = 0.5 * (low + high)
            cdf = (self.weights * torch.special.ndtr((middle - self.means) / sds)).sum(0)
            low, high = torch.where(cdf < p, middle, low), torch.where(cdf < p, high, middle)
        return 0.5 * (low + high)

    def interval(self, level: float) -> tuple[Tensor, Tensor]:
        """Central interval of a measurement of each cell in model space, `n` each."""
        level = checked(level, float, "level")
        return self.quantile(0.5 - 0.5 * level), self.quantile(0.5 + 0.5 * level)

    def physical(self, values: Tensor) -> Tensor:
        """Values of the cells, `n`, from model space to the units of their properties."""
        values = checked(values, Tensor, "values")
        out = torch.empty_like(values)
        for j, scale in enumerate(self.scales):
            at = self.columns == j
            out[at] = scale.to_physical(values[at])
        return out

    @property
    def scale_sds(self) -> Tensor:
        """What 1 in model space is in the property's unit (of its logarithm if log), `n`."""
        return torch.tensor([s.sd for s in self.scales], dtype=torch.float64)[self.columns]

    def in_scales(self, scales: Sequence[Scale]) -> Self:
        """The same predictions standardised by other scales of the same properties."""
        scales = checked(scales, tuple[Scale, ...], "scales")
        old = torch.tensor([(s.loc, s.sd) for s in self.scales], dtype=torch.float64)
        new = torch.tensor([(s.loc, s.sd) for s in scales], dtype=torch.float64)
        (loc, sd), (new_loc, new_sd) = old[self.columns].T, new[self.columns].T
        ratio, shift = sd / new_sd, (loc - new_loc) / new_sd
        return replace(
            self,
            scales=tuple(scales),
            y=self.y * ratio + shift,
            means=self.means * ratio + shift,
            latent_sds=self.latent_sds * ratio,
            noise_sds=self.noise_sds * ratio,
        )

    def to_frame(self, *, level: float = 0.9) -> pd.DataFrame:
        """One row per cell, in physical units.

        Sds and CRPS are in the unit of the property, of its natural logarithm where it is log.
        """
        level = checked(level, float, "level")
        lower, upper = self.interval(level)
        return pd.DataFrame(
            {
                "material": list(self.materials),
                "row": self.rows.numpy(),
                "property": [self.properties[j].name for j in self.columns.tolist()],
                "unit": [self.properties[j].unit for j in self.columns.tolist()],
                "measured": self.physical(self.y).numpy(),
                "median": self.physical(self.quantile(0.5)).numpy(),
                f"{level:.0%} lower": self.physical(lower).numpy(),
                f"{level:.0%} upper": self.physical(upper).numpy(),
                "latent sd": (self.latent_sd * self.scale_sds).numpy(),
                "observation sd": (self.sd * self.scale_sds).numpy(),
                "z": self.z.numpy(),
                "pit": self.pit.numpy(),
                "crps": (self.crps * self.scale_sds).numpy(),
                "nll": self.nll.numpy(),
            }
        )

    def _facts(self) -> dict[str, object]:
        labels = [p.label for p in self.properties]
        return {"cells": self.n, "properties": labels, "components": len(self.means)}

    def _repr_html_(self) -> str:
        caption = f"{type(self).__name__}: {self.n} cells, physical units"
        return sheet(self.to_frame(), caption=caption)


def _unstated(fitted: Fitted) -> Tensor:
    """Noise sd of a cell without a stated one, `S x m`: inferred from those that have none either.

    Where every cell of the fit states its sd nothing was inferred, and a cell is as noisy as those.
    """
    model = fitted.model
    informed = torch.tensor(["inferred" in origin for origin in noise_origins(model.observations)])
    return torch.where(informed, model.inferred_noise_sd, model.noise_sd)


def predicted(fitted: Fitted, table: PropertyTable) -> CellPredictions:
    """Predictions of the measured cells of a table with the properties of the fit."""
    observed = table.observations(fitted.scales)
    X = fitted.layout(table.rows)
    marginals = fitted.model.marginals(X)
    rows, columns = observed.rows, observed.columns
    means = marginals.mean[:, rows, columns]
    noise = _unstated(fitted)[:, columns]
    noise = torch.where(observed.yvar.isnan(), noise, observed.yvar.nan_to_num().sqrt())
    return CellPredictions(
        table.properties, fitted.scales, columns, tuple(table.materials[i] for i in rows), rows,
        observed.y, means, marginals.variance[:, rows, columns].sqrt(), noise.expand_as(means),
        torch.full_like(means, 1 / means.shape[0]),
    )  # fmt: skip

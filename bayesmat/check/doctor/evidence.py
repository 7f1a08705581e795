"""What the symptoms of a fit are read off, each computed once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from bayesmat.check.predictive import LOO, loo
from bayesmat.data.table import Observations, Property, PropertyTable
from bayesmat.errors import BayesmatError
from bayesmat.features.base import Layout
from bayesmat.features.molecule import ECFP
from bayesmat.models.base import Fitted, fit
from bayesmat.models.kernels import MinMax
from bayesmat.models.model import QuickPrior
from bayesmat.models.similarity import Similarity
from bayesmat.sources.embedding import FeatureMap

__all__ = ["Evidence", "quantity"]

_MOST_SECONDS = 20.0
MOST_CELLS = 200


@dataclass(frozen=True, eq=False)
class Evidence:
    """A fit under examination."""

    fitted: Fitted
    seed: int

    @property
    def table(self) -> PropertyTable:
        """The data."""
        return self.fitted.table

    @cached_property
    def observed(self) -> Observations:
        """The measured cells in model space."""
        return self.table.observations(self.fitted.scales)

    @cached_property
    def cells(self) -> LOO:
        """Every cell left out by itself."""
        return loo(self.fitted)

    @cached_property
    def scores(self) -> Tensor:
        """Normal scores of the left-out cells (PIT through the normal quantile), `k`."""
        return normal_score(self.cells.pit)

    @cached_property
    def pareto_k(self) -> Tensor:
        """Pareto k of each cell; 0 where weights are exact."""
        return self.cells.pareto_k[self.cells.units].nan_to_num(0.0)

    def of_property(self, j: int) -> Tensor:
        """Indices of the cells of property j."""
        return torch.nonzero(self.observed.columns == j).flatten()

    @cached_property
    def measure(self) -> tuple[Tensor, Similarity] | None:
        """What rows are compared by: the model's similarity, or fingerprints of molecules."""
        own = self.fitted.similarity
        if self.table.kind == "smiles" and (own is None or not own.is_count):
            counts = FeatureMap((ECFP(),))
            layout = Layout(counts.inputs)
            X = layout(self.table.materials)
            return X, Similarity(counts, MinMax(), MinMax().prepare(X), layout)
        return None if own is None else (self.X, own)

    @property
    def is_count(self) -> bool:
        """Whether rows are compared by count fingerprints, whose values have a fixed meaning."""
        return self.measure is not None and self.measure[1].is_count

    @cached_property
    def X(self) -> Tensor:
        """The features of all rows, `n x D`."""
        return self.fitted.layout(self.table.rows)

    @cached_property
    def first_rows(self) -> list[int]:
        """The first row of each distinct material."""
        firsts = {material: i for i, material in reversed(list(enumerate(self.table.materials)))}
        return sorted(firsts.values())

    @cached_property
    def similarity(self) -> Tensor | None:
        """Similarity of the distinct materials, -1 with itself, `u x u`."""
        if self.measure is None or len(self.first_rows) < 2:
            return None
        X, measure = self.measure
        phi = measure.columns(X[self.first_rows])
        return measure.between(phi, phi).fill_diagonal_(-1.0)

    def prop(self, j: int) -> Property:
        """Property j."""
        return self.table.properties[j]

    def row_names(self, rows: Sequence[int]) -> list[str]:
        """Rows as they are named in sentences."""
        keys = self.table.rows.keys
        return [f"row {i} ({keys[i]})" for i in rows]

    def refit(self, table: PropertyTable) -> Fitted | None:
        """A quick fit of the same prior to another table; None where it would take too long."""
        prior = self.fitted.prior
        if isinstance(prior, QuickPrior):
            prior = prior.quick()
        elif self.fitted.report.inference.seconds > _MOST_SECONDS:
            return None
        try:
            return fit(prior, table, seed=self.seed, explain=False)
        except BayesmatError:
            return None

    def near(self, rows: Sequence[int], most: int = MOST_CELLS) -> np.ndarray:
        """At most that many rows: the ten nearest of each given row, the rest by chance."""
        n = self.table.n_rows
        if n <= most:
            return np.arange(n)
        distance = torch.cdist(self.X[list(rows)], self.X)
        chosen = set(distance.topk(10, largest=False).indices.flatten().tolist())
        others = np.setdiff1d(np.arange(n), list(chosen))
        rest = max(0, most - len(chosen))
        drawn = np.random.default_rng(self.seed).choice(others, min(rest, len(others)), False)
        return np.sort(np.concatenate([np.array(sorted(chosen)), drawn]).astype(int))


def normal_score(pit: Tensor) -> Tensor:
    """PIT values as standard normal numbers, within 7.9."""
    return torch.special.ndtri(pit.clamp(1e-15, 1 - 1e-15))


def quantity(value: float, prop: Property) -> str:
    """A value with its unit."""
    text = f"{value:.4g}" if math.isfinite(value) else "?"
    return f"{text} {prop.unit}".strip()

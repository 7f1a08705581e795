"""Small parts for model tests: materials that are written as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bayesmat.data.table import Observations, Property, PropertyTable
from bayesmat.features.base import Layout
from bayesmat.models.base import Fitted, fit
from bayesmat.models.graph import Edge, Node, PropertyGraph
from bayesmat.models.kernels import Linear, Matern52, Term
from bayesmat.sources.embedding import FeatureMap


@dataclass(frozen=True)
class Coordinates:
    """Reads "0.1 0.5" as a point."""

    d: int = 2

    @property
    def id(self) -> str:
        return f"coordinates({self.d})"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"x{i}" for i in range(self.d))

    def __call__(self, materials: Sequence[str]) -> Tensor:
        rows = [[float(v) for v in m.split()] for m in materials]
        return torch.tensor(rows, dtype=torch.float64).reshape(len(materials), self.d)


def axes(d: int = 2) -> Layout:
    """Where the coordinates are in X: its columns are the coordinates."""
    return Layout((Coordinates(d),))


def space(d: int = 2) -> FeatureMap:
    return FeatureMap((Coordinates(d),))


def chain_graph(n_properties: int = 3, d: int = 2) -> PropertyGraph:
    """p0 -> p1 -> p2, and p0 -> p2."""
    features = space(d)
    nodes = []
    for p in range(n_properties):
        edges = tuple(Edge(f"p{q}") for q in range(p))
        terms = (Term(Matern52(), features, "smooth"), Term(Linear(), features, "line"))
        nodes.append(Node(f"p{p}", terms, edges, mean_sd=0.7))
    return PropertyGraph(tuple(nodes))


def observations(cells: list[tuple[int, int]], y: Tensor, n_rows: int, m: int) -> Observations:
    rows, columns = (torch.tensor(v) for v in zip(*cells, strict=True))
    yvar = torch.full_like(y, torch.nan)
    return Observations(rows, columns, y, yvar, n_rows, tuple(f"p{i}" for i in range(m)))


def fitted_waves(n: int, seed: int = 0) -> Fitted:
    """A chain of two properties of n points, the second measured in every second row."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (n, 2))
    f = np.sin(2 * x[:, 0]) + 0.4 * x[:, 1]
    values = np.stack([f, 0.7 * f + 0.5 * np.cos(x[:, 1])], 1) + 0.15 * rng.normal(size=(n, 2))
    values[1::2, 1] = np.nan
    keys = tuple(f"{a:.6f} {b:.6f}" for a, b in x)
    table = PropertyTable(keys, "id", (Property("p0", "K"), Property("p1", "K")), values)
    return fit(chain_graph(2), table, seed=seed, explain=False)

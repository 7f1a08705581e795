"""Held-out predictions with known truth, and tables that are quick to fit."""

from __future__ import annotations

import numpy as np

from bayesmat.check import HeldOut
from bayesmat.data.table import Property, PropertyTable
from bayesmat.inference.grid import Grid
from bayesmat.models.graph import Edge, Node, PropertyGraph
from bayesmat.models.kernels import Linear, Matern52, Term
from tests.unit.models.helpers import space

GAP = Property("gap", "eV")


def known(
    n: int = 300, factor: float = 1.0, shift: float = 0.0, seed: int = 0, prop: Property = GAP
) -> HeldOut:
    """Gaussian predictions whose sd is `factor` times the true one and whose mean is shifted."""
    rng = np.random.default_rng(seed)
    mean, sd = rng.normal(size=n), rng.uniform(0.5, 1.5, n)
    y = mean + sd * rng.normal(size=n)
    y = np.exp(y) if prop.scale == "log" else y
    materials = [f"m{i}" for i in range(n)]
    splits = np.arange(n) % 5
    return HeldOut.of(prop, y, mean + shift, factor * sd, materials=materials, splits=splits)


def plane(n: int = 40, seed: int = 0, noise: float = 0.1, repeats: int = 1) -> PropertyTable:
    """Two properties of points in the plane, one log; each point measured `repeats` times."""
    rng = np.random.default_rng(seed)
    x = np.repeat(rng.uniform(-2, 2, (n, 2)), repeats, 0)
    f = np.sin(2 * x[:, 0]) + 0.5 * x[:, 1]
    a = f + noise * rng.normal(size=len(x))
    b = np.exp(0.5 * f + noise * rng.normal(size=len(x)))
    keys = tuple(f"{u:.4f} {v:.4f}" for u, v in x)
    properties = (Property("a", "K"), Property("b", "eV", "log"))
    return PropertyTable(keys, "id", properties, np.stack([a, b], 1))


def smooth(noise: float = 0.2, noise_sd: float = 0.5, n: int = 400) -> PropertyGraph:
    """One smooth property on a grid of hyper-parameters."""
    term = (Term(Matern52(), space(), "smooth", weight=1.0, weight_sd=0.5),)
    return PropertyGraph((Node("a", term, noise=noise, noise_sd=noise_sd),), Grid(n=n))


def pair(n: int = 400) -> PropertyGraph:
    """Two related properties."""
    term = (Term(Matern52(), space(), "smooth", weight=1.0, weight_sd=0.5),)
    nodes = (Node("a", term, noise_sd=0.5), Node("b", term, (Edge("a"),), noise_sd=0.5))
    return PropertyGraph(nodes, Grid(n=n))


def straight() -> PropertyGraph:
    """A line, whatever the data."""
    term = (Term(Linear(), space(), "line", weight=1.0, weight_sd=0.5),)
    return PropertyGraph((Node("a", term, noise_sd=0.5),), Grid(n=400))

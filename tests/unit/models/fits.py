"""One small fit of every kind of prior and of every way to weigh its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from torch import Tensor

from bayesmat.data.table import Condition, Observations, Property, PropertyTable
from bayesmat.inference.grid import Grid, Integrator, SMCIntegrator
from bayesmat.inference.importance import ImportanceIntegrator
from bayesmat.inference.laplace import Laplace
from bayesmat.inference.nuts import NUTS
from bayesmat.inference.population import SMC
from bayesmat.models.base import Fitted, fit
from bayesmat.models.graph import Computed, PropertyGraph
from bayesmat.models.program import program
from bayesmat.models.transfer import Transfer
from bayesmat.sources.embedding import Embedding, FeatureMap
from bayesmat.sources.networks import PyramidSpec
from bayesmat.sources.training import Schedule, train_pyramids
from tests.unit.models.helpers import Coordinates, chain_graph

SMALL = NUTS(warmup=10, draws=24, chains=2, max_tree_depth=3)
GAPS = {"c1ccccc1": 4.77, "C=CC=C": 3.66, "C=C": 5.44, "CCO": 8.85, "c1ccsc1": 4.06, "CCN": 7.5}


@program(properties=("p0", "p1"), features={"phi": Coordinates(2)}, sampler=SMALL, n_draws=24)
def lines(phi: Tensor, observations: Observations) -> Tensor:
    """Two linear regressions, at the top of a module, where a worker finds them."""
    w = pyro.sample("w", dist.Normal(0, 1).expand([phi.shape[-1], 2]).to_event(2))
    s = pyro.sample("s", dist.HalfNormal(1.0).expand([2]).to_event(1))
    f = phi @ w
    observations.observe(f, scale=s)
    return f


@program(properties=("p0",), features={"phi": Coordinates(2)}, sampler=SMALL, n_draws=24)
def warmed(phi: Tensor, conditions: Tensor, observations: Observations) -> Tensor:
    """A linear regression on coordinates and conditions."""
    w = pyro.sample("w", dist.Normal(0, 1).expand([phi.shape[-1] + conditions.shape[-1]]))
    s = pyro.sample("s", dist.HalfNormal(1.0).expand([1]).to_event(1))
    f = (torch.cat([phi, conditions], -1) @ w)[:, None]
    observations.observe(f, scale=s)
    return f


@dataclass(frozen=True)
class Networks:
    """A source network for fingerprints of 64 counts."""

    feature_maps: tuple[FeatureMap, ...]
    descriptors: None = None


def waves(n: int = 12) -> PropertyTable:
    """Two properties of points in the plane, with a hole, stated noise and groups."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, (n, 2))
    f = np.sin(x[:, 0]) + 0.4 * x[:, 1]
    values = np.stack([f, np.exp(f + 0.1 * rng.normal(size=n))], 1)
    values[3, 1] = np.nan
    stds = np.where(np.arange(n)[:, None] < 4, 0.1, np.nan) + 0 * values
    keys = tuple(f"{a:.4f} {b:.4f}" for a, b in x)
    names = Property("p0", "K"), Property("p1", "eV", "log")
    return PropertyTable(keys, "id", names, values, stds, groups=tuple("ab" * (n // 2)))


def _graph(integrator: Integrator) -> Callable[[], Fitted]:
    return lambda: fit(PropertyGraph(chain_graph(2).nodes, integrator), waves(), seed=0)


def _updated() -> Fitted:
    table = waves()
    first = PropertyGraph(chain_graph(2).nodes, Grid(n=128, n_particles=8))
    return fit(first, table.subset(range(2, 9)), seed=0).update(table, seed=1)


def _transfer() -> Fitted:
    fingerprints = Coordinates(2)
    X = torch.rand(200, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (network,) = train_pyramids(
        X, X.prod(1, keepdim=True), [PyramidSpec((7, 5))], seed=0, schedule=Schedule(2)
    )
    maps = (FeatureMap((fingerprints,), Embedding(network), "network"),)
    positive = replace(
        waves().select(["p0"]), materials=tuple(f"0.{i} 0.{3 * i % 7}" for i in range(10, 22))
    )
    prior = Transfer(
        "p0", sources=Networks(maps), fingerprints=fingerprints, integrator=Grid(64, 8)
    )
    return fit(prior, positive, seed=0)


def _computed() -> Fitted:
    table = PropertyTable(
        tuple(GAPS), "smiles", (Property("gap", "eV", "log"),), np.array([[*GAPS.values()]]).T
    )
    prior = Transfer("gap", parents=[Computed("gap_huckel")], integrator=Grid(n=64, n_particles=8))
    return fit(prior, table, seed=0, explain=False)


def _warmed() -> Fitted:
    table, heat = waves().select(["p0"]), np.linspace(0, 1, 12)[:, None]
    kinds = (Condition("heat", "K"),)
    return fit(warmed, replace(table, conditions=kinds, condition_values=heat), seed=0)


MOVED = SMCIntegrator(n=24, n_particles=8, sweeps=1, final_sweeps=1)
KINDS: dict[str, Callable[[], Fitted]] = {
    "graph by grid": _graph(Grid(n=64, n_particles=8)),
    "graph by SMC": _graph(MOVED),
    "graph by importance": _graph(ImportanceIntegrator(n=64, rounds=2, least=1, n_particles=8)),
    "graph updated": _updated,
    "transfer": _transfer,
    "computed parent": _computed,
    "program by NUTS": lambda: fit(lines, waves(), seed=0),
    "program by SMC": lambda: fit(
        replace(lines, sampler=SMC(n=24, sweeps=1, final_sweeps=1)), waves(), seed=0
    ),
    "program by Laplace": lambda: fit(replace(lines, sampler=Laplace(draws=40)), waves(), seed=0),
    "program with conditions": _warmed,
}

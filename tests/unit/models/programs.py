"""Programs that tests share."""

from __future__ import annotations

import pyro
import pyro.distributions as dist
import torch
from torch import Tensor

from bayesmat.data.table import Observations
from bayesmat.inference.nuts import NUTS
from bayesmat.inference.report import Sampler
from bayesmat.models.program import Program, program
from tests.unit.models.helpers import Coordinates


def linear(m: int = 2, d: int = 2, sampler: Sampler | None = None, n_draws: int = 24) -> Program:
    """m independent linear regressions on d coordinates."""
    names = tuple(f"p{i}" for i in range(m))
    sampler = sampler or NUTS(warmup=10, draws=24, chains=1, max_tree_depth=3)

    @program(properties=names, features={"phi": Coordinates(d)}, sampler=sampler, n_draws=n_draws)
    def regression(phi: Tensor, observations: Observations) -> Tensor:
        w = pyro.sample("w", dist.Normal(0, 1).expand([phi.shape[-1], m]).to_event(2))
        s = pyro.sample("s", dist.HalfNormal(1.0).expand([m]).to_event(1))
        f = phi @ w
        observations.observe(f, scale=s)
        return f

    return regression


def horseshoe(d: int, sampler: Sampler) -> Program:
    """A sparse regression: few of d coefficients differ from zero (Carvalho et al. 2010)."""

    @program(properties=("p0",), features={"phi": Coordinates(d)}, sampler=sampler)
    def sparse(phi: Tensor, observations: Observations) -> Tensor:
        overall = pyro.sample("overall", dist.HalfCauchy(0.1))
        local = pyro.sample("local", dist.HalfCauchy(1.0).expand([d]).to_event(1))
        z = pyro.sample("z", dist.Normal(0, 1).expand([d]).to_event(1))
        w = pyro.deterministic("w", z * local * overall)
        s = pyro.sample("s", dist.HalfNormal(1.0).expand([1]).to_event(1))
        f = (phi @ w)[:, None]
        observations.observe(f, scale=s)
        return f

    return sparse


def shared_factor(sampler: Sampler) -> Program:
    """Tb and Tm rise and fall with one factor, which is linear in the coordinates."""

    @program(properties=("Tb", "Tm"), features={"phi": Coordinates(3)}, sampler=sampler)
    def factor(phi: Tensor, observations: Observations) -> Tensor:
        w = pyro.sample("w", dist.Normal(0, 1).expand([3]).to_event(1))
        slope = pyro.sample("slope", dist.Normal(1, 0.5))
        s = pyro.sample("s", dist.HalfNormal(0.5).expand([2]).to_event(1))
        common = phi @ w
        f = torch.stack([common, slope * common], -1)
        observations.observe(f, scale=s)
        return f

    return factor

"""Simulation-based calibration of every prior that can be drawn from, at about a dozen rows.

One family-wise false-alarm rate of 1 % over all priors and quantities together: each prior is
tested at 1 % / (number of priors), its quantities by Holm's correction within. Everything is
seeded, so that a pass stays a pass until the code changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pyro
import pyro.distributions as dist
import pytest
import torch
from torch import Tensor

from bayesmat.check.sbc import SBC, sbc
from bayesmat.data.observations import Observations
from bayesmat.features.molecule import ECFP, CheapDescriptors
from bayesmat.inference.grid import Grid, Integrator, SMCIntegrator
from bayesmat.inference.importance import ImportanceIntegrator
from bayesmat.inference.laplace import Laplace
from bayesmat.inference.nuts import NUTS
from bayesmat.inference.population import SMC
from bayesmat.inference.pyro_program import noncentred
from bayesmat.models.base import layout_of
from bayesmat.models.computed import Computed
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.kernels import ARD, Linear, Matern52, MinMax, Term
from bayesmat.models.model import GenerativePrior
from bayesmat.models.program import program
from bayesmat.sources.embedding import FeatureMap
from tests.unit.models.helpers import Coordinates, chain_graph, observations, space
from tests.unit.models.programs import linear, shared_factor

pytestmark = pytest.mark.slow

FAMILY_RATE = 0.01
N = 12
MOLECULES = (
    "C=C", "C=CC=C", "c1ccccc1", "c1ccc2ccccc2c1", "O=C1C=CC(=O)C=C1", "CCO", "CC(C)=O",
    "c1ccoc1", "CCCCC", "N#Cc1ccccc1", "C=CC=O", "c1ccncc1",
)  # fmt: skip


def points(d: int) -> Tensor:
    generator = torch.Generator().manual_seed(4)
    return torch.rand(N, d, generator=generator, dtype=torch.float64)


def ragged(m: int) -> list[tuple[int, int]]:
    """Every row has a cell, half of the further cells are missing, in no regular pattern."""
    return [(i, j) for i in range(N) for j in range(m) if j == i % m or (i * 7 + j * 3) % 4 < 2]


def molecules(integrator: Integrator | None) -> tuple[PropertyGraph, Tensor]:
    """The default model's parts on real molecules: fingerprints, descriptors, computed parent."""
    cheap = FeatureMap((CheapDescriptors(),))
    terms = (
        Term(MinMax(), FeatureMap((ECFP(),)), "fingerprints"),
        Term(Linear(), cheap, "descriptors"),
        Term(Matern52(), cheap, "descriptors"),
    )
    graph = PropertyGraph((Node("p0", terms, computed=Computed("gap_huckel")),), integrator)
    return graph, layout_of(graph)(MOLECULES)


def chain(integrator: Integrator | None) -> tuple[PropertyGraph, Tensor]:
    """Cokriging of two properties with holes: two noises, four weights, one rho."""
    return PropertyGraph(chain_graph(2).nodes, integrator), points(2)


def smooth() -> tuple[PropertyGraph, Tensor]:
    """Three hyper-parameters: what a grid is for."""
    terms = (Term(Matern52(), space(2), "smooth"), Term(Linear(), space(2), "line"))
    return PropertyGraph((Node("p0", terms),), Grid(4096, 128)), points(2)


def ard() -> tuple[PropertyGraph, Tensor]:
    """Ten lengthscales: twelve hyper-parameters."""
    node = Node("p0", (Term(ARD(), space(10), "descriptors"),))
    return PropertyGraph((node,)), points(10)


@program(
    properties=("p0",),
    features={"phi": Coordinates(4)},
    sampler=SMC(n=192),
)
def hierarchical(phi: Tensor, observations: Observations) -> Tensor:
    """Coefficients around a common mean, with an unknown spread, non-centred."""
    centre = pyro.sample("centre", dist.Normal(0.0, 1.0))
    spread = pyro.sample("spread", dist.HalfNormal(1.0))
    w = noncentred("w", centre.expand(phi.shape[-1]), spread)
    s = pyro.sample("s", dist.HalfNormal(0.5).expand([1]).to_event(1))
    f = (phi @ w)[:, None]
    observations.observe(f, scale=s)
    return f


TEMPERED = ImportanceIntegrator(n=64, rounds=1, least=1e9)
SHORT = NUTS(warmup=50, draws=62, chains=1, max_tree_depth=3)

CASES: dict[str, tuple[Callable[[], tuple[GenerativePrior, Tensor]], int]] = {
    "molecules, SMC": (lambda: molecules(SMCIntegrator()), 1),
    "molecules, default": (lambda: molecules(None), 1),
    "chain, SMC": (lambda: chain(SMCIntegrator()), 2),
    "chain, default": (lambda: chain(None), 2),
    "chain, tempered from the proposal": (lambda: chain(TEMPERED), 2),
    "smooth, grid": (smooth, 1),
    "ten lengthscales, default": (ard, 1),
    "shared factor, SMC": (lambda: (shared_factor(SMC(n=192)), points(3)), 2),
    "linear, Laplace": (lambda: (linear(1, sampler=Laplace(), n_draws=64), points(2)), 1),
    "hierarchy, SMC": (lambda: (hierarchical, points(4)), 1),
    "linear, NUTS": (lambda: (linear(1, sampler=SHORT, n_draws=31), points(2)), 1),
}


def judged(prior: GenerativePrior, X: Tensor, m: int) -> SBC:
    cells = ragged(m)
    template = observations(cells, torch.zeros(len(cells), dtype=torch.float64), N, m)
    template = replace(template, properties=prior.properties)
    return sbc(prior, X, template, n_simulations=200, seed=17, family_rate=FAMILY_RATE / len(CASES))


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("case", CASES)
def test_posteriors_are_those_of_the_prior(case: str) -> None:
    make, m = CASES[case]
    found = judged(*make(), m)
    print(found.to_frame())
    assert {len(ranks) for ranks in found.ranks.values()} == {200}
    assert "log likelihood" in found.ranks
    assert not found.failures, f"{found}\n{found.to_frame()}"


def test_a_grid_in_seven_dimensions_is_found_out() -> None:
    """8,192 points of the prior miss the corners where the likelihood is: `Grid` says so."""
    found = judged(*chain(Grid(8192, 128)), 2)
    assert "log likelihood" in found.failures
    assert found.ranks["log likelihood"].mean() > 0.5 * 31

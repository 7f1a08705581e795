"""Prior draws, densities and updates of graphs, against what they must equal.

False alarm rate of this file: below 1e-3 (Kolmogorov-Smirnov at 1e-4, or 4 Monte Carlo errors).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.distributions import MultivariateNormal

from bayesmat.data.table import Observations, Property, PropertyTable
from bayesmat.errors import ModelError
from bayesmat.inference.grid import SMCIntegrator
from bayesmat.models.base import fit
from bayesmat.models.graph import PropertyGraph
from bayesmat.models.graph_model import GraphModel
from bayesmat.models.model import PriorDraws
from tests.unit.models.helpers import axes, chain_graph, observations
from tests.unit.models.programs import linear

N, M = 7, 2
CELLS = [(i, 0) for i in range(N)] + [(i, 1) for i in range(0, N, 2)]


def rows(n: int = N, seed: int = 0) -> Tensor:
    return torch.rand(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def graph(**settings: int) -> PropertyGraph:
    return PropertyGraph(chain_graph(M).nodes, SMCIntegrator(**settings))


def data(k: int | None = None) -> Observations:
    """The first k of the cells, with a trend and some scatter."""
    X, cells = rows(), CELLS[:k]
    noise = torch.randn(len(CELLS), generator=torch.Generator().manual_seed(3)).double()
    y = torch.stack([torch.sin(4 * X[i, 0]) + j * X[i, 1] for i, j in CELLS]) + 0.2 * noise
    return observations(cells, y[: len(cells)], N, M)


def every_cell(draws: PriorDraws) -> Observations:
    n, m = draws.f.shape[1:]
    cells = [(i, p) for i in range(n) for p in range(m)]
    return observations(cells, torch.zeros(n * m).double(), n, m)


def test_prior_draws_have_the_prior_covariance_given_their_parameters() -> None:
    """Whitened by its exact covariance, f of every draw is N(0, I)."""
    prior, X = graph(), rows(5)
    draws = prior.sample(X, 800, layout=axes(), seed=0)
    assert draws.f.shape == (800, 5, M)
    problem = prior._problem(every_cell(draws), X, axes())
    k = problem.covariance(draws.parameters, 800) + 1e-9 * torch.eye(5 * M).double()
    mean = -problem.moments(draws.parameters, 800)[1]
    f = draws.f.reshape(800, -1) - mean
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(k), f[..., None], upper=False)
    white = white[..., 0]
    assert stats.kstest(white.flatten().numpy(), "norm").pvalue > 1e-4
    second = white.T @ white / 800
    assert float((second - torch.eye(5 * M)).abs().max()) < 5 * math.sqrt(2 / 800)


def test_prior_draws_of_parameters_follow_their_priors() -> None:
    prior = graph()
    draws = prior.sample(rows(3), 2000, layout=axes(), seed=0)
    priors = prior.hyper_priors()
    assert tuple(draws.parameters) == priors.names
    for j, name in enumerate(priors.names):
        values = draws.parameters[name]
        u = torch.stack([priors.standard({**{n: 1.0 for n in priors.names}, name: float(v)})[0, j]
                         for v in values[:300]])  # fmt: skip
        assert stats.kstest(u.numpy(), "norm").pvalue > 1e-4, name
    noise = torch.stack([draws.parameters["p0: noise"], draws.parameters["p1: noise"]], -1)
    assert torch.equal(draws.noise_sd, noise)


def test_the_seed_of_prior_draws_decides() -> None:
    one, two, other = (graph().sample(rows(), 4, layout=axes(), seed=s) for s in (0, 0, 1))
    assert torch.equal(one.f, two.f)
    assert not torch.equal(one.f, other.f)


def test_simulated_measurements_have_inferred_or_known_noise() -> None:
    draws = graph().sample(rows(), 4000, layout=axes(), seed=0)
    yvar = torch.full((len(CELLS),), torch.nan).double()
    yvar[0] = 9.0
    obs = replace(data(), yvar=yvar)
    error = draws.measurements(obs, seed=1) - draws.f[:, obs.rows, obs.columns]
    assert float(error[:, 0].std()) == pytest.approx(3, rel=0.06)
    standard = error[:, 1:] / draws.noise_sd[:, obs.columns[1:]]
    assert stats.kstest(standard.flatten().numpy(), "norm").pvalue > 1e-4


def test_the_log_likelihood_is_the_gaussian_density() -> None:
    prior, obs, X = graph(), data(), rows()
    draws = prior.sample(X, 5, layout=axes(), seed=2)
    found = prior.log_likelihood(draws.parameters, obs, X, layout=axes())
    problem = prior._problem(obs, X, axes())
    for s in range(5):
        values = {name: v[s : s + 1] for name, v in draws.parameters.items()}
        k = problem.covariance(values, 1)[0] + torch.diag(problem.noise(values)[0])
        expected = MultivariateNormal(torch.zeros(len(CELLS)).double(), k).log_prob(obs.y)
        assert float(found[s]) == pytest.approx(float(expected), abs=1e-8)


def test_the_evidence_is_the_mean_likelihood_of_prior_draws() -> None:
    """Plain Monte Carlo over the prior, against SMC; bounds are four errors."""
    prior, obs, X = graph(n=400), data(6), rows()
    draws = prior.sample(X, 20_000, layout=axes(), seed=0)
    log_l = prior.log_likelihood(draws.parameters, obs, X, layout=axes())
    log_z = float(torch.logsumexp(log_l, 0)) - math.log(20_000)
    error = float((log_l - log_z).exp().std()) / math.sqrt(20_000)
    report = prior.condition(obs, X, layout=axes(), seed=0).report.inference
    bound = 4 * math.hypot(error, report.log_evidence_sd)
    assert report.log_evidence == pytest.approx(log_z, abs=bound)
    assert bound < 1


def test_a_program_has_the_same_density_by_its_own_path() -> None:
    prior, obs, X = linear(M, 2), data(), rows()
    draws = prior.sample(X, 4, layout=axes(), seed=0)
    found = prior.log_likelihood(draws.parameters, obs, X, layout=axes())
    mean = draws.f[:, obs.rows, obs.columns]
    sd = draws.noise_sd[:, obs.columns]
    assert torch.allclose(found, torch.distributions.Normal(mean, sd).log_prob(obs.y).sum(-1))


def refit(model: GraphModel, obs: Observations, seed: int, n: int) -> GraphModel:
    """From the prior, with the scales that the first fit read off its rows."""
    old = model.problem
    problem = type(old).of(old.joint, old.priors, old.encoder, obs, rows())
    smc = SMCIntegrator(n=n, n_particles=64)
    return GraphModel(problem, smc(problem.log_marginal, len(old.priors.names), seed=seed))


def test_an_updated_graph_is_a_refit_at_the_same_scales() -> None:
    """Means over six runs each; bounds are four standard errors of the difference."""
    half = [graph(n=256).condition(data(5), rows(), layout=axes(), seed=s) for s in range(6)]
    updated = [model.update(data(), rows(), seed=10 + s) for s, model in enumerate(half)]
    fresh = [refit(half[0], data(), 20 + s, 256) for s in range(6)]
    X = rows(4, seed=9)

    def figures(model: GraphModel) -> Tensor:
        hyper = model.hyper_posterior.points.mean(0)
        marginals = model.marginals(X)
        evidence = torch.tensor([model.report.inference.log_evidence]).double()
        f = marginals.mixture_mean.flatten()
        return torch.cat([evidence, hyper, f, marginals.sd(observation=False).flatten()])

    one = torch.stack([figures(m) for m in updated])
    two = torch.stack([figures(m) for m in fresh])
    error = ((one.var(0) + two.var(0)) / 6).sqrt() + 0.01
    assert ((one.mean(0) - two.mean(0)).abs() < 4.5 * error).all()
    assert updated[0].n_sets == half[0].n_sets
    assert updated[0].problem.observations.n_cells == len(CELLS)


def table(n: int) -> PropertyTable:
    x = rows(10).numpy()
    values = np.stack([np.exp(x[:, 0]), x.sum(1)], -1)
    properties = (Property("p0", "eV", "log"), Property("p1", "K"))
    return PropertyTable(tuple(f"{a:.6f} {b:.6f}" for a, b in x[:n]), "id", properties, values[:n])


def test_a_fit_is_updated_by_a_longer_table() -> None:
    first = fit(graph(n=64, n_particles=16), table(6), seed=0, explain=False)
    longer = first.update(table(10), seed=1)
    assert longer.scales == first.scales
    assert longer.table.n_rows == 10
    assert longer.report.n_cells == 20
    assert "SMC update" in longer.report.inference.method
    unseen = table(10).materials[9:]
    before, after = first.predict(unseen), longer.predict(unseen)
    assert (after.latent_sd < before.latent_sd).all()
    assert np.isfinite(longer.report.inference.log_evidence)
    again = longer.update(table(10), seed=2)
    assert again.report.n_cells == 20


def test_updates_that_cannot_be_are_explained() -> None:
    model = graph(n=32).condition(data(5), rows(), layout=axes(), seed=0)
    with pytest.raises(
        ModelError, match="4 cells, the model 5, of which 1 are not among them: give all"
    ):
        model.update(data(4), rows(), seed=0)
    other = replace(data(), properties=("p1", "p0"))
    with pytest.raises(ModelError, match=r"properties \('p1', 'p0'\), the model \('p0', 'p1'\)"):
        model.update(other, rows(), seed=0)
    with pytest.raises(ModelError, match="fit it again with all cells"):
        linear(M, 2).condition(data(), rows(), layout=axes(), seed=0).update(data(), rows(), seed=0)

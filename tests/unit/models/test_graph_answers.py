"""What a conditioned graph answers: by all points where it is cheap, by kept ones where not."""

from __future__ import annotations

import pytest
import torch

from bayesmat.inference.grid import Grid
from bayesmat.models import graph_answers
from bayesmat.models.graph import PropertyGraph
from bayesmat.models.graph_answers import predicted_cells, shares
from bayesmat.models.graph_model import GraphModel
from tests.unit.models.helpers import axes, chain_graph, observations

X = torch.rand(10, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
CELLS = [(i, i % 2) for i in range(10)] + [(0, 1)]


@pytest.fixture(scope="module")
def model() -> GraphModel:
    y = torch.stack([torch.sin(3 * X[i, 0]) + j * X[i, 1] for i, j in CELLS])
    graph = PropertyGraph(chain_graph(2).nodes, Grid(n=64, n_particles=8))
    return graph.condition(observations(CELLS, y, 10, 2), X, layout=axes(), seed=0)


def test_all_points_answer_where_it_is_cheap(model: GraphModel) -> None:
    points = model.points
    assert points.weighting == "prior grid"
    assert points.standard is not None
    assert points.standard.shape == (64, len(points.values))
    assert float(points.log_weights.exp().sum()) == pytest.approx(1.0)
    assert model.left_out(torch.arange(11)).mean.shape == (64, 11)


def test_kept_points_answer_where_all_would_be_dear(
    model: GraphModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_answers, "AFFORDABLE", 1.0)
    assert model.points.weighting == "posterior"
    assert model.left_out(torch.arange(11)).mean.shape == (8, 11)
    assert torch.equal(model.points.standard, model.hyper_posterior.u)
    units = torch.arange(11) // 2
    known, anew = (
        model.left_out(units),
        predicted_cells(model.problem, model.hyper_posterior.u, units, None),
    )  # what is factorised already is not factorised again
    torch.testing.assert_close(known.cells.log_density, anew.cells.log_density)
    monkeypatch.setattr(graph_answers, "_CHUNK", 121 * 3)
    torch.testing.assert_close(model.left_out(units).mean, known.mean)


def test_replicates_have_the_posterior_mean_and_the_noise(model: GraphModel) -> None:
    """20,000 draws of one component: means within 5 standard errors (false alarm 1e-5)."""
    generator = torch.Generator().manual_seed(1)
    y = model.replicate(torch.zeros(20_000, dtype=torch.int64), generator)
    marginal = model.marginals(X)
    obs = model.observations
    mean = marginal.mean[0, obs.rows, obs.columns]
    sd = (marginal.variance[0, obs.rows, obs.columns]
          + model.inferred_noise_sd[0, obs.columns].square()).sqrt()  # fmt: skip
    z = (y.mean(0) - mean) / (sd / 20_000**0.5)
    assert float(z.abs().max()) < 5
    assert (y.std(0) / sd).tolist() == pytest.approx([1.0] * 11, abs=0.03)


def test_draws_are_labelled_by_kind(model: GraphModel) -> None:
    found = model.labelled()
    assert set(found.values) == {"noise", "weight", "rho"}
    assert found.values["noise"].shape == (8, 2)
    assert list(found.coords["edge"][1]) == ["p0 -> p1"]


def test_all_draws_are_the_weighed_points_resampled(
    model: GraphModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Systematic resampling: each point as often as its weight says, to the next whole number."""
    posterior = model.hyper_posterior
    found = model.complete().hyper_posterior.u
    times = (found[:, None] == posterior.points[None]).all(-1).sum(0)
    assert len(found) == 64
    assert float((times - 64 * posterior.log_weights.exp()).abs().max()) < 1
    monkeypatch.setattr(graph_answers, "_CHUNK", 1)
    assert model.complete() is model


def test_simulated_scores_are_correlated_as_left_out_errors_are(model: GraphModel) -> None:
    """40,000 draws: the mean of Q_ij / sqrt(Q_ii Q_jj) over the sets, within 6 standard errors."""
    z = model.simulated_scores(40_000, torch.Generator().manual_seed(0))
    Q = torch.cholesky_inverse(model.conditioned.chol)
    root = torch.diagonal(Q, dim1=-2, dim2=-1).rsqrt()
    expected = (root[:, :, None] * Q * root[:, None, :]).mean(0)
    assert z.shape == (40_000, 11)
    assert float((z.T @ z / len(z) - expected).abs().max()) < 6 * (2 / 40_000) ** 0.5


def test_shares_count_what_comes_through_a_measured_parent(model: GraphModel) -> None:
    """Of two nodes by hand: var f_1 = rho^2 var f_0 + var of its own part."""
    problem, hyper = model.problem, model.hyper
    found = shares(problem, hyper, 8)["p1"]

    def variance(r: int) -> torch.Tensor:
        gram = problem.joint.node_covariance(r, problem.pair, hyper)
        return torch.diagonal(gram, dim1=-2, dim2=-1).mean(-1) - gram.mean((-2, -1))

    through = hyper["p1: rho p0"].square() * variance(0)
    noise = hyper["p1: noise"].square()
    total = through + variance(1) + noise
    torch.testing.assert_close(found["p0"], through / total)
    torch.testing.assert_close(found["noise"], noise / total)
    torch.testing.assert_close(torch.stack(list(found.values())).sum(0), torch.ones(8).double())

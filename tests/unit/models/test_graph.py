"""The graph's posterior is dense Gaussian conditioning, whatever the graph and the holes."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bayesmat.data.table import Observations
from bayesmat.errors import ModelError
from bayesmat.features.base import Layout
from bayesmat.inference.grid import Grid
from bayesmat.models.base import layout_of
from bayesmat.models.computed import Computed
from bayesmat.models.explain import leave_one_out
from bayesmat.models.graph import Edge, Node, PropertyGraph
from bayesmat.models.kernels import Linear, Matern52, MinMax, Term
from bayesmat.models.transfer import Transfer

from .helpers import Coordinates, chain_graph, observations, space


def matern(a: Tensor, b: Tensor, ell: float) -> Tensor:
    r = math.sqrt(5) * torch.cdist(a, b) / ell
    return (1 + r + r**2 / 3) * torch.exp(-r)


def random_case(seed: int) -> tuple[PropertyGraph, Observations, Tensor, dict[str, float]]:
    g = torch.Generator().manual_seed(seed)
    n, m = 9, 3
    X = torch.rand(n, 2, generator=g, dtype=torch.float64)
    cells = [(i, p) for i in range(n) for p in range(m) if torch.rand(1, generator=g) < 0.5]
    y = torch.randn(len(cells), generator=g, dtype=torch.float64)
    graph = chain_graph(m)
    hyper = {
        name: float(0.2 + torch.rand(1, generator=g, dtype=torch.float64))
        for name in graph.hyper_priors().names
    }
    return graph, observations(cells, y, n, m), X, hyper


def reference(
    obs: Observations, X: Tensor, X_new: Tensor, hyper: dict[str, float]
) -> tuple[Tensor, Tensor]:
    """Joint covariance of every cell written out by the generative recursion, then conditioned."""
    seen = X[torch.unique(obs.rows)]
    ell = 2.0 * float(torch.pdist(seen).median())
    centre = seen.mean(0)
    scale = float((seen - centre).square().sum(-1).mean())
    Z = torch.cat([X, X_new])
    n, m = len(Z), 3
    full = torch.zeros(m, n, m, n, dtype=torch.float64)
    for p in range(m):
        w_m = hyper[f"p{p}: w Matern-5/2(coordinates)"]
        w_l = hyper[f"p{p}: w linear(coordinates)"]
        own = w_m**2 * matern(Z, Z, ell) + w_l**2 * (Z - centre) @ (Z - centre).T / scale + 0.49
        rho = [hyper[f"p{p}: rho p{q}"] for q in range(p)]
        for q in range(p):  # cov(f_p, f_q) = sum_r rho_r cov(f_r, f_q)
            cross = sum(rho[r] * full[r, :, q, :] for r in range(p))
            full[p, :, q, :], full[q, :, p, :] = cross, cross.T
        full[p, :, p, :] = own + sum(
            rho[r] * rho[s] * full[r, :, s, :] for r in range(p) for s in range(p)
        )
    flat = full.reshape(m * n, m * n)
    measured = obs.columns * n + obs.rows
    new = torch.tensor([p * n + len(X) + i for i in range(len(X_new)) for p in range(m)])
    noise = torch.tensor([hyper[f"p{p}: noise"] ** 2 for p in range(m)])[obs.columns]
    noise = torch.where(torch.isnan(obs.yvar), noise, obs.yvar)
    K = flat[measured][:, measured] + torch.diag(noise)
    cross = flat[new][:, measured]
    mean = cross @ torch.linalg.solve(K, obs.y)
    cov = flat[new][:, new] - cross @ torch.linalg.solve(K, cross.T)
    return mean, cov


@pytest.mark.parametrize("seed", range(8))
def test_posterior_is_dense_conditioning_for_any_pattern_of_holes(seed: int) -> None:
    graph, obs, X, hyper = random_case(seed)
    X_new = torch.rand(4, 2, generator=torch.Generator().manual_seed(99), dtype=torch.float64)
    mean, cov = reference(obs, X, X_new, hyper)
    posterior = graph.condition_at(obs, X, hyper, layout=layout_of(graph)).posterior(X_new)
    assert torch.allclose(posterior.mean.reshape(-1), mean, atol=1e-8)
    got = posterior.distribution.covariance_matrix
    assert torch.allclose(got, cov, atol=1e-7)


def test_marginals_are_the_diagonal_of_the_posterior() -> None:
    graph, obs, X, hyper = random_case(3)
    model = graph.condition_at(obs, X, hyper, layout=layout_of(graph))
    marginals, posterior = model.marginals(X, chunk=4), model.posterior(X[:, None, :])
    assert torch.allclose(marginals.mean[0], posterior.mean[:, 0], atol=1e-9)
    assert torch.allclose(marginals.variance[0], posterior.variance[:, 0], atol=1e-7)


def test_known_variances_replace_the_inferred_noise() -> None:
    graph, obs, X, hyper = random_case(5)
    known = Observations(
        obs.rows, obs.columns, obs.y, torch.full_like(obs.y, 0.3), obs.n_rows, obs.properties
    )
    X_new = X[:2] + 0.05
    mean, _cov = reference(known, X, X_new, hyper)
    model = graph.condition_at(known, X, hyper, layout=layout_of(graph))
    assert torch.allclose(model.posterior(X_new).mean.reshape(-1), mean, atol=1e-8)


def test_nested_cokriging_is_le_gratiet_recursion() -> None:
    """Two GPs in turn equal the joint posterior when the dear points are among the cheap ones."""
    X = torch.linspace(0, 1, 8, dtype=torch.float64)[torch.tensor([0, 7, 2, 5, 3, 1, 4, 6]), None]
    low, high = torch.sin(6 * X[:, 0]), 1.5 * torch.sin(6 * X[:5, 0]) + 0.3 * X[:5, 0]
    cells = [(i, 0) for i in range(8)] + [(i, 1) for i in range(5)]
    features = space(1)
    term = (Term(Matern52(factor=1.0), features, "smooth"),)
    graph = PropertyGraph((
        Node("p0", term, mean_sd=0.0),
        Node("p1", term, (Edge("p0"),), mean_sd=0.0),
    ))  # fmt: skip
    rho, w0, w1, tiny = 1.4, 1.1, 0.6, 1e-12
    hyper = {
        "p0: w Matern-5/2(coordinates)": w0, "p0: noise": tiny,
        "p1: w Matern-5/2(coordinates)": w1, "p1: noise": tiny, "p1: rho p0": rho,
    }  # fmt: skip
    obs = observations(cells, torch.cat([low, high]), 8, 2)
    X_new = torch.linspace(0, 1, 7, dtype=torch.float64)[:, None]
    posterior = graph.condition_at(obs, X, hyper, layout=layout_of(graph)).posterior(X_new)

    ell = float(torch.pdist(X).median())

    def krige(A: Tensor, r: Tensor, w: float) -> tuple[Tensor, Tensor]:
        K = w**2 * matern(A, A, ell)
        k = w**2 * matern(X_new, A, ell)
        return k @ torch.linalg.solve(K, r), w**2 - (k * torch.linalg.solve(K, k.T).T).sum(-1)

    mean0, var0 = krige(X, low, w0)
    mean_d, var_d = krige(X[:5], high - rho * low[:5], w1)
    # Le Gratiet and Garnier 2014: mean = rho m_0 + m_d, variance = rho^2 v_0 + v_d.
    assert torch.allclose(posterior.mean[:, 1], rho * mean0 + mean_d, atol=1e-8)
    assert torch.allclose(posterior.variance[:, 1], rho**2 * var0 + var_d, atol=1e-8)


def test_mixture_moments_are_hand_computed_averages() -> None:
    graph, obs, X, _ = random_case(2)
    model = PropertyGraph(graph.nodes, Grid(n=256, n_particles=5)).condition(
        obs, X, layout=layout_of(graph), seed=1
    )
    X_new = X[:3] + 0.1
    posterior = model.posterior(X_new)
    assert posterior.mean.shape == (5, 3, 3)
    single = []
    for s in range(5):
        hyper = {name: float(v[s]) for name, v in model.hyper.items()}
        single.append(graph.condition_at(obs, X, hyper, layout=layout_of(graph)).posterior(X_new))
    means = torch.stack([p.mean for p in single])
    variances = torch.stack([p.variance for p in single])
    assert torch.allclose(posterior.mixture_mean, means.mean(0), atol=1e-8)
    total = (variances + means**2).mean(0) - means.mean(0) ** 2
    assert torch.allclose(posterior.mixture_variance, total, atol=1e-8)
    marginals = model.marginals(X_new)
    assert torch.allclose(marginals.mixture_mean, means.mean(0), atol=1e-8)


def test_batch_shapes_follow_botorch() -> None:
    graph, obs, X, hyper = random_case(1)
    model = PropertyGraph(graph.nodes, Grid(n=128, n_particles=4)).condition(
        obs, X, layout=layout_of(graph), seed=0
    )
    X_new = torch.rand(6, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert model.posterior(X_new).mean.shape == (6, 4, 2, 3)
    assert model.posterior(X_new, output_indices=[2]).mean.shape == (6, 4, 2, 1)
    alone = model.posterior(X_new[4]).mean
    assert torch.allclose(model.posterior(X_new).mean[4], alone, atol=1e-10)
    assert graph.condition_at(obs, X, hyper, layout=layout_of(graph)).posterior(
        X_new
    ).mean.shape == (6, 2, 3)


def test_leave_one_out_is_refitting_without_the_cell() -> None:
    graph, obs, X, hyper = random_case(6)
    model = graph.condition_at(obs, X, hyper, layout=layout_of(graph))
    loo = leave_one_out(model, None)
    seen = torch.unique(obs.rows)
    for i in range(0, len(obs.y), 3):
        keep = torch.arange(len(obs.y)) != i
        if len(torch.unique(obs.rows[keep])) < len(seen):
            continue  # scales are read off the measured rows, so the row must stay
        less = Observations(
            obs.rows[keep], obs.columns[keep], obs.y[keep], obs.yvar[keep], obs.n_rows,
            obs.properties,
        )  # fmt: skip
        p = graph.condition_at(less, X, hyper, layout=layout_of(graph)).posterior(
            X[obs.rows[i]][None], observation_noise=True
        )
        column = int(obs.columns[i])
        normal = torch.distributions.Normal(p.mean[0, column], p.variance[0, column].sqrt())
        assert float(loo.log_density[i]) == pytest.approx(
            float(normal.log_prob(obs.y[i])), abs=1e-5
        )
        assert float(loo.cdf[i]) == pytest.approx(float(normal.cdf(obs.y[i])), abs=1e-5)


def test_bad_graphs_say_what_is_wrong() -> None:
    term = (Term(Linear(), space(), "line"),)
    with pytest.raises(ModelError, match=r"cycle"):
        PropertyGraph((Node("a", term, (Edge("b"),)), Node("b", term, (Edge("a"),))))
    with pytest.raises(ModelError, match=r"names the parent 'c', which is not a node"):
        PropertyGraph((Node("a", term, (Edge("c"),)),))
    with pytest.raises(ModelError, match=r"same term twice"):
        PropertyGraph((Node("a", term + term),))
    with pytest.raises(ModelError, match=r"distinct properties"):
        PropertyGraph((Node("a", term), Node("a", term)))
    with pytest.raises(ModelError, match=r"a node takes one"):
        Transfer("gap", parents=(Computed("gap_huckel"), Computed("gap_huckel")))


def test_missing_hyper_parameters_are_named() -> None:
    graph, obs, X, hyper = random_case(0)
    hyper.pop("p1: rho p0")
    with pytest.raises(ModelError, match=r"missing \['p1: rho p0'\]"):
        graph.condition_at(obs, X, hyper, layout=layout_of(graph))


def test_digest_changes_with_configuration_only() -> None:
    node = Node("a", (Term(MinMax(), space(), "fingerprints"),))
    same = Node("a", (Term(MinMax(), space(), "fingerprints"),))
    other = Node("a", (Term(MinMax(), space(), "fingerprints", weight=0.5),))
    assert PropertyGraph((node,)).digest() == PropertyGraph((same,)).digest()
    assert PropertyGraph((node,)).digest() != PropertyGraph((other,)).digest()


def test_columns_must_be_those_of_the_layout() -> None:
    graph, obs, X, hyper = random_case(0)
    wider = torch.cat([X, torch.ones(len(X), 1, dtype=torch.float64)], 1)
    with pytest.raises(ModelError, match="X has 3 columns, its layout 2"):
        graph.condition_at(obs, wider, hyper, layout=layout_of(graph))


class Other(Coordinates):
    """As many columns as the coordinates, under another name."""

    @property
    def id(self) -> str:
        return "other"


def test_columns_are_where_the_layout_says() -> None:
    """A block of the same width before the graph's own is not taken for it."""
    graph, obs, X, hyper = random_case(0)
    own = graph.condition_at(obs, X, hyper, layout=layout_of(graph)).marginals(X)
    shared = Layout((Other(), Coordinates(2)))
    wide = torch.cat([torch.ones(len(X), 2, dtype=torch.float64), X], 1)
    found = graph.condition_at(obs, wide, hyper, layout=shared).marginals(wide)
    assert torch.equal(found.mean, own.mean)
    with pytest.raises(ModelError, match="the layout has no columns of"):
        graph.condition_at(obs, X, hyper, layout=Layout((Other(),)))


@pytest.mark.parametrize("n_particles", [1, 8])
@pytest.mark.parametrize("m", [1, 2])
def test_look_alikes_have_a_joint_covariance_with_a_factor(m: int, n_particles: int) -> None:
    """Duplicates, near-duplicates, rows measured almost exactly; 170 descriptors."""
    g = torch.Generator().manual_seed(0)
    d, n = 170, 10
    X = torch.randn(n, d, generator=g, dtype=torch.float64)
    cells = [(i, p) for i in range(n) for p in range(m)]
    y = torch.randn(len(cells), generator=g, dtype=torch.float64)
    obs = replace(observations(cells, y, n, m), yvar=torch.full_like(y, 1e-14))
    graph = chain_graph(m, d)
    graph = PropertyGraph(graph.nodes, Grid(n=64, n_particles=n_particles))
    model = graph.condition(obs, X, layout=layout_of(graph), seed=0)
    new = torch.randn(40, d, generator=g, dtype=torch.float64)
    pool = torch.cat(
        [X, new, new, new + 1e-9 * torch.randn(40, d, generator=g, dtype=torch.float64)]
    )
    posterior = model.posterior(pool)
    covariance = posterior.distribution.covariance_matrix
    assert int(torch.linalg.cholesky_ex(covariance).info.max()) == 0
    sample = posterior.rsample(torch.Size([4]))
    assert torch.isfinite(sample).all()


def test_rows_that_cannot_be_predicted_are_named() -> None:
    graph, obs, X, hyper = random_case(0)
    model = graph.condition_at(obs, X, hyper, layout=layout_of(graph))
    bad = X.clone()
    bad[3, 0] = torch.nan
    with pytest.raises(ModelError, match=r"rows \[3\] is not finite"):
        model.posterior(bad)


def test_noise_of_your_own_is_added_to_a_posterior() -> None:
    graph, obs, X, hyper = random_case(1)
    model = graph.condition_at(obs, X, hyper, layout=layout_of(graph))
    plain = model.posterior(X)
    given = torch.full((len(X), 3), 0.25).double()
    noisy = model.posterior(X, observation_noise=given)
    torch.testing.assert_close(noisy.variance, plain.variance + 0.25)

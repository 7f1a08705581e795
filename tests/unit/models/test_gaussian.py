"""The log density of many Gaussians at once, and its gradient in closed form."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from bayesmat.models.gaussian import LogMarginal, cholesky
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.kernels import ARD, Linear, Matern52, Term
from tests.unit.models.helpers import axes, chain_graph, observations, space


def random(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def covariance(a: Tensor) -> Tensor:
    return a @ a.transpose(-1, -2) + 0.5 * torch.eye(a.shape[-1], dtype=torch.float64)


def test_value_and_gradients_are_those_of_torch_s_own_distribution() -> None:
    a, r = random(3, 5, 5).requires_grad_(), random(3, 5, seed=1).requires_grad_()
    ours = LogMarginal.apply(covariance(a), r)
    theirs = MultivariateNormal(torch.zeros(5).double(), covariance(a)).log_prob(r)
    assert torch.allclose(ours, theirs)
    weight = torch.tensor([1.0, -2.0, 0.5]).double()
    for x, y in zip(
        torch.autograd.grad((weight * ours).sum(), (a, r)),
        torch.autograd.grad((weight * theirs).sum(), (a, r)),
        strict=True,
    ):
        assert torch.allclose(x, y, rtol=1e-9, atol=1e-10)


def test_gradients_are_finite_differences() -> None:
    a, r = random(2, 4, 4).requires_grad_(), random(2, 4, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, y: LogMarginal.apply(covariance(x), y), (a, r))


def test_a_matrix_that_is_no_covariance_is_impossible_and_has_no_gradient() -> None:
    good = covariance(random(2, 2))
    bad = torch.tensor([[1.0, 2.0], [2.0, 1.0]]).double()
    k = torch.stack([good, bad]).requires_grad_()
    r = torch.ones(2, 2).double().requires_grad_()
    value = LogMarginal.apply(k, r)
    assert value.isfinite().tolist() == [True, False]
    assert value.tolist()[1] == -math.inf
    of_k, of_r = torch.autograd.grad(value.sum(), (k, r))
    assert torch.isfinite(of_k).all()
    assert of_k[0].abs().sum() > 0
    assert (of_k[1] == 0).all()
    assert (of_r[1] == 0).all()


def test_second_derivatives_are_refused_rather_than_wrong() -> None:
    r = torch.ones(1, 2).double().requires_grad_()
    value = LogMarginal.apply(torch.eye(2).double()[None].requires_grad_(), r)
    (first,) = torch.autograd.grad(value.exp().sum(), r, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_a_singular_covariance_is_jittered_and_others_are_not() -> None:
    exact = covariance(random(3, 3))
    singular = torch.ones(3, 3).double()
    factors = cholesky(torch.stack([exact, singular]))
    assert torch.equal(factors[0], torch.linalg.cholesky(exact))
    assert torch.allclose(factors[1] @ factors[1].T, singular, atol=1e-5)


def graphs() -> dict[str, tuple[PropertyGraph, list[tuple[int, int]]]]:
    holes = [(0, 0), (1, 0), (1, 1), (2, 1), (3, 0), (3, 1), (3, 2), (4, 2)]
    terms = (Term(ARD(), space(), "smooth"), Term(Linear(), space(), "line"))
    stretched = (Term(Matern52(ell_sd=0.5), space(), "smooth"),)
    column = [(i, 0) for i in range(5)]
    return {
        "chain with holes": (chain_graph(3), holes),
        "ARD": (PropertyGraph((Node("p0", terms),)), column),
        "one lengthscale": (PropertyGraph((Node("p0", stretched),)), column),
    }


@pytest.mark.parametrize("name", graphs())
def test_the_marginal_likelihood_of_a_graph_is_differentiated_rightly(name: str) -> None:
    """Two rows coincide, where distances have no derivative but the kernel has."""
    graph, cells = graphs()[name]
    X = torch.rand(5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    X[1] = X[0]
    obs = observations(cells, random(len(cells)), 5, len(graph.nodes))
    problem = graph._problem(obs, X, axes())
    u = 0.5 * random(3, len(problem.priors.names), seed=2)
    assert torch.autograd.gradcheck(problem.log_marginal, (u.requires_grad_(),), rtol=1e-5)

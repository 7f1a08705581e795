"""Acquisition values are hand-computed averages over the mixture, and follow BoTorch's shapes."""

from __future__ import annotations

import math

import pytest
import torch
from botorch.acquisition import AcquisitionFunction
from torch import Tensor
from torch.distributions import Normal

from bayesmat.explore.acquisition import (
    ExpectedDistance,
    RegionProbability,
    SpacierValue,
    expected_squared_distance,
)
from bayesmat.explore.region import Region
from bayesmat.inference.grid import Grid
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.graph_model import GraphModel
from bayesmat.models.kernels import Matern52, Term
from bayesmat.models.marginals import Marginals
from tests.unit.models.helpers import axes, observations, space


def region(lower: float, upper: float) -> Region:
    return Region(torch.tensor([lower]).double(), torch.tensor([upper]).double())


def fitted_model(n_particles: int = 6) -> tuple[GraphModel, Tensor]:
    g = torch.Generator().manual_seed(0)
    X = torch.rand(8, 2, generator=g, dtype=torch.float64)
    y = torch.sin(4 * X.sum(1))
    node = Node("p0", (Term(Matern52(), space(), "smooth"),))
    graph = PropertyGraph((node,), Grid(n=128, n_particles=n_particles))
    model = graph.condition(
        observations([(i, 0) for i in range(8)], y, 8, 1), X, layout=axes(), seed=0
    )
    return model, torch.rand(5, 1, 2, generator=g, dtype=torch.float64)


def components(model: GraphModel, X: Tensor) -> tuple[Tensor, Tensor]:
    posterior = model.posterior(X)
    variance = posterior.variance[..., 0, 0] + model.noise_sd[:, 0].square()
    return posterior.mean[..., 0, 0], variance.sqrt()


@pytest.mark.parametrize("n_particles", [1, 6])
def test_region_probability_is_the_average_over_components(n_particles: int) -> None:
    model, X = fitted_model(n_particles)
    value = RegionProbability(model, region(0.3, 0.8))(X)
    mean, sd = components(model, X)
    normal = Normal(mean, sd)
    by_hand = normal.cdf(torch.tensor(0.8)) - normal.cdf(torch.tensor(0.3))
    expected = by_hand.mean(-1) if n_particles > 1 else by_hand
    assert value.shape == (5,)
    assert torch.allclose(value.exp(), expected, atol=1e-9)


def test_expected_distance_agrees_with_quadrature() -> None:
    model, X = fitted_model()
    value = ExpectedDistance(model, region(0.3, 0.8))(X)
    mean, sd = components(model, X)
    z = torch.linspace(-9, 9, 20001, dtype=torch.float64)
    y = mean[..., None] + sd[..., None] * z
    distance = (0.3 - y).clamp(min=0) + (y - 0.8).clamp(min=0)
    density = torch.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    by_hand = torch.trapezoid(distance**2 * density, z, dim=-1).mean(-1)
    assert torch.allclose(-value, by_hand, atol=1e-6)


def test_spacier_value_literal_and_expected_by_hand() -> None:
    model, X = fitted_model()
    target = torch.tensor([0.5]).double()
    u = region(1.0, 2.0)
    mean, sd = components(model, X)
    latent = (sd**2 - model.noise_sd[:, 0] ** 2).sqrt()
    mixture = mean.mean(-1)
    sigma = (latent.square().mean(-1) + mean.var(-1, unbiased=False)).sqrt()
    literal = SpacierValue(model, u, target, sigma_weight=0.7, distance_weight=2.0)(X)
    assert torch.allclose(literal, -((mixture - 0.5) ** 2) - 0.7 * sigma - 2.0 * 0.25, atol=1e-8)
    expected = SpacierValue(model, u, target, expected=True)(X)
    by_hand = -((mean - 0.5) ** 2 + sd**2).mean(-1) - 0.25
    assert torch.allclose(expected, by_hand, atol=1e-8)


def test_expected_loss_is_bias_plus_variance() -> None:
    """E|Y* - f|^2 = |Y* - mu|^2 + sigma^2 for a region shrunk to a point and one Gaussian."""
    marginals = Marginals(
        torch.tensor([[[0.4]]]).double(), torch.tensor([[[0.09]]]).double(), torch.zeros(1, 1)
    )
    point = region(1.0 - 1e-9, 1.0 + 1e-9)
    assert float(expected_squared_distance(marginals, point)) == pytest.approx(
        0.36 + 0.09, abs=1e-6
    )


def test_open_regions_have_one_side() -> None:
    marginals = Marginals(
        torch.zeros(1, 1, 1).double(), torch.ones(1, 1, 1).double(), torch.zeros(1, 1)
    )
    open_above = Region(torch.zeros(1).double(), torch.full((1,), math.inf).double())
    assert float(expected_squared_distance(marginals, open_above)) == pytest.approx(0.5)


def test_acquisitions_are_botorch_acquisitions_with_gradients() -> None:
    model, X = fitted_model()
    for acquisition in (
        RegionProbability(model, region(0.3, 0.8)),
        ExpectedDistance(model, region(0.3, 0.8)),
        SpacierValue(model, region(0.3, 0.8), torch.tensor([0.5]).double()),
    ):
        assert isinstance(acquisition, AcquisitionFunction)
        x = X.clone().requires_grad_(True)
        acquisition(x).sum().backward()
        assert x.grad is not None
        assert torch.isfinite(x.grad).all()
        with pytest.raises(AssertionError, match="q=1"):
            acquisition(X.transpose(0, 1))

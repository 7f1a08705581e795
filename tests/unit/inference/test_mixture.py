"""The proposal: its density is that of its draws, and adaptation moves it to the weight."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, StudentT

from bayesmat.inference.mixture import Mixture
from bayesmat.inference.modes import Mode

M = torch.tensor([[2.0], [-1.0]]).double()
C = torch.tensor([[[0.5]], [[0.2]]]).double()
SHARES = torch.tensor([0.2, 0.5, 0.3]).double()


def test_one_dimensional_density_is_the_textbook_sum() -> None:
    u = torch.linspace(-4, 4, 41).double()[:, None]
    mixture = Mixture(SHARES, M, C)
    parts = [MultivariateNormal(torch.zeros(1).double(), torch.eye(1).double()).log_prob(u)]
    parts += [StudentT(5.0, m, c[0]).log_prob(u).squeeze(-1) for m, c in zip(M, C, strict=True)]
    expected = torch.logsumexp(torch.stack(parts, -1) + SHARES.log(), -1)
    assert torch.allclose(mixture.log_density(u), expected, rtol=1e-12, atol=1e-12)


def test_draws_follow_the_density() -> None:
    """E_q[N(u; 0, I)/q(u)] = 1, and component shares; 2^14 even draws are within 1 %."""
    mixture = Mixture(SHARES, M, C)
    u = mixture.draw(2**14, seed=3)
    prior = MultivariateNormal(torch.zeros(1).double(), torch.eye(1).double()).log_prob(u)
    ratio = (prior - mixture.log_density(u)).exp()
    assert float(ratio.mean()) == pytest.approx(1.0, abs=0.01)
    high = (u[:, 0] > 1.0).double().mean()
    student = StudentT(5.0)
    grid = torch.linspace(1.0, 60.0, 200_001).double()
    inside = torch.trapezoid(student.log_prob((grid - 2.0) / 0.5).exp() / 0.5, grid)
    other = torch.trapezoid(student.log_prob((grid + 1.0) / 0.2).exp() / 0.2, grid)
    tail = 0.5 * math.erfc(1 / math.sqrt(2))
    assert float(high) == pytest.approx(float(0.2 * tail + 0.5 * inside + 0.3 * other), abs=0.005)


def test_adaptation_takes_the_moments_of_the_weight() -> None:
    start = Mixture(
        torch.tensor([0.1, 0.9]).double(), torch.zeros(1, 2).double(), torch.eye(2)[None].double()
    )
    generator = torch.Generator().manual_seed(0)
    factor = torch.tensor([[0.3, 0.0], [0.2, 0.1]]).double()
    centre = torch.tensor([1.0, -0.5]).double()
    u = centre + torch.randn(4000, 2, generator=generator, dtype=torch.float64) @ factor.T
    found = start.adapted(u, torch.full((4000,), 1 / 4000).double(), 0.1)
    assert torch.allclose(found.means[0], centre, atol=0.03)
    covariance = found.factors[0] @ found.factors[0].T * 5 / 3  # of a t with five degrees
    assert torch.allclose(covariance, factor @ factor.T, atol=0.01)
    assert float(found.shares.sum()) == pytest.approx(1.0)
    assert float(found.shares[0]) == pytest.approx(0.1)


def test_a_component_without_weight_stays_where_it_was() -> None:
    start = Mixture(SHARES, torch.tensor([[0.0], [50.0]]).double(), C)
    u = torch.randn(200, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = start.adapted(u, torch.full((200,), 1 / 200).double(), 0.2)
    assert float(found.means[1]) == pytest.approx(50.0, abs=2.0)


def test_a_joined_mode_takes_its_share() -> None:
    mode = Mode(torch.tensor([7.0]).double(), 0.0, torch.eye(1).double())
    joined = Mixture(SHARES, M, C).joined(mode, 0.25)
    assert joined.shares.tolist() == pytest.approx([0.15, 0.375, 0.225, 0.25])
    assert joined.means[-1].tolist() == [7.0]


def test_a_supplement_stands_where_too_little_was_drawn() -> None:
    """All weight is on an arm that the component at 0 hardly reaches."""
    start = Mixture(
        torch.tensor([0.1, 0.9]).double(),
        torch.zeros(1, 2).double(),
        0.2 * torch.eye(2)[None].double(),
    )
    u = torch.linspace(-3, 3, 601).double()[:, None] * torch.tensor([[1.0, 0.0]]).double()
    weights = torch.softmax(-0.5 * ((u[:, 0] - 2.0) / 0.1).square(), 0)
    found = start.supplemented(u, weights, 0.25)
    assert found.shares.tolist() == pytest.approx([0.075, 0.675, 0.25])
    assert float(found.means[-1, 0]) == pytest.approx(2.0, abs=0.01)
    assert float(found.factors[-1, 0, 0]) < 0.3
    assert bool((found.log_density(u[500:501]) > start.log_density(u[500:501])).all())

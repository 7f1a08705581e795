"""A conjugate Gaussian has a closed-form evidence and posterior: both integrators must find them.

Prior u ~ N(0, I_3), data y = A u + e with e ~ N(0, s^2 I): log p(y) and the posterior are known.
False alarm rate of this file: below 1e-4 in all (4 standard errors of each Monte Carlo mean).
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from bayesmat.errors import InferenceError
from bayesmat.inference.grid import Grid, SMCIntegrator
from bayesmat.inference.moves import Points, RandomWalk, standard_normal
from bayesmat.inference.smc import (
    Tempering,
    effective_sample_size,
    next_temperature,
    systematic_resample,
    tempered_smc,
)

A = torch.tensor([[1.0, 0.5, 0.0], [0.0, 1.0, -0.7], [0.3, 0.0, 1.0], [1.0, 1.0, 1.0]]).double()
Y = torch.tensor([1.2, -0.4, 0.8, 1.9]).double()
NOISE = 0.3


def log_likelihood(u: Tensor) -> Tensor:
    z = (Y - u @ A.T) / NOISE
    return (-0.5 * z**2 - math.log(NOISE) - 0.5 * math.log(2 * math.pi)).sum(-1)


def truth() -> tuple[float, Tensor, Tensor]:
    marginal = MultivariateNormal(torch.zeros(4).double(), A @ A.T + NOISE**2 * torch.eye(4))
    precision = torch.eye(3) + A.T @ A / NOISE**2
    covariance = torch.linalg.inv(precision)
    return float(marginal.log_prob(Y)), covariance @ A.T @ Y / NOISE**2, covariance


def test_smc_finds_evidence_and_moments_of_a_conjugate_gaussian() -> None:
    log_z, mean, covariance = truth()
    runs = [SMCIntegrator(n=512, final_sweeps=4)(log_likelihood, 3, seed=s) for s in range(12)]
    z = torch.tensor([r.report.log_evidence for r in runs])
    assert abs(float(z.mean()) - log_z) < 4 * float(z.std()) / math.sqrt(12) + 0.02
    assert float(z.std()) < 0.25
    means = torch.stack([r.points.mean(0) for r in runs])
    error = means.mean(0) - mean
    assert (error.abs() < 4 * means.std(0) / math.sqrt(12)).all()
    spread = torch.stack([torch.cov(r.points.T) for r in runs]).mean(0)
    assert torch.allclose(spread, covariance, atol=0.012)


def test_frozen_ladder_gives_an_unbiased_evidence() -> None:
    """E[exp(log Z hat)] = Z exactly for a frozen ladder: mean of 100 small runs within 4 se."""
    log_z, _, _ = truth()
    first = SMCIntegrator(n=128)(log_likelihood, 3, seed=100)
    ladder = [stage.beta for stage in first.stages]
    ratios = []
    for seed in range(100):
        g = torch.Generator().manual_seed(seed)
        u = torch.randn(128, 3, generator=g, dtype=torch.float64)
        target = standard_normal(log_likelihood)
        points, start = RandomWalk().start(target, u)
        run = tempered_smc(
            points, start, RandomWalk().on(target), Points.take,
            seed=10_000 + seed, tempering=Tempering(sweeps=2, final_sweeps=0, ladder=tuple(ladder)),
        )  # fmt: skip
        ratios.append(math.exp(run.log_evidence - log_z))
    values = torch.tensor(ratios)
    assert abs(float(values.mean()) - 1) < 4 * float(values.std()) / math.sqrt(100)


def test_grid_finds_evidence_and_moments() -> None:
    log_z, mean, _covariance = truth()
    posterior = Grid(n=2**14, n_particles=400)(log_likelihood, 3, seed=0)
    assert posterior.report.log_evidence == pytest.approx(log_z, abs=0.06)
    weights = posterior.log_weights.exp()
    assert torch.allclose(weights @ posterior.points, mean, atol=0.02)
    assert torch.allclose(posterior.u.mean(0), mean, atol=0.06)
    assert 50 < posterior.report.min_ess < 2000


def test_same_seed_same_particles_and_global_rng_untouched() -> None:
    state = torch.random.get_rng_state()
    one = SMCIntegrator(n=64)(log_likelihood, 3, seed=5)
    two = SMCIntegrator(n=64)(log_likelihood, 3, seed=5)
    other = SMCIntegrator(n=64)(log_likelihood, 3, seed=6)
    assert torch.equal(one.u, two.u)
    assert not torch.equal(one.u, other.u)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_effective_sample_size_of_known_weights() -> None:
    assert effective_sample_size(torch.log(torch.tensor([0.5, 0.5, 0.0, 0.0]))) == pytest.approx(2)


def test_next_temperature_hits_the_target_or_one() -> None:
    log_l = torch.linspace(-50, 0, 100, dtype=torch.float64)
    beta = next_temperature(log_l, 0.0, 50)
    assert effective_sample_size(beta * log_l) == pytest.approx(50, rel=1e-3)
    assert next_temperature(0.01 * log_l, 0.0, 50) == 1.0


def test_systematic_resample_copies_floor_or_ceil() -> None:
    weights = torch.tensor([0.05, 0.45, 0.3, 0.2, 0.0], dtype=torch.float64)
    for seed in range(20):
        index = systematic_resample(weights.log(), torch.Generator().manual_seed(seed))
        copies = torch.bincount(index, minlength=5)
        assert ((copies - 5 * weights).abs() < 1).all()


def test_impossible_starts_are_refused_with_advice() -> None:
    target = standard_normal(log_likelihood)
    u, _ = RandomWalk().start(target, torch.zeros(4, 3).double())
    walk = RandomWalk().on(target)
    with pytest.raises(InferenceError, match="Every particle has likelihood zero"):
        tempered_smc(u, torch.full((4,), -math.inf), walk, Points.take, seed=0)
    with pytest.raises(InferenceError, match=r"particles \[1\] is NaN"):
        tempered_smc(u, torch.tensor([0.0, math.nan, 0.0, 0.0]), walk, Points.take, seed=0)
    with pytest.raises(InferenceError, match="must rise and end at 1"):
        Tempering(ladder=(0.5,))

"""Moves leave the tempered posterior as it is, and say what they cost.

False alarm rate of this file: below 2e-3 (15 Kolmogorov-Smirnov tests at 1e-4).
"""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.distributions import Normal

from bayesmat.inference.moves import HMC, MALA, MoveRule, Points, RandomWalk, evaluate, metric
from tests.unit.inference.targets import Correlated, Curved

MOVES: dict[str, MoveRule] = {
    "walk": RandomWalk(),
    "hmc": HMC(),
    "mala": MALA(),
}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("shape", [Curved(), Correlated()], ids=["curved", "correlated"])
def test_exact_draws_stay_exact_draws(shape: Curved | Correlated, move: str) -> None:
    """The density is split into a prior and a likelihood so that prior * L**beta is the target."""
    beta = 0.37

    def target(u: Tensor) -> tuple[Tensor, Tensor]:
        log_prior = Normal(1.0, 3.0).log_prob(u).sum(-1)
        return log_prior, (shape.log_density(u) - log_prior) / beta

    generator = torch.Generator().manual_seed(1)
    z = torch.randn(3000, shape.d, generator=generator, dtype=torch.float64)
    start = shape.draws(z)
    points, log_likelihood = MOVES[move].start(target, start)
    step = MOVES[move].on(target)
    for _ in range(15):
        points, log_likelihood, rate = step(points, log_likelihood, beta, generator)
    assert 0.1 < rate < 0.95
    log_prior, again = target(points.u)
    assert torch.allclose(again, log_likelihood)
    assert torch.allclose(log_prior, points.log_prior)
    standard = shape.standard(points.u)
    for i in range(shape.d):
        assert stats.kstest(standard[:, i].numpy(), "norm").pvalue > 1e-4
    moved = (points.u - start).square().mean(0) / start.var(0)
    assert (moved > 0.3).all()


@pytest.mark.parametrize("move", MOVES)
def test_moves_carry_a_displaced_population_to_the_target(move: str) -> None:
    def target(u: Tensor) -> tuple[Tensor, Tensor]:
        return Normal(0.0, 1.0).log_prob(u).sum(-1), Normal(2.0, 1.0).log_prob(u).sum(-1)

    generator = torch.Generator().manual_seed(2)
    u = torch.randn(1000, 2, generator=generator, dtype=torch.float64) - 3
    points, log_likelihood = MOVES[move].start(target, u)
    step = MOVES[move].on(target)
    for _ in range(60):
        points, log_likelihood, _ = step(points, log_likelihood, 1.0, generator)
    assert points.u.mean(0).tolist() == pytest.approx([1.0, 1.0], abs=0.12)
    assert points.u.std(0).tolist() == pytest.approx([0.5**0.5] * 2, abs=0.09)


def test_the_step_adapts_to_the_acceptance_that_is_asked() -> None:
    def target(u: Tensor) -> tuple[Tensor, Tensor]:
        return Normal(0.0, 1.0).log_prob(u).sum(-1), torch.zeros(len(u))

    generator = torch.Generator().manual_seed(0)
    u = torch.randn(500, 20, generator=generator, dtype=torch.float64)
    for accept in (0.6, 0.9):
        rule = HMC(leapfrogs=3, target_accept=accept)
        points, log_likelihood = rule.start(target, u)
        rates = []
        for _ in range(40):
            points, log_likelihood, rate = rule.on(target)(points, log_likelihood, 1.0, generator)
            rates.append(rate)
        assert sum(rates[20:]) / 20 == pytest.approx(accept, abs=0.04)
        assert rule.cost == 3


def test_impossible_proposals_are_refused() -> None:
    """The likelihood is NaN below 0, -inf above 2: particles stay between."""

    def target(u: Tensor) -> tuple[Tensor, Tensor]:
        x = u[:, 0]
        inside = torch.where(x > 2, -math.inf, 0.0)
        return Normal(0.0, 2.0).log_prob(x), torch.where(x < 0, math.nan, inside)

    generator = torch.Generator().manual_seed(0)
    u = torch.rand(400, 1, generator=generator, dtype=torch.float64) + 0.5
    for rule in MOVES.values():
        points, log_likelihood = rule.start(target, u)
        for _ in range(20):
            points, log_likelihood, _ = rule.on(target)(points, log_likelihood, 1.0, generator)
        assert ((points.u > 0) & (points.u < 2)).all()
        assert (log_likelihood == 0).all()
        assert float((points.u < 0.5).double().mean()) > 0.1


def test_gradients_are_those_of_both_parts() -> None:
    u = torch.tensor([[0.5, -1.0], [2.0, 3.0]]).double()

    def target(v: Tensor) -> tuple[Tensor, Tensor]:
        return -0.5 * v.square().sum(-1), torch.log(v[:, 0]) + 0 * v[:, 1]

    _, _, (of_prior, of_likelihood) = evaluate(target, u)
    assert torch.allclose(of_prior, -u)
    assert torch.allclose(of_likelihood, torch.tensor([[2.0, 0.0], [0.5, 0.0]]).double())


def test_a_flat_likelihood_and_an_impossible_one_have_no_gradient() -> None:
    u = torch.randn(3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for flat in (torch.zeros(3), torch.full((3,), -math.inf)):

        def target(v: Tensor, value: Tensor = flat) -> tuple[Tensor, Tensor]:
            return -0.5 * v.square().sum(-1), value

        log_prior, log_likelihood, (of_prior, of_likelihood) = evaluate(target, u)
        assert torch.equal(of_prior, -u)
        assert (of_likelihood == 0).all()
        assert torch.equal(log_likelihood, flat)
        assert not log_prior.requires_grad


def test_points_go_through_a_checkpoint_unchanged() -> None:
    def target(u: Tensor) -> tuple[Tensor, Tensor]:
        return -u.square().sum(-1), u.sum(-1)

    u = torch.arange(6.0).double().reshape(3, 2)
    for rule in MOVES.values():
        points, _ = rule.start(target, u)
        again = Points.of(points.tensors())
        taken = again.take(torch.tensor([2, 2, 0]))
        assert torch.equal(taken.u, u[[2, 2, 0]])
        assert (again.gradients is None) == (rule is MOVES["walk"])
        if taken.gradients is not None:
            assert torch.equal(taken.gradients[0], -2 * u[[2, 2, 0]])


def test_the_metric_is_the_population_s_covariance_even_when_it_has_collapsed() -> None:
    u = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    factor = metric(u @ torch.tensor([[2.0, 1.0], [0.0, 1.0]]).double())
    expected = torch.tensor([[4.2, 2.0], [2.0, 2.1]]).double()
    assert torch.allclose(factor @ factor.T, expected, atol=0.3)
    assert torch.isfinite(metric(torch.ones(5, 3).double())).all()

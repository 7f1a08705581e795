"""Leave-one-out against brute-force refits without each value."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from bayesmat.check.arviz import to_arviz
from bayesmat.check.predictive import exact_loo, psis_loo
from bayesmat.errors import InferenceError
from tests.unit import judge

N = 12


def _grid() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Covariances of a small grid, observations, prior means and log prior weights."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(N, 1, generator=generator, dtype=torch.float64)
    squared = (x - x.T).square()
    lengths = torch.tensor([0.3, 1.0, 3.0], dtype=torch.float64)
    noises = torch.tensor([0.05, 0.3], dtype=torch.float64)
    covariance = torch.stack(
        [
            torch.exp(-squared / length**2) + noise * torch.eye(N, dtype=torch.float64)
            for length in lengths
            for noise in noises
        ]
    )
    y = torch.sin(2 * x[:, 0]) + 0.3 * torch.randn(N, generator=generator, dtype=torch.float64)
    mean = torch.linspace(-0.5, 0.5, 6, dtype=torch.float64)[:, None].expand(6, N)
    log_prior = torch.randn(6, generator=generator, dtype=torch.float64)
    return covariance, y, mean, log_prior


def _log_normal(y: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    return torch.distributions.MultivariateNormal(mean, covariance).log_prob(y)


def _refit_without(i: int) -> tuple[Tensor, Tensor, Tensor]:
    """Weights, means and sds of cell i from scratch: posterior of the grid on the others."""
    covariance, y, mean, log_prior = _grid()
    keep = [j for j in range(N) if j != i]
    log_w, means, sds = [], [], []
    for K, m, lp in zip(covariance, mean, log_prior, strict=True):
        rest = K[keep][:, keep]
        gain = torch.linalg.solve(rest, K[keep, i])
        log_w.append(lp + _log_normal(y[keep], m[keep], rest))
        means.append(m[i] + gain @ (y[keep] - m[keep]))
        sds.append((K[i, i] - gain @ K[keep, i]).sqrt())
    return torch.stack(log_w).softmax(0), torch.stack(means), torch.stack(sds)


def _evidence() -> Tensor:
    covariance, y, mean, log_prior = _grid()
    return log_prior + _log_normal(y, mean, covariance)


def test_moments_are_those_of_conditioning_on_the_others() -> None:
    covariance, y, mean, _ = _grid()
    found = exact_loo(covariance, y, mean=mean)
    for i in (0, 5, 11):
        _, expected_mean, expected_sd = _refit_without(i)
        torch.testing.assert_close(found.means[:, i], expected_mean, rtol=0, atol=1e-10)
        torch.testing.assert_close(found.sds[:, i], expected_sd, rtol=0, atol=1e-10)


def test_prior_weighted_grid_is_the_refit_of_the_grid_without_each_value() -> None:
    covariance, y, mean, _ = _grid()
    loo = exact_loo(covariance, y, mean=mean, log_weights=_evidence())
    for i in range(N):
        weights, means, sds = _refit_without(i)
        torch.testing.assert_close(loo.weights[:, i], weights, rtol=0, atol=1e-10)
        mixture_mean = (weights * means).sum()
        assert float(loo.mean[i]) == pytest.approx(float(mixture_mean), abs=1e-10)
        density = (weights * torch.distributions.Normal(means, sds).log_prob(y[i]).exp()).sum()
        assert float(loo.log_density[i]) == pytest.approx(math.log(density), abs=1e-10)
        variance = (weights * (sds**2 + means**2)).sum() - mixture_mean**2
        assert float(loo.sd[i]) == pytest.approx(float(variance.sqrt()), abs=1e-9)


def test_the_written_ratio_of_sums_is_the_same_number() -> None:
    covariance, y, mean, log_prior = _grid()
    loo = exact_loo(covariance, y, mean=mean, log_weights=_evidence())
    likelihood = _log_normal(y, mean, covariance)
    conditional = torch.distributions.Normal(loo.means, loo.sds).log_prob(y)
    top = torch.logsumexp(log_prior + likelihood, 0)
    bottom = torch.logsumexp((log_prior + likelihood)[:, None] - conditional, 0)
    torch.testing.assert_close(loo.log_density, top - bottom)


def test_equal_weights_are_the_harmonic_mean_and_repeats_stand_for_weights() -> None:
    covariance, y, mean, _ = _grid()
    counts = torch.tensor([1, 7, 2, 20, 5, 3])
    exact = exact_loo(covariance, y, mean=mean, log_weights=counts.double().log())
    rows = torch.repeat_interleave(torch.arange(6), counts)
    sampled = exact_loo(covariance[rows], y, mean=mean[rows])
    torch.testing.assert_close(sampled.log_density, exact.log_density)
    torch.testing.assert_close(sampled.pit, exact.pit)
    torch.testing.assert_close(sampled.crps, exact.crps)


def test_two_equal_particles_give_the_harmonic_mean() -> None:
    """Densities at 0 of N(0, sd): the mean of 1/p is that of the sds."""
    sds = torch.tensor([1.0, 3.0], dtype=torch.float64)
    found = exact_loo(sds.square()[:, None, None], torch.zeros(1, dtype=torch.float64))
    assert float(found.log_density.exp()) == pytest.approx(1 / (2 * math.sqrt(2 * math.pi)))


def test_summaries_of_a_well_specified_model() -> None:
    covariance, y, mean, _ = _grid()
    loo = exact_loo(covariance, y, mean=mean, log_weights=_evidence())
    assert loo.elpd == pytest.approx(float(loo.log_density.sum()))
    assert bool(((loo.pit > 0) & (loo.pit < 1)).all())
    assert bool((loo.crps > 0).all())
    assert bool((loo.ess <= 6 + 1e-9).all())
    assert f"of {N} values" in str(loo)


def test_psis_of_conjugate_draws_agrees_with_exact_loo() -> None:
    generator = torch.Generator().manual_seed(1)
    y = torch.randn(20, generator=generator, dtype=torch.float64) + 1
    one = torch.ones(20, 20, dtype=torch.float64)
    exact = exact_loo((4 * one + torch.eye(20, dtype=torch.float64))[None], y)
    variance = 1 / (1 / 4 + 20)
    theta = variance * y.sum() + variance**0.5 * torch.randn(
        4, 1000, generator=generator, dtype=torch.float64
    )
    log_likelihood = torch.distributions.Normal(theta[..., None], 1.0).log_prob(y)
    found = psis_loo(log_likelihood)
    torch.testing.assert_close(found.log_density, exact.log_density, rtol=0, atol=0.03)
    assert found.elpd == pytest.approx(exact.elpd, abs=0.1)
    assert found.suspects == ()
    flat = psis_loo(log_likelihood.reshape(4000, 20))
    torch.testing.assert_close(flat.log_density, found.log_density, rtol=0, atol=0.01)


def test_psis_names_the_value_that_moves_the_posterior() -> None:
    generator = torch.Generator().manual_seed(2)
    y = torch.randn(10, generator=generator, dtype=torch.float64)
    y[4] = 25.0
    variance = 1 / (1 / 100 + 10)
    theta = variance * y.sum() + variance**0.5 * torch.randn(
        2000, 1, generator=generator, dtype=torch.float64
    )
    found = psis_loo(torch.distributions.Normal(theta, 1.0).log_prob(y))
    assert 4 in found.suspects
    assert "refit without them" in str(found)


def test_bad_input_says_what_is_wrong() -> None:
    y = torch.zeros(2, dtype=torch.float64)
    with pytest.raises(InferenceError, match="same measurement without noise"):
        exact_loo(torch.ones(1, 2, 2, dtype=torch.float64), y)
    with pytest.raises(InferenceError, match="S x n x n"):
        exact_loo(torch.eye(2, dtype=torch.float64), y)
    with pytest.raises(InferenceError, match="not their sum"):
        psis_loo(torch.zeros(10))


def test_psis_of_chains_is_arvizs_loo() -> None:
    """Autocorrelated chains: the tail is longer, as their effective size asks."""
    generator = torch.Generator().manual_seed(0)
    theta = torch.randn(3, 200, 1, generator=generator, dtype=torch.float64)
    for t in range(1, 200):
        theta[:, t] = 0.7 * theta[:, t - 1] + 0.7 * theta[:, t]
    y = torch.tensor([0.1, -0.5, 1.5, 4.0], dtype=torch.float64)
    log_likelihood = torch.distributions.Normal(theta, 1.0).log_prob(y)
    found = psis_loo(log_likelihood)
    likelihood = log_likelihood.exp().numpy()
    relative = float(np.mean([judge.ess(likelihood[..., i], "mean") for i in range(4)])) / 600
    assert relative < 0.5
    data = to_arviz({"theta": theta[..., 0]}, log_likelihood=log_likelihood, chains=True)
    density, pareto_k = judge.loo(data, relative)
    np.testing.assert_allclose(found.log_density, density, atol=judge.PSIS)
    np.testing.assert_allclose(found.pareto_k, pareto_k, atol=judge.PSIS)

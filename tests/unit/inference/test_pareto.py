"""Pareto-smoothed importance weights, against ArviZ and against draws of a known tail."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from bayesmat.inference.pareto import pareto_k, pareto_smoothed
from tests.unit import judge


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("sd", [0.5, 0.7, 0.9, 1.3, 3.0])
@pytest.mark.parametrize("n", [60, 500, 4000])
def test_k_is_that_of_arviz(sd: float, n: int) -> None:
    """Importance weights N(0, 1) / N(0, sd): heavy for sd < 1."""
    x = sd * normal(n, seed=n)
    log_w = -0.5 * x.square() * (1 - 1 / sd**2)
    assert pareto_k(log_w) == pytest.approx(float(judge.psis(log_w[:, None])[1]), abs=judge.PSIS)
    assert pareto_k(log_w + 700) == pytest.approx(pareto_k(log_w), abs=1e-6)


@pytest.mark.parametrize("relative", [1.0, 0.3])
@pytest.mark.parametrize("n", [40, 1000])
def test_smoothed_weights_are_those_of_arviz(n: int, relative: float) -> None:
    log_w = torch.tensor([0.2, 1.0, 3.0]) * normal(n, 3)
    before = log_w.clone()
    ours, k = pareto_smoothed(log_w, relative_ess=relative)
    theirs, their_k = judge.psis(log_w, relative)
    assert torch.allclose(ours.exp(), theirs.exp(), atol=judge.PSIS)
    assert torch.allclose(k, their_k, atol=judge.PSIS)
    assert torch.allclose(torch.logsumexp(ours, 0), torch.zeros(3).double(), atol=1e-12)
    assert torch.equal(log_w, before)


def test_k_of_generalised_pareto_weights_is_their_shape() -> None:
    """Ten pseudo-draws pull k towards 1/2; the bound is 4 standard errors of 380 tail draws."""
    rng = np.random.default_rng(0)
    for k in (0.2, 0.5, 0.9):
        w = torch.tensor(stats.genpareto(k).rvs(16_000, random_state=rng))
        expected = (380 * k + 5) / 390
        assert pareto_k(torch.log(w)) == pytest.approx(expected, abs=4 * (1 + k) / 19.5)


def test_smoothing_brings_a_heavy_tailed_mean_nearer_to_the_truth() -> None:
    """E_p[x^2] = 1 from draws of N(0, 0.6): 200 repeats, k about 0.64."""
    raw, smooth = [], []
    for seed in range(200):
        x = 0.6 * normal(500, seed=seed)
        log_w = -0.5 * x.square() * (1 - 1 / 0.36)
        raw.append(float(torch.softmax(log_w, 0) @ x.square()))
        smooth.append(float(pareto_smoothed(log_w[:, None])[0][:, 0].exp() @ x.square()))
    error = [float((torch.tensor(v) - 1).square().mean()) for v in (raw, smooth)]
    assert error[1] < error[0]


def test_few_or_equal_weights_are_left_as_they_are() -> None:
    assert pareto_k(torch.zeros(100)) == -math.inf
    one = torch.full((100,), -torch.inf)
    one[0] = 0.0
    assert pareto_k(one) == math.inf
    few = normal(20, 1)
    smooth, k = pareto_smoothed(few)
    assert torch.allclose(smooth, torch.log_softmax(few, 0))
    assert k.tolist() == [math.inf]

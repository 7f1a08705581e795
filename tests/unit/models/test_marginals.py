"""Marginals of mixtures: moments, tails and quantiles against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal

from bayesmat.models.marginals import Marginals, log_normal_interval


def mixture() -> Marginals:
    mean = torch.tensor([[[0.0], [1.0]], [[2.0], [-1.0]]]).double()
    variance = torch.tensor([[[1.0], [0.25]], [[0.5], [2.0]]]).double()
    return Marginals(mean, variance, torch.tensor([[0.1], [0.3]]).double())


def test_moments_are_those_of_the_mixture() -> None:
    m = mixture()
    assert m.mixture_mean[:, 0].tolist() == [1.0, 0.0]
    total = [(1.0 + 0.5) / 2 + 1.0, (0.25 + 2.0) / 2 + 1.0]
    assert (m.sd(observation=False)[:, 0] ** 2).tolist() == pytest.approx(total)
    noisy = [v + (0.01 + 0.09) / 2 for v in total]
    assert (m.sd(observation=True)[:, 0] ** 2).tolist() == pytest.approx(noisy)


def test_quantiles_invert_the_cdf() -> None:
    m = mixture()
    for p in (0.05, 0.5, 0.95):
        assert torch.allclose(m.cdf(m.quantile(p)), torch.full((2, 1), p).double(), atol=1e-9)


def test_interval_probability_is_the_difference_of_cdfs() -> None:
    m = mixture()
    low, high = torch.tensor([0.2]).double(), torch.tensor([0.9]).double()
    expected = (m.cdf(high) - m.cdf(low))[:, 0]
    assert torch.allclose(m.log_probability(low, high).exp(), expected, atol=1e-12)


@pytest.mark.parametrize(("a", "b"), [(-40.0, -39.0), (39.0, 40.0), (8.0, 9.0), (-9.0, -8.0)])
def test_both_tails_are_exact(a: float, b: float) -> None:
    """The tail beyond the outer end is negligible: log Phi(-x) by its asymptotic series."""
    x = min(abs(a), abs(b))
    series = 1 - 1 / x**2 + 3 / x**4
    log_tail = -0.5 * x**2 - math.log(x * math.sqrt(2 * math.pi)) + math.log(series)
    value = log_normal_interval(torch.tensor([a]).double(), torch.tensor([b]).double())
    assert float(value) == pytest.approx(log_tail, abs=2e-3)


def test_interval_in_the_middle_and_open_ends() -> None:
    inf = math.inf
    a = torch.tensor([-1.0, -inf, 0.0, -inf]).double()
    b = torch.tensor([1.0, 0.0, inf, inf]).double()
    normal = Normal(0.0, 1.0)
    middle = float(normal.cdf(torch.tensor(1.0)) - normal.cdf(torch.tensor(-1.0)))
    assert log_normal_interval(a, b).exp().tolist() == pytest.approx(
        [middle, 0.5, 0.5, 1.0], abs=1e-6
    )

"""The draws that a model keeps stand for all that were weighed, and a fit is not wasteful."""

from __future__ import annotations

import pytest
import torch

from bayesmat.inference.herding import ACCURACY
from bayesmat.models.left_out import left_out
from tests.unit.models.helpers import fitted_waves


@pytest.mark.parametrize(("n", "seed"), [(20, 0), (80, 1), (80, 2)])
def test_kept_draws_predict_what_all_weighted_draws_do(n: int, seed: int) -> None:
    """Left-out means within 0.05 of their sd, hyper-parameters of theirs; 30 and 120 cells."""
    model = fitted_waves(n, seed).model
    posterior, problem = model.hyper_posterior, model.problem
    everything = left_out(problem.conditioned(posterior.points))
    kept = left_out(model.conditioned)
    w = posterior.log_weights.exp()
    mean = problem.observations.y - everything.error
    centre = w @ mean
    sd = (w @ (everything.variance + (mean - centre).square())).sqrt()
    shift = (problem.observations.y - kept.error).mean(0) - centre
    assert float((shift / sd).abs().max()) < 0.05
    u = w @ posterior.points
    spread = (w @ (posterior.points - u).square()).sqrt()
    assert float(((posterior.u.mean(0) - u) / spread).abs().max()) <= ACCURACY
    assert f"{len(posterior.u)} draws are kept" in str(model.report.inference)


@pytest.mark.parametrize(("n", "most"), [(20, 20_000), (66, 20_000), (240, 6_000)])
def test_a_fit_takes_thousands_of_likelihoods_at_most(n: int, most: int) -> None:
    """Tempering from the prior took some hundred thousand gradients."""
    report = fitted_waves(n).model.report.inference
    assert report.n_evaluations < most
    assert report.problems == ()


def test_chunks_do_not_change_values_or_gradients() -> None:
    problem = fitted_waves(60).model.problem
    d = len(problem.priors.names)
    u = torch.randn(150, d, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    u.requires_grad_(True)
    together = problem.log_marginal(u)
    (gradient,) = torch.autograd.grad(together.sum(), u)
    hyper = problem.priors.values(u)
    alone = problem.log_marginal_at(hyper, len(u))
    (expected,) = torch.autograd.grad(alone.sum(), u)
    torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-8)
    torch.testing.assert_close(gradient, expected, rtol=1e-8, atol=1e-6)


def test_gradients_are_those_of_differences() -> None:
    problem = fitted_waves(14).model.problem
    d = len(problem.priors.names)
    u = 0.5 * torch.randn(3, d, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    at = u.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(problem.log_marginal(at).sum(), at)
    h = 1e-6  # rounding of eps^(1/3) size: the difference is good to about 1e-8 of the values
    for i in range(d):
        step = torch.zeros(d, dtype=torch.float64)
        step[i] = h
        slope = (problem.log_marginal(u + step) - problem.log_marginal(u - step)) / (2 * h)
        torch.testing.assert_close(gradient[:, i], slope, rtol=1e-5, atol=1e-5)

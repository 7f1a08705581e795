"""Laplace's approximation: exact for Gaussians, corrected near them, and known where it fails."""

from __future__ import annotations

import pyro
import pyro.distributions as dist
import pytest
import torch
from scipy import stats

from bayesmat.errors import InferenceError
from bayesmat.inference.laplace import Laplace
from tests.unit.inference.targets import conjugate, conjugate_truth


def test_a_gaussian_posterior_is_found_exactly() -> None:
    """Bounds are five errors."""
    log_z, mean, sd = conjugate_truth()
    report = Laplace()(conjugate, seed=0).report
    assert report.log_evidence == pytest.approx(log_z, abs=5 * report.log_evidence_sd)
    assert report.log_evidence_sd < 0.02
    error = torch.tensor(report.table["mean"].to_numpy()) - mean
    assert (error.abs() < 5 * sd / 800**0.5).all()
    assert report.min_ess > 500
    assert torch.allclose(torch.tensor(report.table["sd"].to_numpy()), sd, rtol=0.1)
    assert report.problems == ()


def test_weights_correct_a_skewed_posterior() -> None:
    """Beta(2 + 1, 5 + 9) is not Gaussian on the logit scale; bounds are five errors."""

    def model() -> None:
        p = pyro.sample("p", dist.Beta(2.0, 5.0))
        pyro.sample("k", dist.Binomial(10, p), obs=torch.tensor(1.0))

    run = Laplace(draws=4000)(model, seed=0)
    exact, row = stats.beta(3, 14), run.report.table.loc["p"]
    assert row["mean"] == pytest.approx(exact.mean(), abs=5 * row["mcse_mean"])
    assert row["sd"] == pytest.approx(exact.std(), rel=0.06)
    truth = stats.betabinom(10, 2, 5).logpmf(1)
    assert run.report.log_evidence == pytest.approx(truth, abs=5 * run.report.log_evidence_sd)
    assert run.report.pareto_k < 0.7
    assert 1000 < row["ess_bulk"] < 4000
    assert run.draws["p"].shape == (1, 4000)


def test_the_evidence_is_unbiased() -> None:
    """E[Z hat] = Z: the mean of 30 runs of 40 draws within 4 standard errors."""
    log_z, _, _ = conjugate_truth()
    runs = [Laplace(draws=40)(conjugate, seed=s).report.log_evidence for s in range(30)]
    ratio = torch.tensor(runs).double().sub(log_z).exp()
    assert float(ratio.mean()) == pytest.approx(1, abs=4 * float(ratio.std()) / 30**0.5)


def test_the_seed_decides() -> None:
    laplace = Laplace(draws=50)
    one, two, other = (laplace(conjugate, seed=s).draws["u"] for s in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_heavy_tails_are_reported_by_pareto_k() -> None:
    def cauchy() -> None:
        pyro.sample("x", dist.StudentT(1.0).expand([4]).to_event(1))

    report = Laplace(draws=4000)(cauchy, seed=0).report
    assert report.pareto_k > 0.7
    assert any("Pareto k" in problem for problem in report.problems)


def test_an_uninformed_direction_is_explained() -> None:
    def flat() -> None:
        x = pyro.sample("x", dist.Normal(0.0, 1e6))
        pyro.sample("z", dist.Normal(0.0, 1.0))
        pyro.factor("f", -1e-18 * x)

    with pytest.raises(InferenceError, match=r"not curved downwards .*Tighten the prior"):
        Laplace()(flat, seed=0)


def test_settings_are_checked() -> None:
    with pytest.raises(InferenceError, match="asked for 3 draws"):
        Laplace(draws=3)


def test_impossible_data_are_explained() -> None:
    def impossible() -> None:
        pyro.sample("x", dist.Normal(0.0, 1.0))
        pyro.factor("f", torch.tensor(-torch.inf))

    with pytest.raises(InferenceError, match="the prior excludes the data"):
        Laplace()(impossible, seed=0)

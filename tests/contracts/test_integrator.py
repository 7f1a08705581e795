"""The laws of every integrator of hyper-parameters. A new one joins by being added to INTEGRATORS.

False alarm rate: the seeds are fixed, and bounds are 5 stated Monte Carlo errors.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bayesmat.errors import InferenceError
from bayesmat.inference.grid import Grid, HyperPosterior, Integrator, SMCIntegrator
from bayesmat.inference.importance import ImportanceIntegrator
from tests.contracts.randomness import untouched
from tests.unit.inference.targets import NOISE, A, Y, conjugate_truth

D = A.shape[1]
INTEGRATORS: dict[str, Integrator] = {
    "grid": Grid(n=4096, n_particles=32),
    "tempering": SMCIntegrator(n=128, n_particles=32),
    "importance": ImportanceIntegrator(n=128, n_particles=32),
    "importance that gives up": ImportanceIntegrator(n=32, rounds=1, least=1e4, particles=64),
}


@pytest.fixture(params=INTEGRATORS)
def integrate(request: pytest.FixtureRequest) -> Integrator:
    return INTEGRATORS[request.param]


def conjugate(u: Tensor) -> Tensor:
    z = (Y - u @ A.T) / NOISE
    return (-0.5 * z**2 - math.log(NOISE) - 0.5 * math.log(2 * math.pi)).sum(-1)


def constant(u: Tensor) -> Tensor:
    return torch.full((len(u),), -1.5, dtype=torch.float64)


def assert_fits_together(posterior: HyperPosterior, d: int) -> None:
    n = len(posterior.points)
    assert posterior.u.dtype == posterior.points.dtype == torch.float64
    assert posterior.points.shape == (n, d)
    assert posterior.u.shape[1:] == (d,)
    assert posterior.log_weights.shape == posterior.families.shape == (n,)
    assert float(posterior.log_weights.exp().sum()) == pytest.approx(1.0)
    assert (posterior.u[:, None] == posterior.points).all(-1).any(-1).all()
    assert not posterior.u.requires_grad
    assert posterior.weighting in {"prior grid", "proposal", "posterior"} or d == 0


def test_parts_fit_together(integrate: Integrator) -> None:
    assert_fits_together(integrate(conjugate, D, seed=0), D)


def test_evidence_and_means_are_those_of_the_closed_form(integrate: Integrator) -> None:
    log_z, mean, sd = conjugate_truth()
    posterior = integrate(conjugate, D, seed=0)
    assert abs(posterior.report.log_evidence - log_z) < 5 * posterior.report.log_evidence_sd
    found = posterior.log_weights.exp() @ posterior.points
    assert ((found - mean).abs() < 0.6 * sd).all()
    assert posterior.report.n_evaluations > 0
    assert str(posterior.report)


def test_nothing_to_integrate_has_the_evidence_of_its_likelihood(integrate: Integrator) -> None:
    posterior = integrate(constant, 0, seed=0)
    assert_fits_together(posterior, 0)
    assert posterior.report.log_evidence == pytest.approx(-1.5)


def test_the_seed_decides_with_a_checkpoint_or_without(
    integrate: Integrator, tmp_path: Path
) -> None:
    with untouched():
        first = integrate(conjugate, D, seed=3)
    for checkpoint in (None, tmp_path / "run", str(tmp_path / "run")):
        again = integrate(conjugate, D, seed=3, checkpoint=checkpoint)
        assert torch.equal(again.points, first.points)
        assert torch.equal(again.log_weights, first.log_weights)
        assert torch.equal(again.u, first.u)
    assert not torch.equal(integrate(conjugate, D, seed=4).points, first.points)


def test_a_likelihood_that_is_zero_everywhere_is_explained(integrate: Integrator) -> None:
    with pytest.raises(InferenceError):
        integrate(lambda u: constant(u) - math.inf, 2, seed=0)

"""The laws of a property model, kept by graphs and programs alike."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from botorch.acquisition.logei import qLogExpectedImprovement
from botorch.acquisition.objective import LinearMCObjective
from torch import Tensor

from bayesmat.inference.grid import SMCIntegrator
from bayesmat.models.graph import PropertyGraph
from bayesmat.models.model import Prior, PropertyModel
from tests.unit.models.helpers import axes, chain_graph, observations
from tests.unit.models.programs import linear

N, D, M = 10, 2, 2
CELLS = [(i, i % 2) for i in range(N)] + [(0, 1), (3, 0)]
SMALL = SMCIntegrator(n=24, n_particles=8, sweeps=1, final_sweeps=1)


def graph() -> Prior:
    return PropertyGraph(chain_graph(M, D).nodes, SMALL)


def program() -> Prior:
    return linear(M, D, n_draws=16)


def rows(n: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, D, generator=generator, dtype=torch.float64)


def condition(prior: Prior, seed: int = 0) -> PropertyModel:
    X = rows(N, 0)
    y = torch.stack([torch.sin(3 * X[i, 0]) + (1 + j) * X[i, 1] for i, j in CELLS])
    return prior.condition(observations(CELLS, y, N, M), X, layout=axes(), seed=seed)


@pytest.fixture(scope="module", params=[graph, program])
def make(request: pytest.FixtureRequest) -> Callable[[], Prior]:
    return request.param


@pytest.fixture(scope="module")
def model(make: Callable[[], Prior]) -> PropertyModel:
    return condition(make())


def mixture(model: PropertyModel, X: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of the mixture at every row, from posterior() with q = 1."""
    posterior = model.posterior(X[:, None])
    values = getattr(posterior, "values", None)
    if values is not None:
        return values.mean(1)[:, 0], values.var(1, unbiased=False)[:, 0]
    mean, variance = posterior.mean[:, :, 0], posterior.variance[:, :, 0]
    return mean.mean(1), variance.mean(1) + mean.var(1, unbiased=False)


def legacy_state() -> str:
    """NumPy's global generator, which must not be touched."""
    return str(np.random.mtrand._rand.get_state())


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 1)])
def test_posterior_has_a_component_dimension_before_q(
    model: PropertyModel, shape: tuple[int, ...]
) -> None:
    X = rows(int(np.prod(shape)), 1).reshape(*shape, D)
    posterior = model.posterior(X)
    n_components = model.marginals(X.reshape(-1, D)).mean.shape[0]
    values = getattr(posterior, "values", None)
    components = posterior.mean if values is None else values
    assert components.shape == (*shape[:-1], n_components, shape[-1], M)
    assert components.dtype == torch.float64


def test_properties_order_the_outputs(model: PropertyModel) -> None:
    assert model.properties == ("p0", "p1")
    assert model.num_outputs == M
    X = rows(3, 1)
    both = mixture(model, X)[0]
    second = model.posterior(X, output_indices=[1])
    values = getattr(second, "values", None)
    components = second.mean if values is None else values
    assert components.shape[-1] == 1
    assert torch.allclose(components.mean(0)[:, 0], both[:, 1])


def test_marginals_are_those_of_the_posterior(model: PropertyModel) -> None:
    X = rows(7, 2)
    marginals = model.marginals(X, chunk=3)
    mean, variance = mixture(model, X)
    assert torch.allclose(marginals.mixture_mean, mean, atol=1e-8)
    assert torch.allclose(marginals.sd(observation=False).square(), variance, atol=1e-7)
    assert marginals.noise_sd.shape == (marginals.mean.shape[0], M)
    assert (marginals.noise_sd > 0).all()


def test_no_rows_give_no_marginals(model: PropertyModel) -> None:
    assert model.marginals(rows(0, 0)).mean.shape[1:] == (0, M)


def test_a_row_does_not_depend_on_its_neighbours(model: PropertyModel) -> None:
    X = rows(6, 3)
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    whole = model.marginals(X)
    assert torch.allclose(model.marginals(X[order]).mean, whole.mean[:, order], atol=1e-10)
    assert torch.allclose(model.marginals(X[:2]).mean, whole.mean[:, :2], atol=1e-10)
    assert torch.allclose(model.marginals(X[:2]).variance, whole.variance[:, :2], atol=1e-10)
    longer = model.marginals(torch.cat([X, rows(3, 4)]))
    assert torch.allclose(longer.mean[:, :6], whole.mean, atol=1e-10)


def test_measurement_noise_widens_the_posterior(model: PropertyModel) -> None:
    X = rows(1, 5).expand(200, D)
    noisy = model.posterior(X[:, None], observation_noise=True)
    again = model.posterior(X[:, None], observation_noise=True)
    quiet = model.posterior(X[:, None])
    assert noisy.variance.sum() > quiet.variance.sum()
    assert torch.equal(noisy.mean, again.mean)


def test_the_seed_decides_and_the_global_generators_rest(make: Callable[[], Prior]) -> None:
    X = rows(3, 1)
    before = (torch.get_rng_state(), legacy_state(), random.getstate())
    dtype = torch.get_default_dtype()
    first = condition(make(), seed=5).marginals(X).mean
    assert torch.equal(torch.get_rng_state(), before[0])
    assert legacy_state() == before[1]
    assert random.getstate() == before[2]
    assert torch.get_default_dtype() == dtype
    torch.rand(1)
    assert torch.equal(condition(make(), seed=5).marginals(X).mean, first)
    assert not torch.equal(condition(make(), seed=6).marginals(X).mean, first)


def test_report_speaks(model: PropertyModel) -> None:
    assert f"Fitted {len(CELLS)} measured values" in str(model.report)
    assert {"p0: noise", "p1: noise"} <= set(model.report.hyper)


def test_botorch_finds_a_better_point(model: PropertyModel) -> None:
    X = rows(8, 6).requires_grad_()
    weights = torch.tensor([0.5, 0.5], dtype=torch.float64)
    acquisition = qLogExpectedImprovement(
        model,
        best_f=float(mixture(model, X)[0].mean().detach()),
        objective=LinearMCObjective(weights),
    )
    value = acquisition(X[:, None])
    assert value.shape == (8,)
    assert torch.isfinite(value).all()
    (gradient,) = torch.autograd.grad(value.sum(), X)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().sum() > 0
    mean = mixture(model, X)[0].mean(-1)
    assert value[mean.argmax()] > value[mean.argmin()]
    assert acquisition(X[:4].reshape(2, 2, D)).shape == (2,)


def test_it_answers_what_checks_ask(model: PropertyModel) -> None:
    k, s = len(CELLS), model.marginals(rows(1, 0)).mean.shape[0]
    assert model.observations.n_cells == k
    points = model.points
    assert float(points.log_weights.exp().sum()) == pytest.approx(1.0)
    assert all(len(values) == len(points.log_weights) for values in points.values.values())
    found = model.left_out(torch.arange(k))
    assert found.mean.shape == found.noise_sd.shape == (len(points.log_weights), k)
    assert torch.isfinite(found.cells.log_ratio).all()
    assert model.pointwise.shape == (s, k)
    generator = torch.Generator().manual_seed(0)
    chosen = torch.tensor([0, s - 1, 0])
    assert model.replicate(chosen, generator).shape == (3, k)
    assert model.simulated_scores(50, generator).shape[1] == k
    labelled = model.labelled()
    assert labelled.values["noise"].shape == (s, M)
    assert model.complete().properties == model.properties
    assert len(model.complete().noise_sd) >= s


def test_what_is_left_out_takes_its_density_with_it(model: PropertyModel) -> None:
    """Without a space of its own a unit changes the weight of a point by its density alone."""
    units = (torch.arange(len(CELLS)) >= 5).long()
    found = model.left_out(units).cells
    assert found.log_density.shape == (len(model.points.log_weights), 2)
    torch.testing.assert_close(found.log_ratio, -found.log_density)

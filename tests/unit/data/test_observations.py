import math

import numpy as np
import pyro
import pytest
import torch
from torch.distributions import Normal

from bayesmat.data.observations import Observations, Scale
from bayesmat.errors import ModelError

Y = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)


@pytest.fixture
def observations():
    return Observations(
        rows=torch.tensor([0, 2, 2]),
        columns=torch.tensor([1, 0, 1]),
        y=Y,
        yvar=torch.tensor([math.nan, 0.04, math.nan], dtype=torch.float64),
        n_rows=3,
        properties=("a", "b"),
    )


def traced(observations, f, scale):
    return pyro.poutine.trace(observations.observe).get_trace(f, scale)


@pytest.mark.parametrize("log", [False, True])
def test_scale_is_a_monotone_bijection(log):
    values = np.array([0.5, 2.0, np.nan, 8.0])
    scale = Scale.of(values, log=log)
    measured = torch.from_numpy(values[[0, 1, 3]])
    z = scale.to_model(measured)
    assert z.mean().item() == pytest.approx(0, abs=1e-12)
    assert z.std().item() == pytest.approx(1)
    torch.testing.assert_close(scale.to_physical(z), measured)


@pytest.mark.parametrize(
    ("values", "loc"), [([], 0.0), ([np.nan], 0.0), ([3.0], 3.0), ([0.1, 0.1, 0.1], 0.1)]
)
def test_scale_without_spread_has_unit_sd(values, loc):
    scale = Scale.of(np.array(values), log=False)
    assert scale == Scale(False, pytest.approx(loc), 1.0)


def test_tiny_quantities_are_not_taken_for_constants():
    assert Scale.of(np.array([1e-12, 2e-12]), log=False).sd == pytest.approx(1e-12 / math.sqrt(2))


def test_sd_on_the_log_scale_is_that_of_the_log_normal_of_equal_moments():
    scale = Scale(True, 0.0, 2.0)
    y, sd = torch.tensor([4.0, 4.0]).double(), torch.tensor([0.004, 8.0]).double()
    sigma = scale.sd_to_model(y, sd) * scale.sd
    assert sigma[0].item() == pytest.approx(0.001, rel=1e-5)
    mean, variance = y, sd**2
    torch.testing.assert_close(torch.expm1(sigma**2) * mean**2, variance)
    assert Scale(False, 1.0, 2.0).sd_to_model(y, sd)[1].item() == 4.0


def test_likelihood_is_the_sum_over_measured_cells_by_hand(observations):
    f = torch.arange(6.0, dtype=torch.float64).reshape(3, 2)
    scale = torch.tensor([0.5, 2.0], dtype=torch.float64)
    expected = (
        Normal(f[0, 1], 2.0).log_prob(Y[0])
        + Normal(f[2, 0], 0.2).log_prob(Y[1])  # the known variance replaces the inferred one
        + Normal(f[2, 1], 2.0).log_prob(Y[2])
    )
    trace = traced(observations, f, scale)
    assert [name for name in trace.nodes if name == "y"] == ["y"]
    assert trace.log_prob_sum().item() == pytest.approx(expected.item())


def test_batches_of_latents_have_one_likelihood_each(observations):
    f = torch.randn(4, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    scale = torch.tensor([[0.5, 2.0]], dtype=torch.float64).expand(4, 2)
    trace = traced(observations, f, scale)
    trace.compute_log_prob()
    each = [traced(observations, f[i], scale[i]).log_prob_sum() for i in range(4)]
    torch.testing.assert_close(trace.nodes["y"]["log_prob"], torch.stack(each))


def test_rows_without_cells_do_not_matter(observations):
    f = torch.zeros(3, 2, dtype=torch.float64)
    moved = f.clone()
    moved[1] = 100.0
    scale = torch.ones(2, dtype=torch.float64)
    assert traced(observations, f, scale).log_prob_sum() == pytest.approx(
        traced(observations, moved, scale).log_prob_sum()
    )


def test_gradients_are_finite_where_the_variance_is_unknown(observations):
    f = torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)
    scale = torch.ones(2, dtype=torch.float64, requires_grad=True)
    traced(observations, f, scale).log_prob_sum().backward()
    assert torch.isfinite(f.grad).all()
    assert torch.isfinite(scale.grad).all()
    assert scale.grad[0] == 0  # its only cell has a known variance


def test_empty_observes_nothing():
    empty = Observations.empty(5, ["a", "b"])
    assert empty.n_cells == 0
    trace = traced(empty, torch.zeros(5, 2), torch.ones(2))
    assert "y" not in trace.nodes


def test_wrong_shapes_are_named(observations):
    with pytest.raises(ModelError, match=r"shape \(2, 2\), but the table has 3 rows and 2"):
        observations.observe(torch.zeros(2, 2), torch.ones(2))
    with pytest.raises(ModelError, match=r"noise scale has shape \(3,\)"):
        observations.observe(torch.zeros(3, 2), torch.ones(3))


def test_one_noise_scale_per_property_not_per_cell():
    cells = Observations.empty(3, ("Tb", "Tm"))
    with pytest.raises(ModelError, match="one per property"):
        cells.observe(torch.zeros(3, 2), torch.ones(3, 2))

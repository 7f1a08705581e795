"""The NUTS wrapper: what it returns, what it leaves alone, what it says."""

from __future__ import annotations

import pyro
import pyro.distributions as dist
import pytest
import torch

from bayesmat.errors import InferenceError
from bayesmat.inference.nuts import NUTS
from bayesmat.inference.pyro_program import DoublePrecision, seeded
from bayesmat.inference.report import InferenceRun


def model() -> None:
    rate = pyro.sample("rate", dist.Gamma(2.0, 1.0))
    pyro.sample("slope", dist.MultivariateNormal(torch.zeros(2), torch.eye(2)))
    pyro.sample("y", dist.Normal(rate, 0.3), obs=torch.tensor(1.0))


@pytest.fixture(scope="module")
def run() -> InferenceRun:
    return NUTS(warmup=40, draws=60, chains=2, max_tree_depth=4)(model, seed=0)


def test_draws_come_by_site_and_chain_in_double_precision(run: InferenceRun) -> None:
    assert run.draws["rate"].shape == (2, 60)
    assert run.draws["slope"].shape == (2, 60, 2)
    assert all(v.dtype == torch.float64 for v in run.draws.values())
    assert (run.draws["rate"] > 0).all()
    assert not torch.equal(run.draws["rate"][0], run.draws["rate"][1])
    assert len(run.report.bfmi) == len(run.report.divergences) == 2
    assert "2 chains after 40 steps of warm-up: 120 draws" in str(run)


def test_flat_joins_chains_and_thins_evenly(run: InferenceRun) -> None:
    assert run.flat()["slope"].shape == (120, 2)
    few = run.flat(3)["rate"]
    assert torch.equal(few, run.draws["rate"].flatten()[[0, 60, 119]])


def test_parameter_store_is_left_as_found() -> None:
    with pyro.get_param_store().scope():
        pyro.param("mine", torch.tensor(3.0))
        NUTS(warmup=2, draws=4, chains=1, max_tree_depth=2)(model, seed=0)
        assert list(pyro.get_param_store().keys()) == ["mine"]


def test_every_kind_of_distribution_is_drawn_in_double_precision() -> None:
    kinds = {
        "normal": dist.Normal(0, 1).expand([3]).to_event(1),
        "cauchy": dist.HalfCauchy(1.0),
        "log": dist.LogNormal(0.0, 1.0),
        "beta": dist.Beta(2.0, 2.0),
        "dirichlet": dist.Dirichlet(torch.ones(3)),
        "lkj": dist.LKJCholesky(3, 1.0),
        "uniform": dist.Uniform(0.0, 2.0),
        "student": dist.StudentT(4.0),
        "affine": dist.TransformedDistribution(
            dist.Normal(torch.zeros(2), 1.0),
            [dist.transforms.AffineTransform(torch.ones(2), torch.ones(2))],
        ),
    }
    with seeded(0), DoublePrecision():
        values = {name: pyro.sample(name, fn) for name, fn in kinds.items()}
    for name, value in values.items():
        assert value.dtype == torch.float64, name
        assert (value != value.float()).any(), name


def test_impossible_data_are_explained() -> None:
    def impossible() -> None:
        x = pyro.sample("x", dist.Normal(0.0, 1.0))
        pyro.sample("y", dist.Normal(x, 1.0), obs=torch.tensor(torch.inf))

    with pytest.raises(InferenceError, match="no starting point where the density is finite"):
        NUTS(warmup=2, draws=4, chains=1)(impossible, seed=0)


def test_settings_are_checked() -> None:
    with pytest.raises(InferenceError, match=r"\{'draws': 2\}"):
        NUTS(draws=2)
    with pytest.raises(InferenceError, match=r"target_accept is 1\.5"):
        NUTS(target_accept=1.5)

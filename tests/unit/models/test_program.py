"""Programs give the posteriors that theory says, and break with words when they break a rule."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyro
import pyro.distributions as dist
import pytest
import torch
from torch import Tensor

from bayesmat.data.table import Condition, Observations, Property, PropertyTable
from bayesmat.errors import ModelError
from bayesmat.features.base import Layout
from bayesmat.features.conditions import ConditionMap
from bayesmat.inference.chains import bulk_ess
from bayesmat.inference.laplace import Laplace
from bayesmat.inference.nuts import NUTS
from bayesmat.models.base import fit
from bayesmat.models.program import Program, program
from tests.unit.models.helpers import Coordinates, axes, observations
from tests.unit.models.programs import horseshoe, linear, shared_factor

QUICK = NUTS(warmup=5, draws=5, chains=1, max_tree_depth=3)


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@program(properties=("p0",), features={"phi": Coordinates(1)}, n_draws=9)
def at_the_top(phi: Tensor, observations: Observations) -> Tensor:
    f = phi * pyro.sample("w", dist.Normal(0, 1))
    observations.observe(f, scale=torch.ones(1, dtype=torch.float64))
    return f


def column(y: Tensor, yvar: float = torch.nan) -> Observations:
    n = len(y)
    cells = observations([(i, 0) for i in range(n)], y, n, 1)
    return replace(cells, yvar=torch.full((n,), yvar, dtype=torch.float64))


def test_conjugate_regression_has_the_moments_of_the_closed_form() -> None:
    n, d, sd = 12, 3, 0.5
    X = normal(n, d)
    y = X @ torch.tensor([1.0, -0.5, 0.2], dtype=torch.float64) + sd * normal(n, seed=1)
    covariance = torch.linalg.inv(torch.eye(d, dtype=torch.float64) + X.T @ X / sd**2)
    mean = covariance @ X.T @ y / sd**2

    prior = linear(1, d, NUTS(warmup=60, draws=120, chains=2, max_tree_depth=3))
    model = prior.condition(column(y, sd**2), X, layout=axes(d), seed=3)

    w = model.run.draws["w"][..., 0]
    ess = bulk_ess(w)
    assert (ess > 50).all()
    error = (w.mean((0, 1)) - mean) / (covariance.diagonal() / ess).sqrt()
    assert error.abs().max() < 4
    spread = (bulk_ess((w - mean).abs()) / 2).sqrt() * (w.var((0, 1)) / covariance.diagonal() - 1)
    assert (spread / 2).abs().max() < 4
    s = model.run.draws["s"]
    half_normal_mean, half_normal_sd = 0.798, 0.603  # known errors leave its prior alone
    assert abs(float(s.mean()) - half_normal_mean) < 4 * half_normal_sd / float(bulk_ess(s)) ** 0.5
    assert w.dtype == torch.float64
    assert model.n_draws == 24
    assert "2 chains after 60 steps of warm-up: 240 draws" in str(model.report)
    assert set(model.report.hyper) == {"s", "p0: noise"}


@pytest.mark.slow
def test_horseshoe_finds_the_two_coefficients_that_matter() -> None:
    d, n = 20, 40
    X = normal(n, d, seed=5)
    truth = torch.zeros(d, dtype=torch.float64)
    truth[3], truth[11] = 1.0, -0.8
    y = X @ truth + 0.2 * normal(n, seed=6)

    sampler = NUTS(warmup=90, draws=60, chains=1, max_tree_depth=5)
    model = horseshoe(d, sampler).condition(column(y), X, layout=axes(d), seed=0)

    draws = model.sampled.draws
    w = draws["z"] * draws["local"] * draws["overall"][:, None]
    mean = w.mean(0)
    assert set(mean.abs().topk(2).indices.tolist()) == {3, 11}
    assert (mean - truth).abs().max() < 0.2
    others = [j for j in range(d) if j not in (3, 11)]
    assert mean[others].abs().max() < 0.15
    unshrunk = torch.linalg.lstsq(X, y).solution
    assert mean[others].abs().mean() < 0.7 * unshrunk[others].abs().mean()


def test_two_properties_lend_each_other_what_holes_hide() -> None:
    n = 30
    X = normal(n, 3, seed=7)
    common = X @ torch.tensor([0.9, -0.6, 0.4], dtype=torch.float64)
    f = torch.stack([common, 0.7 * common], -1)
    y = f + 0.1 * normal(n, 2, seed=8)
    cells = [(i, 0) for i in range(0, n, 2)] + [(i, 1) for i in range(0, n, 5)]
    values = torch.stack([y[i, j] for i, j in cells])
    table = replace(observations(cells, values, n, 2), properties=("Tb", "Tm"))

    sampler = NUTS(warmup=60, draws=60, chains=1, max_tree_depth=4)
    model = shared_factor(sampler).condition(table, X, layout=axes(3), seed=1)

    assert model.properties == ("Tb", "Tm")
    assert abs(float(model.sampled.draws["slope"].mean()) - 0.7) < 0.15
    fresh = normal(50, 3, seed=9)
    truth = fresh @ torch.tensor([0.9, -0.6, 0.4], dtype=torch.float64)
    predicted = model.marginals(fresh)
    error = predicted.mixture_mean - torch.stack([truth, 0.7 * truth], -1)
    assert error.square().mean().sqrt() < 0.15
    assert (error.abs() < 4 * predicted.sd(observation=False)).all()


def test_rows_without_a_measured_cell_change_nothing() -> None:
    prior, X = linear(1), normal(6, 2)
    y = normal(4, seed=1)
    few = prior.condition(column(y), X[:4], layout=axes(), seed=0)
    padded = observations([(i, 0) for i in range(4)], y, 6, 1)
    many = prior.condition(padded, X, layout=axes(), seed=0)
    assert torch.equal(few.latent(X), many.latent(X))


def test_identical_candidates_have_identical_draws_in_every_batch() -> None:
    prior, X = linear(2), normal(5, 2)
    cells = observations([(0, 0), (1, 1)], normal(2), 5, 2)
    model = prior.condition(cells, X, layout=axes(), seed=0)
    values = model.posterior(X[:1].expand(3, 2, 2)).values
    assert (values == values[:1, :, :1]).all()


def test_prior_draws_have_the_prior_moments() -> None:
    draws = linear(1).sample(normal(3, 2), 400, layout=axes(), seed=0)
    sites, f = draws.parameters, draws.f
    assert f.shape == (400, 3, 1)
    assert sites["w"].shape == (400, 2, 1)
    assert abs(float(sites["w"].mean())) < 4 / 800**0.5
    assert torch.equal(f, normal(3, 2) @ sites["w"])


def test_digest_follows_text_values_and_settings() -> None:
    assert linear(1).digest() == linear(1).digest()
    assert linear(1).digest() != linear(2).digest()
    assert linear(1).digest() != linear(1, 3).digest()
    assert linear(1).digest() != linear(1, sampler=QUICK).digest()

    def scaled(tau: float) -> Program:
        @build
        def regression(phi: Tensor, observations: Observations) -> Tensor:
            f = phi @ site("w", tau, (2, 1))
            observations.observe(f, scale=site("s", 1.0, (1,)).exp())
            return f

        return regression

    assert scaled(1.0).digest() == scaled(1.0).digest()
    assert scaled(1.0).digest() != scaled(2.0).digest()


def test_fit_and_predict_take_a_program_like_any_prior() -> None:
    keys = ("0.1 0.2", "0.5 0.9", "0.7 0.3", "0.9 0.8")
    values = np.array([[300.0], [np.nan], [320.0], [340.0]])
    table = PropertyTable(
        keys,
        "id",
        (Property("p0", "K"),),
        values,
        np.full((4, 1), np.nan),
        (),
        np.empty((4, 0)),
        None,
    )
    fitted = fit(linear(1), table, seed=0)
    assert "Fitted 3 measured values" in str(fitted.report)
    prediction = fitted.predict(["0.5 0.9", "0.2 0.2"])
    assert (prediction.lower < prediction.median).all()
    assert (prediction.observation_sd > prediction.latent_sd).all()


WARM = Layout((Coordinates(2),), (Condition("temperature", "K"),))


def test_conditions_are_an_argument_or_an_error() -> None:
    X = torch.cat([normal(4, 2), torch.tensor([[300.0], [300.0], [350.0], [350.0]])], -1)
    with pytest.raises(
        ModelError, match=r"give it a feature bm.ConditionMap\('temperature'\) or an argument"
    ):
        linear(1).condition(column(normal(4)), X, layout=WARM, seed=0)
    with pytest.raises(ModelError, match="X has 3 columns, its layout 2"):
        linear(1).condition(column(normal(4)), X, layout=axes(), seed=0)

    @build
    def warm(phi: Tensor, conditions: Tensor, observations: Observations) -> Tensor:
        rise = site("rise", 1.0, (1, 1))
        f = phi @ site("w", 1.0, (2, 1)) + (conditions - 300.0) / 50.0 @ rise
        observations.observe(f, scale=site("s", 1.0, (1,)).exp())
        return f

    model = warm.condition(column(normal(4)), X, layout=WARM, seed=0)
    same, hot = X[:1], X[:1].clone()
    hot[:, 2] += 50.0
    step = model.latent(hot) - model.latent(same)
    assert torch.allclose(step[:, 0, 0], model.sampled.draws["rise"][:, 0, 0])


def build(function: Callable[..., Tensor]) -> Program:
    decorate = program(properties=("p0",), features={"phi": Coordinates(2)}, sampler=QUICK)
    return decorate(function)


def site(name: str, sd: float, shape: tuple[int, ...]) -> Tensor:
    return pyro.sample(name, dist.Normal(0, sd).expand(list(shape)).to_event(len(shape)))


def noise() -> Tensor:
    return site("s", 1.0, (1,)).exp()


def row_wise(phi: Tensor, observations: Observations) -> Tensor:
    f = phi @ site("w", 1.0, (2, 1)) + site("random_effect", 1.0, (phi.shape[0], 1))
    observations.observe(f, noise())
    return f


def fixed_rows(phi: Tensor, observations: Observations) -> Tensor:
    f = phi @ site("w", 1.0, (2, 1)) + site("random_effect", 1.0, (6, 1))
    observations.observe(f, noise())
    return f


def standardised_by_rows(phi: Tensor, observations: Observations) -> Tensor:
    f = (phi - phi.mean(0)) @ site("w", 1.0, (2, 1))
    observations.observe(f, noise())
    return f


def scaled_by_the_largest(phi: Tensor, observations: Observations) -> Tensor:
    f = phi / phi.abs().amax() @ site("w", 1.0, (2, 1))
    observations.observe(f, noise())
    return f


def random_at_prediction(phi: Tensor, observations: Observations) -> Tensor:
    f = phi @ site("w", 1.0, (2, 1)) + 1e-3 * torch.randn(phi.shape[0], 1, dtype=torch.float64)
    observations.observe(f, noise())
    return f


def own_likelihood(phi: Tensor, observations: Observations) -> Tensor:
    f = phi @ site("w", 1.0, (2, 1))
    pyro.sample("target", dist.Normal(f, 1.0).to_event(2), obs=torch.zeros_like(f))
    observations.observe(f, noise())
    return f


def forgetful(phi: Tensor, observations: Observations) -> Tensor:
    return phi @ site("w", 1.0, (2, 1))


def two_faced(phi: Tensor, observations: Observations) -> Tensor:
    f = phi @ site("w", 1.0, (2, 1))
    observations.observe(f, noise())
    return f + 1.0


def flat(phi: Tensor, observations: Observations) -> Tensor:
    f = phi @ site("w", 1.0, (2, 1))
    observations.observe(f, noise())
    return f[:, 0]


def wide_scale(phi: Tensor, observations: Observations) -> Tensor:
    f = phi @ site("w", 1.0, (2, 1))
    observations.observe(f, noise().expand(phi.shape[0], 1))
    return f


def switched(phi: Tensor, observations: Observations) -> Tensor:
    f = phi @ site("w", 1.0, (2, 1)) * pyro.sample("switch", dist.Bernoulli(0.5))
    observations.observe(f, noise())
    return f


def tuned(phi: Tensor, observations: Observations) -> Tensor:
    f = phi @ site("w", 1.0, (2, 1)) + pyro.param("b", torch.zeros(1))
    observations.observe(f, noise())
    return f


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (row_wise, r"\['random_effect'\] are drawn per row.*phi @ w.*bm.gp_effect, which is not"),
        (fixed_rows, "fails on another number of rows"),
        (standardised_by_rows, r"f of row \d changes with the rows around it.*feature map"),
        (scaled_by_the_largest, r"f of row \d changes with the rows around it"),
        (random_at_prediction, r"f of row \d changes"),
        (own_likelihood, r"observes at the sites \['target'\].*observations.observe"),
        (forgetful, "never calls observations.observe"),
        (two_faced, "return what you observe"),
        (flat, r"returned of shape \(6,\).*6 x 1"),
        (wide_scale, r"scale of shape \(6, 1\).*shape \(1,\)"),
        (switched, r"\['switch'\] are discrete.*horseshoe"),
        (tuned, r"pyro.param sites \['b'\].*pyro.sample"),
    ],
)
def test_a_broken_rule_is_named(function: Callable[..., Tensor], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        build(function).condition(column(normal(6)), normal(6, 2), layout=axes(), seed=0)


def test_arguments_and_features_must_match() -> None:
    with pytest.raises(ModelError, match=r"takes \['observations', 'phi'\].*\['psi'\]"):
        program(properties=("p0",), features={"psi": Coordinates(2)})(forgetful)
    with pytest.raises(ModelError, match="distinct properties"):
        program(properties=("a", "a"), features={"phi": Coordinates(2)})(forgetful)


def test_other_properties_are_refused() -> None:
    with pytest.raises(ModelError, match="select and order them alike"):
        linear(2).condition(column(normal(4)), normal(4, 2), layout=axes(), seed=0)


def test_a_program_is_pickled_by_name_with_its_settings() -> None:
    for settings in ({}, {"n_draws": 7}, {"sampler": NUTS(draws=5)}):
        prior = replace(at_the_top, **settings)
        again = pickle.loads(pickle.dumps(prior))
        assert again == prior
        assert again.function is at_the_top.function
        assert again.digest() == prior.digest()
    assert copy.deepcopy(at_the_top) is copy.copy(at_the_top) is at_the_top


def test_a_program_that_no_other_process_finds_says_so() -> None:
    with pytest.raises(
        ModelError, match=r"'linear\.<locals>\.regression'.* at the top of a module"
    ):
        pickle.dumps(linear())


def test_conditions_are_features_on_their_natural_axis() -> None:
    t = np.array([280.0, 300.0, 320.0, 340.0, 360.0, 380.0])
    table = PropertyTable(
        None, "recipe", (Property("p", "Pa", "log"),), np.exp(20 - 5000 / t)[:, None],
        conditions=(Condition("T", "K"),), condition_values=t[:, None],
    )  # fmt: skip
    inverse = ConditionMap("T", transform="1/T")

    @program(properties=("p",), features={"inverse": inverse}, sampler=Laplace(), n_draws=64)
    def arrhenius(inverse: Tensor, observations: Observations) -> Tensor:
        a = pyro.sample("a", dist.Normal(torch.zeros((), dtype=torch.float64), 1.0))
        b = pyro.sample("b", dist.Normal(torch.zeros((), dtype=torch.float64), 5.0))
        f = a + b * (inverse - 0.003) / 0.0004
        observations.observe(f, scale=torch.full((1,), 0.01, dtype=torch.float64))
        return f

    fitted = fit(arrhenius, table, seed=0, explain=False)
    assert fitted.report.conditions == ("1/T",)
    far = fitted.predict(conditions={"T": [400.0, 270.0]}).median[:, 0]
    assert far == pytest.approx(np.exp(20 - 5000 / np.array([400.0, 270.0])), rel=0.05)


def test_conditions_are_not_taken_from_a_table_without() -> None:
    @program(properties=("p0",), features={"phi": Coordinates(1)})
    def warm(phi: Tensor, conditions: Tensor, observations: Observations) -> Tensor:
        f = phi * conditions[:, :1]
        observations.observe(f, scale=torch.ones(1, dtype=torch.float64))
        return f

    with pytest.raises(ModelError, match="'warm' takes conditions, and the table has none"):
        warm.inputs(normal(3, 1), axes(1))

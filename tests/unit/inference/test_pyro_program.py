"""A program as a density: Jacobians, batches, and everything that programs may hold."""

from __future__ import annotations

import math
from collections.abc import Callable

import pyro
import pyro.distributions as dist
import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from bayesmat.errors import InferenceError
from bayesmat.inference.moves import evaluate
from bayesmat.inference.pyro_program import DoublePrecision, ProgramTarget, noncentred, seeded


def constrained() -> None:
    a = pyro.sample("a", dist.HalfNormal(1.0))
    pyro.sample("b", dist.Beta(2.0, 5.0))
    pyro.sample("c", dist.Dirichlet(torch.tensor([1.0, 2.0, 3.0])))
    pyro.sample("L", dist.LKJCholesky(3, 2.0))
    with pyro.plate("group", 4):
        t = pyro.sample("t", dist.Normal(0.0, a))
    pyro.deterministic("total", t.sum())
    pyro.sample("y", dist.Normal(t.mean(), 0.5), obs=torch.tensor(0.3))
    pyro.factor("penalty", -t.square().sum())


@pytest.mark.parametrize(
    ("site", "low", "high", "n"),
    [
        (dist.HalfNormal(2.0), [-12.0], [3.0], 3000),
        (dist.LogNormal(0.5, 0.7), [-6.0], [7.0], 3000),
        (dist.Beta(2.0, 5.0), [-12.0], [7.0], 3000),
        (dist.Uniform(-1.0, 3.0), [-20.0], [20.0], 3000),
        (dist.Dirichlet(torch.tensor([1.5, 2.0, 3.0])), [-12.0] * 2, [8.0] * 2, 150),
        (dist.LKJCholesky(2, 2.0), [-9.0], [9.0], 3000),
        (dist.LKJCholesky(3, 2.0), [-6.0] * 3, [6.0] * 3, 40),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, torch.distributions.Distribution) else "",
)
def test_the_density_of_u_integrates_to_one(
    site: dist.Distribution, low: list[float], high: list[float], n: int
) -> None:
    """With a wrong log-Jacobian it would not."""
    target = ProgramTarget.of(lambda: pyro.sample("x", site))
    axes = [torch.linspace(a, b, n, dtype=torch.float64) for a, b in zip(low, high, strict=True)]
    u = torch.cartesian_prod(*axes).reshape(-1, len(axes))
    with torch.no_grad():
        log_prior, log_likelihood = target(u)
    cell = math.prod((b - a) / (n - 1) for a, b in zip(low, high, strict=True))
    assert float(log_prior.exp().sum()) * cell == pytest.approx(1, abs=2e-3)
    assert (log_likelihood == 0).all()


def test_a_batch_is_its_vectors_one_by_one() -> None:
    target = ProgramTarget.of(constrained)
    assert target.is_vectorised
    assert target.dimension == 1 + 1 + 2 + 3 + 4
    u = target.prior_draws(6, seed=1)
    assert u.dtype == torch.float64
    looped = ProgramTarget(target.model, target.sites, False)
    for fast, slow in zip(target(u), looped(u), strict=True):
        assert torch.allclose(fast, slow, rtol=1e-12)
    of_batch, of_loop = evaluate(target, u)[2], evaluate(looped, u)[2]
    for fast, slow in zip(of_batch, of_loop, strict=True):
        assert torch.allclose(fast, slow, rtol=1e-9)
        assert fast.abs().sum() > 0


def test_prior_and_likelihood_are_what_the_program_says() -> None:
    target = ProgramTarget.of(constrained)
    u = target.prior_draws(3, seed=0)
    sites = target.constrained(u)
    assert {k: v.shape[1:] for k, v in sites.items()} == {
        "a": (), "b": (), "c": (3,), "L": (3, 3), "t": (4,),
    }  # fmt: skip
    assert (sites["a"] > 0).all()
    assert torch.allclose(sites["c"].sum(-1), torch.ones(3).double())
    assert torch.allclose(sites["L"].square().sum(-1), torch.ones(3, 3).double())
    log_prior, log_likelihood = target(u)
    t = sites["t"]
    expected = Normal(t.mean(-1), 0.5).log_prob(torch.tensor(0.3)) - t.square().sum(-1)
    assert torch.allclose(log_likelihood, expected)
    moved = u.clone()
    moved[:, -4:] += 0.1
    change = target(moved)[0] - log_prior
    a = sites["a"][:, None]
    assert torch.allclose(
        change, (Normal(0, a).log_prob(t + 0.1) - Normal(0, a).log_prob(t)).sum(-1)
    )


def test_draws_of_the_prior_come_back_from_u() -> None:
    target = ProgramTarget.of(constrained)
    u = target.prior_draws(2, seed=5)
    again = torch.cat([target.prior_draws(1, seed=5), u[1:]])
    assert torch.equal(u, again)
    sites = target.constrained(u)
    for site in target.sites:
        assert torch.allclose(site.transform.inv(sites[site.name]).reshape(2, -1), u[:, site.part])


def branching() -> None:
    x = pyro.sample("x", dist.Normal(0, 1))
    scale = 0.5 if x > 0 else 2.0
    pyro.sample("y", dist.Normal(x, scale), obs=torch.tensor(1.0))


def test_control_flow_on_draws_is_run_in_a_loop() -> None:
    target = ProgramTarget.of(branching)
    assert not target.is_vectorised
    u = torch.tensor([[-1.0], [1.0]]).double()
    _, log_likelihood, (_, gradient) = evaluate(target, u)
    scale = torch.tensor([2.0, 0.5])
    assert torch.allclose(log_likelihood, Normal(u[:, 0], scale).log_prob(torch.tensor(1.0)))
    assert torch.allclose(gradient[:, 0], (1 - u[:, 0]) / scale**2)


def test_nan_is_impossible_and_stays_minus_infinity() -> None:
    def root() -> None:
        x = pyro.sample("x", dist.Normal(0, 1))
        pyro.factor("f", x.sqrt())

    def never() -> None:
        pyro.sample("x", dist.Normal(0, 1))
        pyro.factor("f", torch.tensor(-torch.inf))

    u = torch.tensor([[-1.0], [4.0]]).double()
    assert ProgramTarget.of(root)(u)[1].tolist() == [-math.inf, 2.0]
    assert torch.isneginf(ProgramTarget.of(never)(u)[1]).all()


def sometimes() -> None:
    x = pyro.sample("x", dist.Normal(0, 1))
    if x > 0:
        pyro.sample("z", dist.Normal(0, 1))


def moving_bound() -> None:
    x = pyro.sample("x", dist.HalfNormal(1.0))
    pyro.sample("z", dist.Uniform(0.0, x))


def growing() -> None:
    x = pyro.sample("x", dist.Normal(0.0, 1.0))
    pyro.sample("z", dist.Normal(0.0, 1.0).expand([1 + int(x > 0)]).to_event(1))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: pyro.sample("k", dist.Poisson(3.0)), r"\['k'\] are discrete.*sum them out"),
        (lambda: pyro.sample("y", dist.Normal(0, 1), obs=torch.tensor(1.0)), "no latent sample"),
        (sometimes, r"change from draw to draw"),
        (moving_bound, r"\['z'\] change from draw to draw.*bound \* fraction"),
        (growing, r"\['z'\] change from draw to draw"),
    ],
)
def test_programs_without_a_fixed_space_are_refused(
    model: Callable[[], object], words: str
) -> None:
    def try_seeds() -> None:
        for seed in range(6):
            ProgramTarget.of(model, seed=seed)

    with pytest.raises(InferenceError, match=words):
        try_seeds()


def test_global_state_is_left_as_found() -> None:
    def model() -> None:
        shift = pyro.param("shift", torch.tensor(1.0))
        x = pyro.sample("x", dist.Normal(0, 1))
        pyro.sample("y", dist.Normal(x + shift.detach(), 1.0), obs=torch.tensor(1.0))

    state, dtype = torch.random.get_rng_state(), torch.get_default_dtype()
    with pyro.get_param_store().scope():
        pyro.param("mine", torch.tensor(3.0))
        target = ProgramTarget.of(model)
        u = target.prior_draws(5, seed=1)
        evaluate(target, u)
        target.constrained(u)
        assert list(pyro.get_param_store().keys()) == ["mine"]
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_default_dtype() == dtype


def test_a_noncentred_site_has_the_distribution_of_a_centred_one() -> None:
    """p(x, s) of both forms, up to the constant of the change of variables."""

    def centred() -> None:
        s = pyro.sample("s", dist.HalfNormal(1.0))
        pyro.sample("x", dist.Normal(2.0, s).expand([2]).to_event(1))
        pyro.factor("f", -s)

    def products() -> None:
        s = pyro.sample("s", dist.HalfNormal(1.0))
        x = noncentred("x", torch.full((2,), 2.0), s)
        assert x.shape == (2,)
        pyro.factor("f", -s)

    one, two = ProgramTarget.of(centred), ProgramTarget.of(products)
    assert [s.name for s in two.sites] == ["s", "x_z"]
    u = two.prior_draws(5, seed=0)
    s, z = u[:, :1].exp(), u[:, 1:]
    v = torch.cat([u[:, :1], 2.0 + s * z], -1)
    direct, product = one(v), two(u)
    assert torch.allclose(direct[0] + 2 * s[:, 0].log(), product[0])
    assert torch.allclose(direct[1], product[1])


def test_the_shape_of_a_noncentred_site_is_that_of_its_parameters() -> None:
    with seeded(0), DoublePrecision():
        assert noncentred("a", 0.0, 1.0).shape == ()
        assert noncentred("b", torch.zeros(3, 1), torch.ones(2)).shape == (3, 2)
        assert noncentred("c", torch.zeros(2), 1.0).dtype == torch.float64


def test_everything_is_evaluated_in_double_precision() -> None:
    seen: list[torch.dtype] = []

    def model() -> None:
        x: Tensor = pyro.sample("x", dist.Normal(torch.zeros(2), 1.0).to_event(1))
        seen.append(x.dtype)
        pyro.sample("y", dist.Normal(x.sum(), 1.0), obs=torch.tensor(1.0))

    target = ProgramTarget.of(model)
    log_prior, log_likelihood = target(target.prior_draws(3, seed=0))
    assert set(seen) == {torch.float64}
    assert log_prior.dtype == log_likelihood.dtype == torch.float64

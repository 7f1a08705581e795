"""The NUTS wrapper: what it returns, what it leaves alone, what it says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyro
import pyro.distributions as dist
import pytest
import torch

from bayesmat.errors import InferenceError
from bayesmat.inference.nuts import NUTS
from bayesmat.inference.pyro_program import DoublePrecision, seeded
from bayesmat.inference.report import InferenceRun
from tests.unit.inference.targets import conjugate, conjugate_truth


def model() -> None:
    rate = pyro.sample("rate", dist.Gamma(2.0, 1.0))
    pyro.sample("slope", dist.MultivariateNormal(torch.zeros(2), torch.eye(2)))
    pyro.sample("y", dist.Normal(rate, 0.3), obs=torch.tensor(1.0))


@pytest.fixture(scope="module")
def run() -> InferenceRun:
    return NUTS(warmup=20, draws=60, chains=2, max_tree_depth=3)(model, seed=0)


def test_draws_come_by_site_and_chain_in_double_precision(run: InferenceRun) -> None:
    assert run.draws["rate"].shape == (2, 60)
    assert run.draws["slope"].shape == (2, 60, 2)
    assert all(v.dtype == torch.float64 for v in run.draws.values())
    assert (run.draws["rate"] > 0).all()
    assert not torch.equal(run.draws["rate"][0], run.draws["rate"][1])
    assert len(run.report.bfmi) == len(run.report.divergences) == 2
    assert "2 chains after 20 steps of warm-up: 120 draws" in str(run)


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


def test_a_conjugate_program_has_its_closed_form_posterior() -> None:
    """Bounds are 5 Monte Carlo errors."""
    _, mean, sd = conjugate_truth()
    run = NUTS(warmup=60, draws=100, chains=2, max_tree_depth=3)(conjugate, seed=0)
    table = run.report.table
    error = torch.tensor(table["mean"].to_numpy()) - mean
    assert (error.abs() < 5 * torch.tensor(table["mcse_mean"].to_numpy())).all()
    assert torch.allclose(torch.tensor(table["sd"].to_numpy()), sd, rtol=0.25)
    assert 0.6 < run.report.acceptance < 1.0
    assert all(0.4 < value < 1.8 for value in run.report.bfmi)
    assert run.report.are_chains
    assert run.report.restarts == 0


def test_the_seed_decides_and_every_chain_has_its_own() -> None:
    settings = NUTS(warmup=5, draws=8, chains=2, max_tree_depth=2)
    state = torch.random.get_rng_state()
    one, two, other = (settings(conjugate, seed=s).draws["u"] for s in (0, 0, 1))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert not torch.equal(one[0], one[1])
    assert torch.equal(torch.random.get_rng_state(), state)


def test_one_chain_is_said_not_to_show_convergence() -> None:
    report = NUTS(warmup=5, draws=8, chains=1, max_tree_depth=2)(conjugate, seed=0).report
    assert "One chain cannot show convergence" in report.problems[0]


def test_energies_give_the_missing_information_of_a_gaussian() -> None:
    """In d dimensions the potential has variance d/2 and each momentum adds d/2: BFMI is near 1."""

    def gaussian() -> None:
        pyro.sample("x", dist.Normal(0, 1).expand([10]).to_event(1))

    report = NUTS(warmup=50, draws=120, chains=1, max_tree_depth=3)(gaussian, seed=0).report
    assert 0.6 < report.bfmi[0] < 1.6


def test_every_transition_keeps_its_energy_and_whether_it_diverged() -> None:
    """A cliff: the density falls by e^(-1e5 x^2) on one side."""

    def cliff() -> None:
        x = pyro.sample("x", dist.Normal(0, 1))
        pyro.factor("f", -1e5 * x.clamp(min=0).square())

    run = NUTS(warmup=10, draws=30, chains=2, max_tree_depth=3)(cliff, seed=0)
    assert run.stats["diverging"].shape == run.stats["energy"].shape == (2, 30)
    assert tuple(run.stats["diverging"].sum(1).tolist()) == run.report.divergences
    assert sum(run.report.divergences) > 0
    assert torch.isfinite(run.stats["energy"]).all()


def test_a_chain_that_finds_no_start_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    real, tries = NUTS._attempt, []

    def fails_first(self: NUTS, *args: object) -> object:
        tries.append(args[-1])
        if args[-1] == 0:
            raise ValueError("cannot find valid initial params")
        return real(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(NUTS, "_attempt", fails_first)
    settings = NUTS(warmup=5, draws=8, chains=2, max_tree_depth=2)
    report = settings(conjugate, seed=0).report
    assert tries == [0, 1, 0, 1]
    assert report.restarts == 2
    assert "started again 2 times" in report.lines[0]


def test_a_chain_that_keeps_diverging_is_started_again_from_another_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = NUTS._attempt
    firsts = []

    def diverges(self: NUTS, *args: object) -> object:
        chain = real(self, *args)  # type: ignore[arg-type]
        firsts.append(float(chain.sites["u"][0, 0]))
        divergences = self.draws if args[-1] == 0 else 0
        return replace(chain, said=replace(chain.said, divergences=divergences))

    monkeypatch.setattr(NUTS, "_attempt", diverges)
    report = NUTS(warmup=2, draws=4, chains=1, max_tree_depth=2)(conjugate, seed=0).report
    assert len(set(firsts)) == 2
    assert report.divergences == (0,)
    assert report.restarts == 1
    firsts.clear()
    with_none = NUTS(warmup=2, draws=4, chains=1, max_tree_depth=2, restarts=0)
    assert with_none(conjugate, seed=0).report.divergences == (4,)
    assert len(firsts) == 1


class Killed(Exception):
    pass


def test_a_killed_run_continues_with_the_chains_that_were_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = NUTS(warmup=5, draws=8, chains=3, max_tree_depth=2)
    whole = settings(conjugate, seed=4)
    path = tmp_path / "run.safetensors"
    real, done = NUTS._attempt, []

    def killed_in_the_third(self: NUTS, *args: object) -> object:
        if len(done) == 2:
            raise Killed
        done.append(1)
        return real(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(NUTS, "_attempt", killed_in_the_third)
    with pytest.raises(Killed):
        settings(conjugate, seed=4, checkpoint=path)
    assert [p.name for p in sorted(tmp_path.iterdir())] == [
        "run-chain-0.safetensors",
        "run-chain-1.safetensors",
    ]
    done.clear()

    def counted(self: NUTS, *args: object) -> object:
        done.append(1)
        return real(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(NUTS, "_attempt", counted)
    rest = settings(conjugate, seed=4, checkpoint=path)
    assert len(done) == 1
    assert torch.equal(rest.draws["u"], whole.draws["u"])
    assert rest.report.bfmi == whole.report.bfmi
    assert torch.equal(rest.stats["energy"], whole.stats["energy"])
    assert rest.stats["diverging"].dtype == torch.bool
    assert rest.report.acceptance == pytest.approx(whole.report.acceptance)
    with pytest.raises(InferenceError, match="other data, prior, settings or seed"):
        settings(conjugate, seed=5, checkpoint=path)
    with pytest.raises(InferenceError, match="belongs to another run"):
        settings(conjugate, seed=4, checkpoint=path, key=("data", torch.zeros(2)))
    (tmp_path / "run-chain-1.safetensors").write_bytes(b"nonsense")
    with pytest.raises(InferenceError, match=r"not a readable checkpoint .*delete it"):
        settings(conjugate, seed=4, checkpoint=path)

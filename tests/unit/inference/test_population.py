"""Tempered SMC: closed forms, two modes, constrained sites, seeds and checkpoints.

False alarm rate of this file: below 2e-3 (bounds of 4 to 5 Monte Carlo errors, or 1e-4 each).
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pyro
import pyro.distributions as dist
import pytest
import torch
from scipy import stats
from torch import Tensor

from bayesmat.errors import InferenceError
from bayesmat.inference.moves import HMC, MALA, MoveRule, RandomWalk, standard_normal
from bayesmat.inference.population import SMC
from bayesmat.inference.report import InferenceRun
from tests.unit.inference.targets import TwoModes, conjugate, conjugate_truth

MOVES: dict[str, MoveRule] = {"walk": RandomWalk(), "hmc": HMC(), "mala": MALA()}


@pytest.mark.parametrize("move", MOVES)
def test_a_conjugate_program_has_its_closed_form_posterior(move: str) -> None:
    log_z, mean, sd = conjugate_truth()
    run = SMC(n=400, final_sweeps=3, kept=4, move=MOVES[move])(conjugate, seed=1)
    table = run.report.table
    assert list(table.index) == ["u[0]", "u[1]", "u[2]"]
    found = torch.tensor(table["mean"].to_numpy())
    assert ((found - mean).abs() < 5 * torch.tensor(table["mcse_mean"].to_numpy())).all()
    assert torch.allclose(torch.tensor(table["sd"].to_numpy()), sd, rtol=0.15)
    assert abs(run.report.log_evidence - log_z) < 5 * run.report.log_evidence_sd
    assert 0.03 < run.report.log_evidence_sd < 0.3
    assert run.draws["u"].shape == (1, 1600, 3)
    assert run.report.n_draws == 1600
    assert run.families is not None
    assert run.report.n_families == len(run.families.unique())


@pytest.mark.parametrize("move", MOVES)
def test_two_modes_are_found_with_their_weights(move: str) -> None:
    """NUTS would stay in one. Ten runs: bounds are 4 standard errors over runs."""
    target = TwoModes()
    weights, evidences = [], []
    for seed in range(10):
        found = SMC(n=256, move=MOVES[move]).run(target, target.draws(256, seed), seed=100 + seed)
        weights.append(float((found.u[:, 0] > 0).double().mean()))
        evidences.append(found.report.log_evidence - target.log_evidence)
    share, z = torch.tensor(weights), torch.tensor(evidences)
    assert float(share.mean()) == pytest.approx(0.7, abs=4 * float(share.std()) / math.sqrt(10))
    assert float(share.std()) < 0.12
    assert float(z.mean()) == pytest.approx(0, abs=4 * float(z.std()) / math.sqrt(10) + 0.02)


def constrained() -> None:
    pyro.sample("a", dist.HalfNormal(2.0))
    pyro.sample("b", dist.Beta(2.0, 5.0))
    pyro.sample("c", dist.Dirichlet(torch.tensor([1.0, 2.0, 3.0])))
    pyro.sample("L", dist.LKJCholesky(3, 2.0))
    pyro.factor("f", torch.tensor(0.7))


@pytest.fixture(scope="module")
def flat() -> InferenceRun:
    return SMC(n=500, final_sweeps=5, move=HMC())(constrained, seed=0)


def test_a_flat_likelihood_leaves_the_prior_as_it_is(flat: InferenceRun) -> None:
    """29 sweeps would carry the particles away if a log-Jacobian were wrong."""
    draws = {name: v[0] for name, v in flat.draws.items()}
    exact = [
        (draws["a"], stats.halfnorm(scale=2).cdf),
        (draws["b"], stats.beta(2, 5).cdf),
        *((draws["c"][:, i], stats.beta(a, 6 - a).cdf) for i, a in enumerate((1, 2, 3))),
    ]
    correlation = draws["L"] @ draws["L"].transpose(-1, -2)
    for i, j in ((1, 0), (2, 0), (2, 1)):
        exact.append((0.5 * (1 + correlation[:, i, j]), stats.beta(2.5, 2.5).cdf))
    for values, cdf in exact:
        assert stats.kstest(values.numpy(), cdf).pvalue > 1e-4
    assert flat.report.log_evidence == pytest.approx(0.7, abs=1e-6)
    assert flat.report.problems == ()


def test_an_informative_likelihood_gives_the_posterior_of_a_constrained_site() -> None:
    """Beta prior, binomial counts: Beta(2 + 7, 5 + 3), evidence beta-binomial."""

    def model() -> None:
        p = pyro.sample("p", dist.Beta(2.0, 5.0))
        pyro.sample("k", dist.Binomial(10, p), obs=torch.tensor(7.0))

    run = SMC(n=1000, final_sweeps=3)(model, seed=0)
    exact = stats.beta(9, 8)
    row = run.report.table.loc["p"]
    assert row["mean"] == pytest.approx(exact.mean(), abs=5 * row["mcse_mean"])
    assert row["sd"] == pytest.approx(exact.std(), rel=0.1)
    truth = stats.betabinom(10, 2, 5).logpmf(7)
    assert run.report.log_evidence == pytest.approx(truth, abs=5 * run.report.log_evidence_sd)


def test_the_seed_decides_and_global_generators_rest() -> None:
    state = torch.random.get_rng_state()
    smc = SMC(n=32, sweeps=1, final_sweeps=1)
    one, two, other = (smc(conjugate, seed=s).draws["u"] for s in (3, 3, 4))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_moves_do_not_repeat_the_numbers_that_drew_the_particles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, seeds = SMC.run, []

    def spy(self: SMC, *args: object, seed: int, **rest: object) -> object:
        seeds.append(seed)
        return real(self, *args, seed=seed, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(SMC, "run", spy)
    SMC(n=16, sweeps=1, final_sweeps=1)(conjugate, seed=5)
    assert not set(seeds) & set(range(10))


def test_particles_that_cannot_move_are_said_to_remember() -> None:
    frozen = SMC(n=64, move=HMC(leapfrogs=1, target_accept=0.999), final_sweeps=1)
    good = SMC(n=64)(conjugate, seed=0).report
    assert good.memory < 0.5
    assert not any("remember" in problem for problem in good.problems)
    stuck = replace(frozen(conjugate, seed=0).report, memory=0.9)
    assert "remember where they were before the last sweep" in " ".join(stuck.problems)


def test_kept_populations_are_the_last_sweeps() -> None:
    def log_likelihood(u: Tensor) -> Tensor:
        return -u.square().sum(-1)

    u = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    one = SMC(n=50, kept=1, final_sweeps=6).run(standard_normal(log_likelihood), u, seed=0)
    four = SMC(n=50, kept=4, final_sweeps=6).run(standard_normal(log_likelihood), u, seed=0)
    assert one.u.shape == (50, 2)
    assert four.u.shape == (200, 2)
    assert torch.equal(four.families[:50], four.families[150:])
    assert four.report.n_evaluations == one.report.n_evaluations + 3 * 50 * HMC().cost


class Killed(Exception):
    pass


def killed_after(smc: SMC, calls: int, path: Path) -> None:
    """Run until the target has been called so many times."""
    left = [calls]

    def target(u: Tensor) -> tuple[Tensor, Tensor]:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return TwoModes()(u)

    with pytest.raises(Killed):
        smc.run(target, TwoModes().draws(64, 0), seed=1, checkpoint=path)


def test_a_killed_run_continues_as_if_nothing_had_happened(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    smc = SMC(n=64, sweeps=2, final_sweeps=2, kept=2, move=HMC(leapfrogs=2))
    u = TwoModes().draws(64, 0)
    whole = smc.run(TwoModes(), u, seed=1)
    killed_after(smc, 52, path)
    assert path.exists()
    calls = []

    def counted(v: Tensor) -> tuple[Tensor, Tensor]:
        calls.append(len(v))
        return TwoModes()(v)

    rest = smc.run(counted, u, seed=1, checkpoint=path)
    assert torch.equal(rest.u, whole.u)
    assert torch.equal(rest.families, whole.families)
    assert rest.report.log_evidence == whole.report.log_evidence
    assert len(calls) < whole.report.n_evaluations // 64
    finished = SMC(64, 2, 2, 2, HMC(leapfrogs=2), progress=False)
    again = finished.run(TwoModes(), u, seed=1, checkpoint=path)
    assert torch.equal(again.u, whole.u)


def test_a_checkpoint_of_another_seed_or_problem_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    smc = SMC(n=64, sweeps=1, final_sweeps=1)
    u = TwoModes().draws(64, 0)
    smc.run(TwoModes(), u, seed=1, checkpoint=path)
    with pytest.raises(InferenceError, match="other data, prior, settings or seed"):
        smc.run(TwoModes(), u, seed=2, checkpoint=path)
    with pytest.raises(InferenceError, match="belongs to another run"):
        smc.run(lambda v: (TwoModes()(v)[0], -v.sum(-1)), u, seed=1, checkpoint=path)
    with pytest.raises(InferenceError, match="belongs to another run"):
        SMC(n=64, sweeps=2, final_sweeps=1).run(TwoModes(), u, seed=1, checkpoint=path)
    path.write_bytes(b"nonsense")
    with pytest.raises(InferenceError, match="not a readable checkpoint"):
        smc.run(TwoModes(), u, seed=1, checkpoint=path)


def test_impossible_data_are_explained() -> None:
    def impossible() -> None:
        pyro.sample("x", dist.Normal(0, 1))
        pyro.factor("f", torch.tensor(-torch.inf))

    with pytest.raises(InferenceError, match="Every particle has likelihood zero"):
        SMC(n=16)(impossible, seed=0)


def test_a_likelihood_that_becomes_infinite_on_the_way_is_an_error() -> None:
    def spike(u: Tensor) -> Tensor:
        return torch.where(u[:, 0] > 3.4, math.inf, 30 * u[:, 0])

    u = torch.rand(64, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with pytest.raises(InferenceError, match=r"is NaN or \+inf"):
        SMC(n=64, sweeps=20).run(standard_normal(spike), u, seed=0)


def test_a_program_with_control_flow_says_that_it_was_slow() -> None:
    def branching() -> None:
        x = pyro.sample("x", dist.Normal(0, 1))
        pyro.sample("y", dist.Normal(x if x > 0 else -x, 0.5), obs=torch.tensor(1.0))

    run = SMC(n=40, sweeps=1, final_sweeps=1)(branching, seed=0)
    assert "one particle at a time" in run.report.method
    assert run.draws["x"].dtype == torch.float64

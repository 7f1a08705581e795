"""Verdicts on chains whose state is known, and on fits."""

from __future__ import annotations

import pyro
import pyro.distributions as dist
import pytest
import torch

from bayesmat.check import convergence
from bayesmat.errors import InferenceError
from bayesmat.inference.population import SMC
from tests.unit.models.helpers import axes, chain_graph, observations


def _normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_independent_draws_converge_with_full_sample_size() -> None:
    found = convergence({"a": _normal(4, 1000), "w": 3 + 2 * _normal(4, 1000, 2)})
    assert list(found.table.index) == ["a", "w[0]", "w[1]"]
    assert found.problems == found.suspects == ()
    assert found.max_r_hat < 1.01
    assert found.table.loc["a", "ess_bulk"] == pytest.approx(4000, rel=0.2)
    assert found.table.loc["w[1]", "mean"] == pytest.approx(3, abs=0.1)
    assert found.table.loc["w[1]", "sd"] == pytest.approx(2, abs=0.1)
    assert found.table.loc["a", "mcse_mean"] == pytest.approx(1 / 4000**0.5, rel=0.2)
    assert str(found).startswith("Chains: 4000 draws, smallest ESS 3")
    assert "nan" not in str(found)


def test_a_chain_elsewhere_is_found() -> None:
    draws = _normal(4, 500)
    draws[2] += 3
    found = convergence({"good": _normal(4, 500), "bad": draws.numpy()})
    assert found.suspects == ("bad",)
    assert any("R-hat exceeds 1.01 for bad" in problem for problem in found.problems)


def test_autocorrelated_chains_have_few_effective_draws() -> None:
    walk = _normal(4, 500)
    for t in range(1, 500):
        walk[:, t] = 0.95 * walk[:, t - 1] + (1 - 0.95**2) ** 0.5 * walk[:, t]
    found = convergence({"a": walk})
    assert found.table.loc["a", "ess_bulk"] < 200
    assert found.suspects == ("a",)


def test_one_chain_never_claims_convergence() -> None:
    found = convergence({"a": _normal(1, 2000)})
    assert found.suspects == ()
    assert len(found.problems) == 1
    assert "run at least two" in found.problems[0]


def test_runs_and_fits_know_their_own_report() -> None:
    def model() -> None:
        pyro.sample("x", dist.Normal(0, 1))

    run = SMC(n=16, sweeps=1, final_sweeps=1)(model, seed=0)
    assert convergence(run) is run.report
    y = torch.zeros(2, dtype=torch.float64)
    graph, X = chain_graph(1), torch.rand(2, 2, dtype=torch.float64)
    fitted = graph.condition(observations([(0, 0), (1, 0)], y, 2, 1), X, layout=axes(), seed=0)
    found = convergence(fitted)
    assert "p0: noise" in found.table.index
    assert not found.are_chains


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(InferenceError, match="chains, draws"):
        convergence({"a": torch.zeros(10)})
    with pytest.raises(InferenceError, match=r"not finite: \{'a': 1\}"):
        convergence({"a": torch.tensor([[0.0, 1.0, float("nan"), 2.0]])})
    with pytest.raises(InferenceError, match="one run"):
        convergence({"a": _normal(2, 10), "b": _normal(2, 11)})
    with pytest.raises(InferenceError, match="list holds no draws by name"):
        convergence([1.0])  # type: ignore[arg-type]

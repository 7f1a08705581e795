"""Verdicts on chains whose state is known."""

from __future__ import annotations

import pytest
import torch

from bayesmat.check import convergence
from bayesmat.errors import InferenceError


def _normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_independent_draws_converge_with_full_sample_size() -> None:
    found = convergence({"a": _normal(4, 1000), "w": 3 + 2 * _normal(4, 1000, 2)})
    assert list(found.table.index) == ["a", "w[0]", "w[1]"]
    assert found.is_converged
    assert found.table["r_hat"].max() < 1.01
    assert found.table.loc["a", "ess_bulk"] == pytest.approx(4000, rel=0.2)
    assert found.table.loc["w[1]", "mean"] == pytest.approx(3, abs=0.1)
    assert found.table.loc["w[1]", "sd"] == pytest.approx(2, abs=0.1)
    assert found.table.loc["a", "mcse_mean"] == pytest.approx(1 / 4000**0.5, rel=0.2)
    assert "No sign of trouble" in str(found)


def test_a_chain_elsewhere_is_found() -> None:
    draws = _normal(4, 500)
    draws[2] += 3
    found = convergence({"good": _normal(4, 500), "bad": draws})
    assert found.suspects == ("bad",)
    assert not found.is_converged
    assert "Not converged: bad" in str(found)


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
    assert not found.is_converged
    assert "run at least two" in str(found)


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(InferenceError, match="chains, draws"):
        convergence({"a": torch.zeros(10)})
    with pytest.raises(InferenceError, match="1 draws that are not finite"):
        convergence({"a": torch.tensor([[0.0, 1.0, float("nan"), 2.0]])})
    with pytest.raises(InferenceError, match="one run"):
        convergence({"a": _normal(2, 10), "b": _normal(2, 11)})

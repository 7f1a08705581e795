"""The bridge to ArviZ keeps numbers, names and labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bayesmat.check import to_arviz
from bayesmat.errors import InferenceError
from bayesmat.inference.report import InferenceReport
from bayesmat.inference.smc import SMCRun
from bayesmat.models.report import FitReport


def test_draws_keep_their_numbers_and_labels() -> None:
    f = torch.arange(24.0).reshape(4, 3, 2)
    data = to_arviz(
        {"f": f, "noise": torch.arange(4.0)},
        dims={"f": ("material", "property")},
        coords={"material": ("C", "CC", "CCC"), "property": ("gap", "dipole"), "unused": ("x",)},
    )
    posterior = data["posterior"]
    assert posterior["f"].dims == ("chain", "draw", "material", "property")
    picked = posterior["f"].sel(material="CC", property="dipole").values
    np.testing.assert_array_equal(picked, f[None, :, 1, 1].numpy())
    assert "unused" not in posterior.coords


def test_chains_are_kept_apart() -> None:
    data = to_arviz({"a": torch.zeros(3, 7)}, chains=True, log_likelihood=torch.zeros(3, 7, 5))
    assert dict(data["posterior"].sizes) == {"chain": 3, "draw": 7}
    assert data["log_likelihood"]["y"].shape == (3, 7, 5)


def test_weighted_particles_are_resampled_with_their_log_likelihood() -> None:
    rho = torch.arange(1000.0)
    log_weights = torch.where(rho < 500, -torch.inf, 0.0).double()
    data = to_arviz({"rho": rho}, log_likelihood=rho[:, None], log_weights=log_weights)
    drawn = data["posterior"]["rho"].values[0]
    assert drawn.min() >= 500
    assert drawn.mean() == pytest.approx(749.5, abs=1)
    np.testing.assert_array_equal(data["log_likelihood"]["y"].values[0, :, 0], drawn)


def test_a_fit_report_shows_hyperparameters_and_shares() -> None:
    shares = {"gap": {"networks": torch.full((5,), 0.3)}}
    report = FitReport(
        40, InferenceReport("grid", 0.1), {"gap: noise": torch.ones(5)}, shares, None
    )
    posterior = to_arviz(report)["posterior"]
    assert set(posterior.data_vars) == {"gap: noise", "gap: share of networks"}
    assert float(posterior["gap: share of networks"].mean()) == pytest.approx(0.3)


def test_smc_runs_over_tensors_and_over_names() -> None:
    tensor = SMCRun(torch.ones(6, 2), torch.zeros(6), 0.0, 0.0, (), torch.arange(6))
    assert to_arviz(tensor)["posterior"]["particles"].shape == (1, 6, 2)
    named = SMCRun({"a": torch.ones(6)}, torch.zeros(6), 0.0, 0.0, (), torch.arange(6))
    assert to_arviz(named)["posterior"]["a"].shape == (1, 6)


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(InferenceError, match="list holds no draws"):
        to_arviz([1.0, 2.0])  # type: ignore[arg-type]
    with pytest.raises(InferenceError, match="disagree"):
        to_arviz({"a": torch.zeros(3), "b": torch.zeros(4)})
    with pytest.raises(InferenceError, match="one name each"):
        to_arviz({"a": torch.zeros(3, 2)}, dims={"a": ("x", "y")})
    with pytest.raises(InferenceError, match="one label each"):
        to_arviz({"a": torch.zeros(3, 2)}, dims={"a": ("x",)}, coords={"x": ("one",)})
    with pytest.raises(InferenceError, match="chains=True"):
        to_arviz({"a": torch.zeros(3)}, chains=True)

"""The parts that docs/extending.md builds work wherever ours do, the third kind of model first.

The page is run as printed; what it makes is then held to the laws of the protocol it is said to be.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyro.distributions as dist
import pytest
import torch

import bayesmat as bm
from bayesmat import check
from bayesmat.data.table import Property, PropertyTable
from bayesmat.models.base import Fitted, fit
from tests.contracts.page import PAGE
from tests.contracts.page import page as made
from tests.docs.blocks import ROOT

N = 14
NOISE = 0.2


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    return made()


@pytest.fixture(scope="module")
def fitted(page: dict[str, Any]) -> Fitted:
    rng = np.random.default_rng(0)
    values = np.arange(1.0, N + 1)[:, None] + NOISE * 4.0 * rng.normal(size=(N, 1))
    materials = tuple("C" * n + "O" for n in range(1, N + 1))
    table = PropertyTable(materials, "smiles", (Property("n", "K"),), values)
    prior = page["Ridge"]("n", bm.FeatureMap((page["Length"](),)), NOISE)
    return fit(prior, table, seed=0)


def test_it_predicts_what_the_formula_says(fitted: Fitted) -> None:
    X = fitted.layout(fitted.table.materials)
    y, noise = fitted.model.observations.y, NOISE**2 * torch.eye(N, dtype=torch.float64)
    K = 1 + X @ X.T
    expected = K @ torch.linalg.solve(K + noise, y)
    got = fitted.model.marginals(X, chunk=5).mean[0, :, 0]
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-8)
    prediction = fitted.predict(["CCCO", "CO"])
    assert prediction.lower[0, 0] < 3.0 < prediction.upper[0, 0]
    assert prediction.domain_distance.shape == (2,)


def test_it_is_left_out_without_a_refit(fitted: Fitted) -> None:
    found = check.loo(fitted)
    assert fitted.report.loo is not None
    assert fitted.report.loo.elpd == pytest.approx(found.elpd)
    for i in (0, 6, N - 1):
        rest = [j for j in range(N) if j != i]
        refit = fit(fitted.prior, fitted.table.subset(rest), seed=0)
        cell = refit.model.marginals(refit.layout([fitted.table.materials[i]]))
        mean, sd = cell.mean[0, 0, 0], (cell.variance[0, 0, 0] + NOISE**2).sqrt()
        z = refit.scales[0].to_model(torch.as_tensor(fitted.table.values[i, 0]))
        stretch = np.log(refit.scales[0].sd / fitted.scales[0].sd)
        expected = float(dist.Normal(mean, sd).log_prob(z)) - stretch
        assert float(found.log_density[i]) == pytest.approx(expected, abs=1e-6)


def test_it_is_checked_by_simulated_data(fitted: Fitted) -> None:
    found = check.posterior_predictive(fitted, n=300, seed=0)
    assert min(found.probabilities.values()) > 0.01
    broken = fitted.table.values.copy()
    broken[3] *= 40
    table = PropertyTable(fitted.table.materials, "smiles", fitted.table.properties, broken)
    assert check.posterior_predictive(fit(fitted.prior, table, seed=0), seed=0).problems


def test_arviz_reads_it(fitted: Fitted) -> None:
    data = check.to_arviz(fitted)
    assert data["log_likelihood"]["y"].shape == (1, 1, N)
    assert data["posterior"]["noise"].values.ravel().tolist() == [NOISE]
    np.testing.assert_allclose(data["observed_data"]["y"], fitted.table.values[:, 0], rtol=1e-12)


def test_the_doctor_examines_it(fitted: Fitted, tmp_path: Path) -> None:
    checkup = bm.doctor(fitted)
    assert {finding.verdict for finding in checkup.findings} <= {"fine", "look", "unknown"}
    assert checkup.about("calibration")[0].verdict == "fine"
    assert "Left-out predictions" in checkup.save(tmp_path / "checkup.html").read_text("utf-8")


def test_new_cells_update_it(fitted: Fitted) -> None:
    table = fitted.table
    more = PropertyTable(
        (*table.materials, "C" * (N + 1) + "O"), "smiles", table.properties,
        np.vstack([table.values, [[N + 1.0]]]),
    )  # fmt: skip
    updated = fitted.update(more, seed=0)
    assert updated.model.observations.n_cells == N + 1
    assert check.loo(updated).n == N + 1


def test_it_cannot_be_saved_until_it_says_how(fitted: Fitted, tmp_path: Path) -> None:
    with pytest.raises(bm.BayesmatError, match=r"method state\(\)"):
        fitted.save(tmp_path / "fit.safetensors")


def test_relevance_says_what_it_needs(fitted: Fitted) -> None:
    with pytest.raises(bm.BayesmatError, match="property graph"):
        bm.relevance(fitted)


def test_a_campaign_of_the_page_alone(page: dict[str, Any], tmp_path: Path) -> None:
    said = page["search"](f"sqlite:///{tmp_path / 'search.db'}")
    assert "2 rounds" in said
    assert "failed" in said


def test_the_page_finds_a_point_and_a_score(page: dict[str, Any], fitted: Fitted) -> None:
    bounds = torch.tensor([[1.0], [20.0]], dtype=torch.float64)
    best = page["nearest"](fitted, bm.Within("n", 5.0, 7.0), bounds)
    assert 5.0 <= float(best) <= 9.0
    assert page["short"](["CCO", "C"]).tolist() == [-3.0, -1.0]
    assert page["program"].properties == ("Tb", "Tm")


def test_the_suites_that_it_names_are_there_with_their_lists() -> None:
    rows = re.findall(
        r"^\| .* \| `(tests/\S+)` \| (.*) \|$", (ROOT / PAGE).read_text("utf-8"), re.M
    )
    assert len(rows) >= 11
    for suite, place in rows:
        name, *elsewhere = re.findall(r"`([^`]+)`", place)
        text = (ROOT / (elsewhere[0] if elsewhere else suite)).read_text("utf-8")
        assert re.search(rf"^(def )?{name}\b", text, re.M), f"{suite} has no {name}"

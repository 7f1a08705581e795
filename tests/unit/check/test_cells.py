"""Predictions of cells: closed forms of Gaussians, mixtures, and both kinds of scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import optimize, stats

from bayesmat.check import HeldOut, crps_gaussian, nll_gaussian
from bayesmat.data.table import Property, Scale

from .helpers import known


def test_scores_of_gaussians_are_the_closed_forms() -> None:
    held = known(50)
    mean, sd = held.mean, held.sd
    torch.testing.assert_close(held.crps, crps_gaussian(held.y, mean, sd))
    torch.testing.assert_close(held.nll, nll_gaussian(held.y, mean, sd))
    torch.testing.assert_close(held.pit, torch.special.ndtr(held.z))
    quantile = held.quantile(0.9)
    torch.testing.assert_close(quantile, mean + stats.norm.ppf(0.9) * sd, rtol=0, atol=1e-9)


def test_a_log_property_is_judged_on_its_logarithm() -> None:
    rng = np.random.default_rng(0)
    mean = rng.normal(size=30)
    y = np.exp(mean + 0.3 * rng.normal(size=30))
    held = HeldOut.of(
        Property("k", "W/m/K", "log"), y, mean, np.full(30, 0.3), materials=[*"abc"] * 10
    )
    np.testing.assert_allclose(held.z, (np.log(y) - mean) / 0.3)
    frame = held.to_frame()
    np.testing.assert_allclose(frame["measured"], y)
    np.testing.assert_allclose(frame["median"], np.exp(mean), rtol=1e-6)
    np.testing.assert_allclose(frame["observation sd"], 0.3)
    assert held.summary()["k", "sharpness"].value == pytest.approx(0.3)


def test_quantiles_of_a_weighted_mixture_solve_its_cdf() -> None:
    one = known(1)
    means = torch.tensor([[-1.0], [2.0], [50.0]], dtype=torch.float64)
    sds = torch.tensor([[0.5], [1.0], [1.0]], dtype=torch.float64)
    weights = torch.tensor([[0.3], [0.7], [0.0]], dtype=torch.float64)
    cells = replace(one, means=means, latent_sds=0.6 * sds, noise_sds=0.8 * sds, weights=weights)

    def cdf(x: float) -> float:
        return 0.3 * stats.norm.cdf(x, -1, 0.5) + 0.7 * stats.norm.cdf(x, 2, 1)

    for p in (0.001, 0.3, 0.95):
        expected = optimize.brentq(lambda x, p=p: cdf(x) - p, -10, 10)
        assert float(cells.quantile(p)) == pytest.approx(expected, abs=1e-8)
    assert float(cells.mean) == pytest.approx(-0.3 + 1.4)
    within = 0.3 * 0.25 + 0.7
    between = 0.3 * 0.7 * 9
    assert float(cells.sd) == pytest.approx(np.sqrt(within + between))
    assert float(cells.latent_sd) == pytest.approx(np.sqrt(0.36 * within + between))


def test_another_scale_changes_units_only() -> None:
    held = known(40, prop=Property("k", "W/m/K", "log"))
    other = held.in_scales([Scale(True, 3.0, 0.25)])
    ratio = held.scales[0].sd / 0.25
    torch.testing.assert_close(other.z, held.z)
    torch.testing.assert_close(other.pit, held.pit)
    torch.testing.assert_close(other.crps, held.crps * ratio)
    torch.testing.assert_close(other.nll, held.nll + np.log(ratio))
    np.testing.assert_allclose(other.to_frame()["crps"], held.to_frame()["crps"])
    np.testing.assert_allclose(other.to_frame()["measured"], held.to_frame()["measured"])

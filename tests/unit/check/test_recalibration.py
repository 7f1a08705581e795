"""The factor finds a known one, is judged on other materials, and is applied only when asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bayesmat.check import Recalibration, kfold, recalibrate
from bayesmat.data.table import Property
from bayesmat.errors import DataError
from bayesmat.models.base import fit

from .helpers import known, pair, plane, smooth


@pytest.mark.parametrize("score", ["nll", "crps"])
@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_factor_undoes_a_wrong_sd(factor: float, score: str) -> None:
    """Within 15 % of it, four standard errors of 400 values."""
    held = known(400, factor)
    found = recalibrate(held, score=score)
    assert found.factors["gap"].value == pytest.approx(1 / factor, rel=0.15)
    if score == "nll":  # the maximum likelihood factor of Gaussians is the rms of z
        rms = float(held.z.square().mean().sqrt())
        assert found.factors["gap"].value == pytest.approx(rms, rel=1e-3)
    assert found.after["gap", "mean z^2"].value == pytest.approx(1.0, abs=0.3)
    assert found.after["gap", "coverage 90%"].value == pytest.approx(0.9, abs=0.06)


def test_intervals_of_the_factor_hold_the_truth() -> None:
    """95 % intervals, 40 calibrated data sets of 60; below 31 has probability 1e-3 at 0.92."""
    held = 0
    for seed in range(40):
        found = recalibrate(known(60, seed=seed))
        held += found.factors["gap"].holds(1.0)
        assert ("nothing to repair" in str(found)) == found.factors["gap"].holds(1.0)
    assert held >= 31


def test_after_is_judged_by_factors_of_other_materials() -> None:
    """One huge error widens the factors that see it; its own is fitted without it."""
    held = known(60, seed=4)
    y = held.y.clone()
    y[7] += 60 * held.sd[7]
    broken = replace(held, y=y)
    found = recalibrate(broken)
    applied = found.apply(broken)
    nested = found.after["gap", "nll"].value
    assert nested > float(applied.nll.mean()) + 1.0
    assert found.factors["gap"].value > 3


def test_apply_scales_about_the_mean_and_keeps_latent_and_noise_apart() -> None:
    held = kfold(pair(), plane(30), n_folds=3, seed=0)
    found = recalibrate(held)
    wide = found.apply(held)
    torch.testing.assert_close(wide.mean, held.mean)
    names = [p.name for p in held.properties]
    factors = torch.tensor([found.factors[names[j]].value for j in held.columns]).double()
    torch.testing.assert_close(wide.sd, held.sd * factors, rtol=1e-6, atol=0)
    torch.testing.assert_close(wide.latent_sd, held.latent_sd * factors, rtol=1e-6, atol=0)


def test_predictions_are_adjusted_in_model_space() -> None:
    table = plane(30)
    prior = pair()
    found = recalibrate(kfold(prior, table, n_folds=3, seed=0))
    prediction = fit(prior, table, seed=0, explain=False).predict(table.materials[:4])
    adjusted = found.adjust(prediction)
    np.testing.assert_allclose(adjusted.median, prediction.median)
    a, b = (found.factors[name].value for name in "ab")
    width = adjusted.upper[:, 0] - adjusted.lower[:, 0]
    np.testing.assert_allclose(width, a * (prediction.upper - prediction.lower)[:, 0])
    ratio = np.log(adjusted.upper[:, 1] / adjusted.lower[:, 1])
    np.testing.assert_allclose(ratio, b * np.log(prediction.upper / prediction.lower)[:, 1])
    np.testing.assert_allclose(adjusted.observation_sd, prediction.observation_sd * [a, b])


def test_a_model_with_too_small_noise_is_repaired() -> None:
    table = plane(60, noise=0.3).select(["a"])
    held = kfold(smooth(noise=0.05, noise_sd=0.01), table, n_folds=4, repeats=2, seed=0)
    found = recalibrate(held)
    assert found.factors["a"].lower > 1.2
    before, after = (s["a", "coverage 90%"].value for s in (found.before, found.after))
    assert abs(after - 0.9) < abs(before - 0.9)
    assert "intervals should be wider" in found._repr_html_()


def test_the_quantile_map_needs_many_values_and_finds_a_wrong_sd() -> None:
    found = recalibrate(known(1000, factor=0.5))
    # The true 90 % quantile is at 2 * 1.2816 predicted sds: level 0.9948.
    assert found.asked("gap", 0.9) == pytest.approx(0.9948, abs=0.008)
    assert found.asked("gap", 0.5) == pytest.approx(0.5, abs=0.13)  # four standard errors
    with pytest.raises(DataError, match="needs 200 held-out values"):
        recalibrate(known(100)).asked("gap", 0.9)


def test_bias_and_few_materials_are_warned_about() -> None:
    warnings = recalibrate(known(200, shift=0.6)).warnings
    assert any("predictions are biased" in text for text in warnings)
    assert any("rests on 12 materials" in text for text in recalibrate(known(12)).warnings)


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match="4 materials were held out"):
        recalibrate(known(4))
    found = recalibrate(known(30))
    assert isinstance(found, Recalibration)
    with pytest.raises(DataError, match="no factor was fitted for 'mass'"):
        found.apply(known(30, prop=Property("mass", "g")))

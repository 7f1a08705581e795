"""Figures per property and pooled, in their units, and what they say in words."""

from __future__ import annotations

import numpy as np
import pytest

from bayesmat.check import Difference, Estimate, HeldOut, Summary, kfold, summarise
from bayesmat.check.summary import Count
from bayesmat.data.table import Property
from bayesmat.errors import DataError

from .helpers import known, pair, plane


def test_figures_by_hand() -> None:
    y, mean, sd = np.array([1.0, 2.0, 4.0, 8.0]), np.array([1.0, 3.0, 4.0, 4.0]), np.full(4, 2.0)
    found = HeldOut.of(Property("gap", "eV"), y, mean, sd, materials=[*"aabb"]).summary()
    assert found["gap", "rmse"].value == pytest.approx(np.sqrt(17 / 4))
    assert found["gap", "sharpness"].value == pytest.approx(2.0)
    assert found["gap", "mean z"].value == pytest.approx((0 - 0.5 + 0 + 2) / 4)
    assert found["gap", "mean z^2"].value == pytest.approx((0.25 + 4) / 4)
    assert found["gap", "coverage 90%"].value == pytest.approx(0.75)
    assert found["gap", "coverage 95%"].value == pytest.approx(0.75)
    assert found.counts["gap"].n_materials == 2
    assert "all" not in found.estimates


def test_properties_come_before_the_pool() -> None:
    held = kfold(pair(), plane(20), n_folds=2, seed=0)
    found = held.summary()
    assert list(found.estimates) == ["a", "b", "all"]
    a, b = held.of_property("a"), held.of_property("b")
    scale = held.scales[0].sd
    assert found["a", "crps"].value == pytest.approx(float(a.crps.mean()) * scale)
    assert found["all", "crps"].value == pytest.approx(float(held.crps.mean()))
    assert found["b", "nll"].value == pytest.approx(float(b.nll.mean()))
    assert found.units == {"a": "K", "b": "natural log", "all": "sd"}
    frame = found.to_frame()
    assert set(frame.columns) >= {"property", "measure", "value", "lower", "upper", "n_materials"}
    assert "<table" in held._repr_html_()
    assert "20 values of 20 materials" in str(held)


def test_calibrated_predictions_raise_no_problem() -> None:
    """Six figures accused at about three standard errors: 2 % of calibrated data sets each."""
    accused = sum(bool(known(100, seed=seed).summary().problems) for seed in range(60))
    assert accused <= 6  # binomial(60, 0.03): 1e-3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"factor": 0.5}, "intervals are too narrow"),
        ({"factor": 2.0}, "wider than the errors"),
        ({"shift": 0.5}, "predictions lie above"),
        ({"shift": -0.5}, "predictions lie below"),
    ],
)
def test_what_is_broken_is_said(change: dict, words: str) -> None:
    assert any(words in text for text in known(200, **change).summary().problems)


def test_unknown_figures_and_empty_records_are_refused() -> None:
    found = known(20).summary()
    assert isinstance(found, Summary)
    with pytest.raises(DataError, match="no figure 'coverage 99%'"):
        found["gap", "coverage 99%"]
    with pytest.raises(DataError, match="no measured value"):
        summarise(known(20).select(known(20).y > 1e9))


def test_a_difference_whose_spread_is_not_known_prefers_neither() -> None:
    one = {"crps": Estimate(0.3, np.nan, np.nan), "nll": Estimate(0.3, 0.3, 0.3)}
    count = Count(1, 1, 1)
    assert str(Difference({"gap": one}, {"gap": count})).count("no difference shown") == 2
    worse = Difference({"gap": {"nll": Estimate(0.3, 0.2, 0.4)}}, {"gap": count})
    assert "the first is worse" in str(worse)

"""Figures of a search show its calls, rounds, regions and failures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayesmat import plots
from bayesmat.data.properties import Property
from bayesmat.errors import DataError
from tests.unit.plots.looks import is_png, words_of

GAP = Property("gap", "eV", "log")
DIPOLE = Property("dipole", "D")


def _calls() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    median = np.linspace(3.2, 2.3, 40)
    value = median * np.exp(0.15 * rng.normal(size=40))
    value[[7, 30]] = np.nan
    return pd.DataFrame(
        {
            "round": np.repeat(np.arange(1, 6), 8),
            "median": median,
            "lower": median * 0.7,
            "upper": median * 1.4,
            "value": value,
            "hit": (value >= 2.0) & (value <= 2.5),
        }
    )


def test_campaign_path_shows_regions_failures_and_start() -> None:
    figure = plots.campaign_path(
        _calls(),
        prop=GAP,
        region=(2.0, 2.5),
        temporary={1: (3.0, 3.6), 2: (2.5, 3.0)},
        start=np.array([4.1, 9.0, 14.0]),
    )
    words = words_of(figure)
    for word in ("gap [eV]", "target region", "temporary target", "failed or waiting", "round 5"):
        assert word in words
    failures = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert list(failures[0].get_xdata()) == [8, 31]
    assert is_png(figure)


def test_campaign_path_of_an_open_region_is_clipped_to_the_axis() -> None:
    figure = plots.campaign_path(_calls(), prop=DIPOLE, region=(2.0, np.inf))
    low, high = figure.axes[0].get_ylim()
    assert high < 10
    assert low > 0


def test_learning_curve_means_and_own_campaign() -> None:
    arms = {"SPACIER": np.cumsum(np.ones((3, 4)), 1), "random": np.zeros((3, 4))}
    figure = plots.learning_curve(arms, own=np.array([0, 1, 1, 2]), batch=2)
    words = words_of(figure)
    assert "SPACIER: 4.0 (n = 3)" in words
    assert "random: 0.0 (n = 3)" in words
    assert "this campaign: 2" in words
    assert list(figure.axes[0].lines[0].get_ydata()) == [0, 1, 2, 3, 4]


def test_smc_diagnostics_has_four_panels() -> None:
    stages = pd.DataFrame(
        {
            "round": [1, 1, 2],
            "stage": [1, 2, 1],
            "beta": [0.4, 1.0, 1.0],
            "ess_fraction": [0.5, 0.7, 0.8],
            "acceptance": [0.2, 0.1, 0.3],
            "unique_fraction": [0.6, 0.4, 0.8],
        }
    )
    figure = plots.smc_diagnostics(stages)
    assert len(figure.axes) == 4
    assert "inverse temperature" in words_of(figure)
    assert "round 2" in words_of(figure)


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match=r"lacks \['hit'\]"):
        plots.campaign_path(_calls().drop(columns="hit"), prop=GAP)
    with pytest.raises(DataError, match="0 rows"):
        plots.campaign_path(_calls().iloc[:0], prop=GAP)
    with pytest.raises(DataError, match="no curve"):
        plots.learning_curve({})

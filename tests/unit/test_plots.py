"""Figures say what they show: units, bands and counts; drawn without pyplot."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from bayesmat import plots
from bayesmat.data.properties import Property
from bayesmat.errors import DataError

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


def _words(figure: Figure) -> str:
    figure.canvas.draw_idle()
    words = []
    for ax in figure.axes:
        words += [ax.get_xlabel(), ax.get_ylabel(), ax.get_title(), ax.get_title("left")]
        words += [t.get_text() for t in ax.texts]
    legends = [ax.get_legend() for ax in figure.axes] + list(figure.legends)
    words += [t.get_text() for legend in legends if legend for t in legend.get_texts()]
    return " | ".join(words)


def _is_png(figure: plots.Chart) -> bool:
    return figure._repr_png_().startswith(b"\x89PNG")


def test_parity_counts_what_lies_inside_and_names_the_unit() -> None:
    y = np.array([1.0, 2.0, 4.0])
    figure = plots.parity(y, y * 1.1, y * [1.05, 0.9, 0.9], y * 1.3, prop=GAP)
    words = _words(figure)
    assert "measured gap [eV]" in words
    assert "inside the 90% interval (2 of 3)" in words
    assert "outside the 90% interval (1 of 3)" in words
    assert figure.axes[0].get_xscale() == "log"
    assert _is_png(figure)


def test_a_linear_property_keeps_linear_axes() -> None:
    y = np.array([0.0, 2.0])
    figure = plots.parity(y, y, y - 1, y + 1, prop=DIPOLE)
    assert figure.axes[0].get_xscale() == "linear"
    assert "dipole [D]" in _words(figure)


def test_pit_bars_are_the_counts() -> None:
    figure = plots.pit_histogram(np.array([0.05, 0.06, 0.95]))
    heights = [bar.get_height() for bar in figure.axes[0].containers[0]]
    assert heights == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert "n = 3" in _words(figure)


def test_calibration_curve_marks_half_and_ninety() -> None:
    figure = plots.calibration_curve((np.arange(100) + 0.5) / 100)
    words = _words(figure)
    assert "50% intervals hold 50%" in words
    assert "90% intervals hold 90%" in words
    assert "n = 100" in words


def test_campaign_path_shows_regions_failures_and_start() -> None:
    figure = plots.campaign_path(
        _calls(),
        prop=GAP,
        region=(2.0, 2.5),
        temporary={1: (3.0, 3.6), 2: (2.5, 3.0)},
        start=np.array([4.1, 9.0, 14.0]),
    )
    words = _words(figure)
    for word in ("gap [eV]", "target region", "temporary target", "failed or waiting", "round 5"):
        assert word in words
    failures = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert list(failures[0].get_xdata()) == [8, 31]
    assert _is_png(figure)


def test_campaign_path_of_an_open_region_is_clipped_to_the_axis() -> None:
    figure = plots.campaign_path(_calls(), prop=DIPOLE, region=(2.0, np.inf))
    low, high = figure.axes[0].get_ylim()
    assert high < 10
    assert low > 0


def test_learning_curve_means_and_own_campaign() -> None:
    arms = {"SPACIER": np.cumsum(np.ones((3, 4)), 1), "random": np.zeros((3, 4))}
    figure = plots.learning_curve(arms, own=np.array([0, 1, 1, 2]), batch=2)
    words = _words(figure)
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
    assert "inverse temperature" in _words(figure)
    assert "round 2" in _words(figure)


def test_relevance_draws_the_median() -> None:
    figure = plots.relevance({"networks": np.full(9, 0.4), "parent": np.linspace(0, 1, 11)})
    marks = [line.get_xdata()[0] for line in figure.axes[0].lines]
    assert marks == pytest.approx([0.5, 0.4])
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["parent", "networks"]


def test_save_makes_the_folder(tmp_path) -> None:
    path = plots.save(plots.relevance({"a": np.ones(3)}), tmp_path / "deep" / "figure.svg")
    assert path.read_text().lstrip().startswith("<?xml")


def test_drawing_leaves_pyplot_alone() -> None:
    before = "matplotlib.pyplot" in sys.modules
    plots.png(plots.pit_histogram(np.array([0.5])))
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match="must agree"):
        plots.parity([1.0], [1.0, 2.0], [1.0], [1.0], prop=GAP)
    with pytest.raises(DataError, match="at least one value"):
        plots.pit_histogram([])
    with pytest.raises(DataError, match=r"lacks \['hit'\]"):
        plots.campaign_path(_calls().drop(columns="hit"), prop=GAP)
    with pytest.raises(DataError, match="0 rows"):
        plots.campaign_path(_calls().iloc[:0], prop=GAP)
    with pytest.raises(DataError, match="no curve"):
        plots.learning_curve({})
    with pytest.raises(DataError, match="no group"):
        plots.relevance({})

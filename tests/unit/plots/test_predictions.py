"""Figures of predictions say what they show: units, bands and counts."""

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


def test_parity_counts_what_lies_inside_and_names_the_unit() -> None:
    y = np.array([1.0, 2.0, 4.0])
    figure = plots.parity(y, y * 1.1, y * [1.05, 0.9, 0.9], y * 1.3, prop=GAP)
    words = words_of(figure)
    assert "measured gap [eV]" in words
    assert "inside the 90% interval (2 of 3)" in words
    assert "outside the 90% interval (1 of 3)" in words
    assert figure.axes[0].get_xscale() == "log"
    assert is_png(figure)


def test_a_linear_property_keeps_linear_axes() -> None:
    y = np.array([0.0, 2.0])
    figure = plots.parity(y, y, y - 1, y + 1, prop=DIPOLE)
    assert figure.axes[0].get_xscale() == "linear"
    assert "dipole [D]" in words_of(figure)


def _frame() -> pd.DataFrame:
    y = np.array([1.0, 2.0, 4.0])
    return pd.DataFrame(
        {
            "property": "gap",
            "measured": y,
            "median": y,
            "lower": y * [0.5, 1.1, 0.5],
            "upper": 2 * y,
        }
    )


def test_parity_counts_each_split_on_its_own() -> None:
    y = np.array([1.0, 2.0, 4.0])
    figure = plots.parity(
        y, y, y * [0.5, 1.1, 0.5], 2 * y, prop=GAP, split=["train", "train", "test"]
    )
    words = words_of(figure)
    assert "train: 1 of 2 inside" in words
    assert "test: 1 of 1 inside" in words


def test_parity_has_the_same_scale_on_both_axes() -> None:
    y = np.array([1.0, 2.0, 4.0])
    ax = plots.parity(y, y, 0.5 * y, 2 * y, prop=GAP).axes[0]
    assert ax.get_xlim() == ax.get_ylim()
    assert ax.get_aspect() == 1


def test_parity_of_many_values_leaves_the_bars_out() -> None:
    y = np.linspace(1, 9, 20_000)
    ax = plots.parity(y, y, 0.5 * y, 2 * y, prop=DIPOLE).axes[0]
    assert not ax.collections
    assert "(20000 of 20000)" in words_of(ax.figure)


def test_parity_grid_has_a_panel_and_a_count_for_each_property() -> None:
    frame = pd.concat([_frame(), _frame().assign(property="dipole", lower=0.0)])
    figure = plots.parity_grid(frame, properties=[DIPOLE, GAP])
    assert [ax.get_xscale() for ax in figure.axes] == ["linear", "log"]
    words = words_of(figure)
    for word in ("dipole [D]", "gap [eV]", "3 of 3 inside", "2 of 3 inside", "90% interval"):
        assert word in words
    assert is_png(figure)


LATENT = np.array([[1.0, 1.5, 2.0, 2.5, 3.0], [0.2, 0.3, 0.4, 0.5, 0.6], [2.0, 3.0, 4.0, 5.0, 6.0]])


def test_bands_along_an_axis_are_sorted_by_it() -> None:
    figure = plots.bands(
        [300.0, 200.0, 400.0], LATENT, prop=GAP, axis="temperature [K]",
        observation=LATENT[:, [0, 4]] * [0.5, 2.0], measured_x=[250.0], measured=[1.0],
    )  # fmt: skip
    ax = figure.axes[0]
    median = next(line for line in ax.lines if line.get_label() == "median")
    assert median.get_xydata().tolist() == [[200.0, 0.4], [300.0, 2.0], [400.0, 4.0]]
    words = words_of(figure)
    for word in ("temperature [K]", "gap [eV]", "90% measurement", "50% latent", "measured"):
        assert word in words
    assert ax.get_yscale() == "log"
    assert ax.get_ylim()[1] > 12.0


def test_bands_of_materials_are_sorted_by_median_and_points_find_their_bar() -> None:
    figure = plots.bands(
        ["CCO", "CC", "CCC"], LATENT, prop=DIPOLE, measured_x=["CC", "CCC"], measured=[0.5, 3.9]
    )
    ax = figure.axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["CC", "CCO", "CCC"]
    points = next(line for line in ax.lines if line.get_label() == "measured")
    assert points.get_xydata().tolist() == [[0.0, 0.5], [2.0, 3.9]]
    assert "90% measurement" not in words_of(figure)


def test_bands_of_one_place_and_of_many_are_drawn() -> None:
    assert is_png(plots.bands([300.0], LATENT[:1], prop=GAP, axis="temperature [K]"))
    many = np.tile(LATENT, (100, 1))
    assert is_png(plots.bands([f"m{i}" for i in range(300)], many, prop=DIPOLE))


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match="must agree"):
        plots.parity([1.0], [1.0, 2.0], [1.0], [1.0], prop=GAP)
    with pytest.raises(DataError, match="2 split labels for 1 values"):
        plots.parity([1.0], [1.0], [1.0], [1.0], prop=GAP, split=["a", "b"])
    with pytest.raises(DataError, match="7 splits"):
        plots.parity(*np.ones((4, 7)), prop=GAP, split=list("abcdefg"))
    with pytest.raises(DataError, match=r"\['dipole'\] have no row"):
        plots.parity_grid(_frame(), properties=[GAP, DIPOLE])
    with pytest.raises(DataError, match="must be n x 5"):
        plots.bands([1.0], np.ones((1, 3)), prop=GAP, axis="T [K]")
    with pytest.raises(DataError, match=r"rows \[1\] decrease"):
        plots.bands([1.0, 2.0], [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1]], prop=GAP, axis="T [K]")
    with pytest.raises(DataError, match="with its unit"):
        plots.bands([1.0], np.ones((1, 5)), prop=GAP)
    with pytest.raises(DataError, match=r"not among x: \['b'\]"):
        plots.bands(["a"], np.ones((1, 5)), prop=GAP, measured_x=["b"], measured=[1.0])
    with pytest.raises(DataError, match="must agree"):
        plots.bands(["a"], np.ones((1, 5)), prop=GAP, measured_x=["a"])

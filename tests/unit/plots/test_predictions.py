"""Figures of predictions say what they show: units, bands and counts."""

from __future__ import annotations

import numpy as np
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


def test_pit_bars_are_the_counts() -> None:
    figure = plots.pit_histogram(np.array([0.05, 0.06, 0.95]))
    heights = [bar.get_height() for bar in figure.axes[0].containers[0]]
    assert heights == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert "n = 3" in words_of(figure)


def test_calibration_curve_marks_half_and_ninety() -> None:
    figure = plots.calibration_curve((np.arange(100) + 0.5) / 100)
    words = words_of(figure)
    assert "50% intervals hold 50%" in words
    assert "90% intervals hold 90%" in words
    assert "n = 100" in words


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match="must agree"):
        plots.parity([1.0], [1.0, 2.0], [1.0], [1.0], prop=GAP)
    with pytest.raises(DataError, match="at least one value"):
        plots.pit_histogram([])

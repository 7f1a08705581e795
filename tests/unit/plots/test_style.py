"""Figures are drawn without pyplot and survive extreme labels and values."""

from __future__ import annotations

import sys

import numpy as np

from bayesmat import plots
from bayesmat.data.properties import Property

GAP = Property("gap", "eV", "log")
DIPOLE = Property("dipole", "D")


def test_save_makes_the_folder(tmp_path) -> None:
    path = plots.save(plots.relevance({"a": np.ones(3)}), tmp_path / "deep" / "figure.svg")
    assert path.read_text().lstrip().startswith("<?xml")


def test_drawing_leaves_pyplot_alone() -> None:
    before = "matplotlib.pyplot" in sys.modules
    plots.png(plots.pit_histogram(np.array([0.5])))
    assert ("matplotlib.pyplot" in sys.modules) == before

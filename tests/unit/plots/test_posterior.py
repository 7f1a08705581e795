"""Figures of draws show what is in them, and say when it is not to be trusted."""

from __future__ import annotations

import numpy as np
import pytest

from bayesmat import plots
from bayesmat.data.properties import Property
from bayesmat.errors import DataError

GAP = Property("gap", "eV", "log")
DIPOLE = Property("dipole", "D")


def test_relevance_draws_the_median() -> None:
    figure = plots.relevance({"networks": np.full(9, 0.4), "parent": np.linspace(0, 1, 11)})
    marks = [line.get_xdata()[0] for line in figure.axes[0].lines]
    assert marks == pytest.approx([0.5, 0.4])
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["parent", "networks"]


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match="no group"):
        plots.relevance({})

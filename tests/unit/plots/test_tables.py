"""The figure of a table counts its rows, properties and patterns."""

from __future__ import annotations

import numpy as np
import pytest

from bayesmat import plots
from bayesmat.data.properties import Property
from bayesmat.data.table import PropertyTable
from bayesmat.errors import DataError
from tests.unit.plots.looks import is_png, words_of

NAN = np.nan


def _table(values: np.ndarray) -> PropertyTable:
    values = np.asarray(values, dtype=float)
    properties = [Property(f"property_{j}", "K" if j % 2 else "eV") for j in range(values.shape[1])]
    return PropertyTable(tuple(["C"] * len(values)), "smiles", tuple(properties), values)


def test_rows_are_sorted_by_pattern_and_counted() -> None:
    table = _table([[1, 1], [1, NAN], [NAN, 1], [1, NAN], [1, NAN], [1, 1]])
    figure = plots.missing_pattern(table)
    image = next(ax for ax in figure.axes if ax.images).images[0].get_array()
    assert np.asarray(image).astype(int).tolist() == [
        [1, 0], [1, 0], [1, 0], [1, 1], [1, 1], [0, 1],
    ]  # fmt: skip
    words = words_of(figure)
    for word in (
        "3 rows, 1 of 2", "2 rows, 2 of 2", "1 row, 1 of 2", "n = 6", "property_0 [eV]",
        "property_1 [K]",
    ):  # fmt: skip
        assert word in words
    bars = [bar.get_height() for bar in figure.axes[0].patches]
    assert bars == [5, 3]


def test_patterns_too_thin_for_a_label_are_counted_together() -> None:
    rng = np.random.default_rng(0)
    values = np.where(rng.uniform(size=(20_000, 30)) < 0.5, 1.0, NAN)
    figure = plots.missing_pattern(_table(values))
    n = len(np.unique(~np.isnan(values), axis=0))
    assert f"{n} other patterns,\n20000 rows" in words_of(figure)
    assert is_png(figure)


@pytest.mark.parametrize("shape", [(1, 1), (10, 1), (2, 30)])
def test_small_tables_are_drawn(shape: tuple[int, int]) -> None:
    assert is_png(plots.missing_pattern(_table(np.ones(shape))))


def test_an_empty_table_says_so() -> None:
    with pytest.raises(DataError, match="0 rows and 2 properties"):
        plots.missing_pattern(_table(np.empty((0, 2))))

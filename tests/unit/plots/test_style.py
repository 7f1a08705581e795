"""Figures are drawn without pyplot and survive extreme labels and values."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from bayesmat import plots
from bayesmat.data.properties import Property
from bayesmat.errors import DataError
from bayesmat.plots.style import powers_out, prop_label, robust_span, short, span_of, wrapped
from tests.unit.plots.looks import words_of

GAP = Property("gap", "eV", "log")


def test_save_makes_the_folder(tmp_path) -> None:
    path = plots.save(plots.relevance({"a": np.ones(3)}), tmp_path / "deep" / "figure.svg")
    assert path.read_text().lstrip().startswith("<?xml")


def test_drawing_leaves_pyplot_alone() -> None:
    before = "matplotlib.pyplot" in sys.modules
    plots.png(plots.pit_histogram(np.array([0.5])))
    assert ("matplotlib.pyplot" in sys.modules) == before


@pytest.mark.parametrize(
    "text", ["", "gap", "thermal_conductivity_at_300_kelvin_from_phonons_7", "C" * 300, "a b " * 40]
)
def test_wrapped_text_fits(text: str) -> None:
    lines = wrapped(text, 20, 2).split("\n")
    assert len(lines) <= 2
    assert max(map(len, lines)) <= 21


def test_wrapped_and_short_text_keep_what_tells_names_apart() -> None:
    names = [f"thermal_conductivity_at_300_kelvin_from_phonons_{i}" for i in range(12)]
    assert len({short(name) for name in names}) == 12
    assert len({wrapped(name, 19) for name in names}) == 12
    assert short("gap") == "gap"


def test_a_long_property_keeps_its_unit() -> None:
    label = prop_label(Property("thermal_conductivity_at_300_kelvin", "W/(m*K)"), 24)
    assert label.endswith(" [W/(m*K)]")
    assert len(label) <= 24


def test_powers_of_ten_move_to_the_name() -> None:
    name, values = powers_out("k [1/s]", np.array([2e-7, -5e-7]))
    assert name == "k [1/s] (in\u00a01e-7)"
    assert values == pytest.approx([2.0, -5.0])
    assert powers_out("gap [eV]", np.array([2.0]))[0] == "gap [eV]"
    assert powers_out("zero", np.zeros(2))[0] == "zero"


def test_limits_always_have_a_width() -> None:
    for values in ([3.0], [0.0], [np.nan], [1.0, 9.0]):
        for log in (False, True):
            low, high = span_of([np.array(values)], log=log)
            assert low < high
            assert low > 0 or not log


def test_dollar_signs_are_no_formulas(tmp_path) -> None:
    figure = plots.relevance({"C$C and $x^": np.ones(3)})
    assert "C$C and $x^" in words_of(figure)
    assert plots.save(figure, tmp_path / "dollar.png").stat().st_size > 0


@pytest.mark.parametrize("ends", [[1e-9, 1e9], [3.0, 3.1], [1.0, 7.0], [2.0, 900.0]])
def test_log_axes_are_labelled_over_any_span(ends: list[float]) -> None:
    y = np.array(ends)
    figure = plots.parity(y, y, 0.9 * y, 1.1 * y, prop=GAP)
    plots.png(figure)
    ticks = [t.get_text() for t in figure.axes[0].get_xticklabels()]
    assert 2 <= sum(bool(t) for t in ticks) <= 12
    assert not any("$" in t for t in ticks)


def test_draws_are_checked_before_they_are_drawn() -> None:
    with pytest.raises(DataError, match="not finite"):
        plots.forest({"rho": [0.0, np.nan]}, axis="rho")
    with pytest.raises(DataError, match="must be chains x draws"):
        plots.trace({"rho": [0.0, 1.0]})
    with pytest.raises(DataError, match="alike"):
        plots.pair({"a": [0.0, 1.0], "b": [1.0]})


def test_a_robust_span_leaves_out_a_few_but_never_a_tenth_or_what_is_to_be_kept() -> None:
    values = np.array([300.0, 310.0, 320.0, 330.0, 340.0, 3980.0])
    assert robust_span(values)[1] < 400
    assert robust_span(values, keep=[3900.0])[1] > 3900
    assert robust_span(np.append(values, 3990.0))[1] > 3990
    assert robust_span(np.array([1.0, 1e6]))[1] > 1e6
    low, high = robust_span(np.array([1.0, 1.0, 1.0, 1.0, 2.0]))
    assert low < 1 < 2 < high

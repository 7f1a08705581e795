"""Figures of a posterior show its intervals, its prior, and what they do not mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bayesmat import plots
from bayesmat.errors import DataError
from tests.unit.plots.looks import is_png, words_of


def test_relevance_draws_the_median() -> None:
    figure = plots.relevance({"networks": np.full(9, 0.4), "parent": np.linspace(0, 1, 9)})
    marks = [line.get_xdata()[0] for line in figure.axes[0].lines]
    assert marks == pytest.approx([0.5, 0.4])
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["parent", "networks"]


def test_relevance_prints_inclusion_beside_its_group_and_warns() -> None:
    shares = {"networks": np.full(9, 0.4), "parent": np.full(9, 0.6)}
    figure = plots.relevance(shares, title="gap", inclusion={"networks": 0.97, "parent": 0.5})
    places = {t.get_text(): t.get_position()[1] for t in figure.axes[0].texts}
    assert places["0.97"] == 1
    assert places["0.50"] == 0
    words = words_of(figure)
    assert "gap: association, not cause" in words
    assert "P(matters)" in words


def test_forest_marks_the_reference_and_names_the_unit() -> None:
    figure = plots.forest({"w[0]": np.linspace(-1, 1, 11)}, axis="slope [K]", reference=0.5)
    assert 0.5 in [line.get_xdata()[0] for line in figure.axes[0].lines]
    assert "slope [K]" in words_of(figure)
    assert is_png(figure)


def _density(figure: plots.Chart) -> float:
    """Area of the posterior's bars on the axis as drawn."""
    ax = figure.axes[0]
    log = ax.get_xscale() == "log"
    area = 0.0
    for bar in ax.patches:
        if bar.get_label() == "prior":
            continue
        x0, x1 = bar.get_x(), bar.get_x() + bar.get_width()
        area += bar.get_height() * (np.log10(x1 / x0) if log else x1 - x0)
    return area


@pytest.mark.parametrize("log", [(), ("noise [eV]",)])
def test_prior_and_posterior_are_densities_on_the_axis_as_drawn(log: tuple[str, ...]) -> None:
    draws = np.exp(0.3 * stats.norm.ppf((np.arange(400) + 0.5) / 400))
    prior = stats.lognorm(0.3).pdf
    figure = plots.prior_posterior({"noise [eV]": draws}, {"noise [eV]": prior}, log=log)
    assert _density(figure) == pytest.approx(1.0, abs=0.01)
    line = figure.axes[0].lines[0]
    x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    assert np.trapezoid(y, np.log10(x) if log else x) == pytest.approx(1.0, abs=0.02)
    assert "noise [eV]" in words_of(figure)


def test_prior_draws_give_the_narrowing() -> None:
    wide = np.linspace(-4, 4, 1001)
    figure = plots.prior_posterior({"rho": wide / 4}, {"rho": wide})
    assert figure.axes[0].get_title("right") == "25% as wide"
    assert is_png(figure)


def test_many_panels_and_one_draw_are_drawn() -> None:
    names = [f"a rather long name of a scalar {i}" for i in range(36)]
    draws = {name: np.arange(5.0) for name in names}
    figure = plots.prior_posterior(draws, dict.fromkeys(names, stats.norm.pdf))
    assert len(figure.axes) == 36
    assert is_png(plots.prior_posterior({"rho": [0.3]}, {"rho": stats.norm.pdf}))


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match="no group"):
        plots.relevance({})
    with pytest.raises(DataError, match=r"inclusion holds \['b'\]"):
        plots.relevance({"a": [0.5]}, inclusion={"b": 0.5})
    with pytest.raises(DataError, match="without a prior: \\['rho'\\]"):
        plots.prior_posterior({"rho": [0.3]}, {})
    with pytest.raises(DataError, match="not positive"):
        plots.prior_posterior({"rho": [-0.3]}, {"rho": stats.norm.pdf}, log=["rho"])
    with pytest.raises(DataError, match="must be finite"):
        plots.prior_posterior({"rho": [0.3]}, {"rho": np.array([np.nan])})

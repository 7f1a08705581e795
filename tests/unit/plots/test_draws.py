"""Figures of draws show chains apart, and scalars that depend on each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from bayesmat import plots
from bayesmat.check import convergence
from bayesmat.errors import DataError
from bayesmat.plots.style import MISSED
from tests.unit.plots.looks import is_png, words_of

RNG = np.random.default_rng(3)


def _is_bad(text) -> bool:
    return to_hex(text.get_color()).upper() == MISSED


def test_trace_has_a_row_per_scalar_and_a_line_per_chain() -> None:
    draws = {"noise [eV]": RNG.normal(size=(3, 20)), "rho": RNG.normal(size=(3, 20))}
    figure = plots.trace(draws)
    assert len(figure.axes) == 4
    lines = figure.axes[1].lines
    assert [line.get_ydata().tolist() for line in lines] == draws["noise [eV]"].tolist()
    words = words_of(figure)
    assert "noise [eV]" in words
    assert "draw (3 chains)" in words


def test_trace_prints_diagnostics_and_marks_the_bad_ones() -> None:
    draws = {name: RNG.normal(size=(4, 50)) for name in ("good", "bad", "unknown")}
    table = pd.DataFrame({"r_hat": [1.0, 1.34], "ess_bulk": [900.0, 12.0]}, index=["good", "bad"])
    figure = plots.trace(draws, table=table)
    texts = {t.get_text(): _is_bad(t) for ax in figure.axes for t in ax.texts}
    assert texts == {"R-hat 1.00": False, "ESS 900": False, "R-hat 1.3": True, "ESS 12": True}


def test_entries_of_a_vector_are_scalars_named_as_in_the_report() -> None:
    draws = RNG.normal(size=(2, 30, 1, 2))
    table = pd.DataFrame({"r_hat": [1.0], "ess_bulk": [50.0]}, index=["w[0,1]"])
    figure = plots.trace({"w": draws}, table=table)
    assert [figure.axes[i].get_ylabel() for i in (0, 2)] == ["w[0,0]", "w[0,1]"]
    assert figure.axes[3].lines[1].get_ydata().tolist() == draws[1, :, 0, 1].tolist()
    assert "ESS 50" in [t.get_text() for t in figure.axes[3].texts]


def test_trace_counts_divergences() -> None:
    marks = np.zeros((2, 30), bool)
    marks[1, [4, 9]] = True
    figure = plots.trace({"rho": RNG.normal(size=(2, 30))}, divergent=marks)
    assert "2 divergent" in words_of(figure)
    ticks = next(line for line in figure.axes[1].lines if line.get_marker() == "|")
    assert list(ticks.get_xdata()) == [5, 10]


def _heights(ax) -> list[float]:
    return [abs(bar.get_height()) for bar in ax.patches]


def _orange(ax) -> int:
    return sum(to_hex(bar.get_facecolor()).upper() == MISSED for bar in ax.patches)


def test_rank_bars_are_the_counts_of_each_chain() -> None:
    # Two chains that interleave: each has every second rank.
    draws = np.arange(40.0).reshape(20, 2).T
    ax = plots.rank({"rho": draws}, n_bins=5).axes[0]
    assert _heights(ax) == [4.0] * 10
    assert _orange(ax) == 0


def test_rank_marks_a_chain_that_sits_apart() -> None:
    draws = RNG.normal(size=(4, 400))
    calm, shifted = draws, draws + np.array([0, 0, 0, 1.5])[:, None]
    figure = plots.rank({"calm": calm, "shifted": shifted})
    # 80 bars outside a 99 % band with probability 0.01 each: 6 or more about once in 2000.
    assert _orange(figure.axes[0]) < 6
    assert _orange(figure.axes[1]) > 15
    assert "rank among all 1600 draws" in words_of(figure)


def test_a_scalar_that_never_moves_does_not_tell_chains_apart() -> None:
    heights = _heights(plots.rank({"rho": np.zeros((3, 20))}, n_bins=5).axes[0])
    assert heights[:5] == heights[5:10] == heights[10:]


def test_pair_has_a_lower_triangle_and_crosses_for_divergent_draws() -> None:
    draws = {name: RNG.normal(size=500) for name in ("noise [eV]", "rho", "ell [K]")}
    marks = np.zeros(500, bool)
    marks[:7] = True
    figure = plots.pair(draws, divergent=marks)
    assert len(figure.axes) == 6
    crosses = [line for ax in figure.axes for line in ax.lines if line.get_marker() == "x"]
    assert [len(line.get_xdata()) for line in crosses] == [7, 7, 7]
    words = words_of(figure)
    for word in ("noise [eV]", "ell [K]", "500 draws, 7 divergent"):
        assert word in words


def test_contours_hold_half_and_nine_tenths() -> None:
    x, y = RNG.normal(size=(2, 20_000))
    figure = plots.pair({"x": x, "y": y})
    ax = next(ax for ax in figure.axes if any(line.get_marker() == "o" for line in ax.lines))
    outer, inner = (p.vertices for p in ax.collections[0].get_paths())
    # Radii that hold 90 % and 50 % of a standard normal in two dimensions; smoothing widens them.
    for ring, share in ((outer, 0.9), (inner, 0.5)):
        radius = np.hypot(*ring.T).mean()
        assert radius == pytest.approx(np.sqrt(-2 * np.log(1 - share)), rel=0.1)


@pytest.mark.parametrize("n", [1, 3])
def test_few_draws_are_drawn(n: int) -> None:
    assert is_png(plots.trace({"a": np.ones((1, n))}))
    assert is_png(plots.rank({"a": np.ones((1, n))}))
    assert is_png(plots.pair({"a": np.ones(n), "b": np.arange(n)}))


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match="at least two"):
        plots.pair({"a": [1.0]})
    with pytest.raises(DataError, match="9 quantities"):
        plots.pair({str(i): [1.0] for i in range(9)})
    with pytest.raises(DataError, match="booleans"):
        plots.trace({"a": np.ones((2, 5))}, divergent=np.zeros((2, 4), bool))
    with pytest.raises(DataError, match="must be 1 booleans"):
        plots.pair({"a": [1.0], "b": [1.0]}, divergent=np.zeros(2, bool))
    with pytest.raises(DataError, match="0 quantities"):
        plots.rank({})


def test_a_trace_that_never_moves_is_told() -> None:
    """Its R-hat and ESS are NaN: a margin left empty would look as if all were well."""
    draws = {"still": np.ones((2, 20)), "good": RNG.normal(size=(2, 20))}
    table = convergence(draws).table
    figure = plots.trace(draws, table=table)
    (text,) = [t for ax in figure.axes for t in ax.texts if t.get_text() == "never moves"]
    assert _is_bad(text)

"""Figures of calibration show coverage with its doubt, one band for all, and the worst cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayesmat import plots
from bayesmat.errors import DataError
from bayesmat.plots.style import MISSED, PREDICTED
from tests.unit.plots.looks import is_png, words_of


def _coverage() -> pd.DataFrame:
    rows = [
        ("density", 0.5, 0.48, 0.40, 0.56, 90),
        ("density", 0.9, 0.75, 0.66, 0.84, 90),
        ("Tg", 0.5, 0.55, 0.41, 0.69, 30),
        ("Tg", 0.9, 0.92, 0.80, 0.99, 30),
    ]
    return pd.DataFrame(rows, columns=["target", "level", "value", "lower", "upper", "n"])


def test_coverage_marks_intervals_that_exclude_the_nominal_level() -> None:
    figure = plots.coverage(_coverage())
    half, nine = figure.axes
    points = {(a, *line.get_xydata()[0]): line for a, ax in enumerate((half, nine))
              for line in ax.lines if line.get_marker() in "oD"}  # fmt: skip
    assert {key: line.get_marker() for key, line in points.items()} == {
        (0, 0.48, 1.0): "o", (0, 0.55, 0.0): "o", (1, 0.75, 1.0): "D", (1, 0.92, 0.0): "o",
    }  # fmt: skip
    assert points[(1, 0.75, 1.0)].get_color() == MISSED
    for level, ax in ((0.5, half), (0.9, nine)):
        assert level in [line.get_xdata()[0] for line in ax.lines]
    words = words_of(figure)
    for word in ("density (n = 90)", "Tg (n = 30)", "50% intervals", "90% intervals"):
        assert word in words


def test_coverage_panels_share_one_scale() -> None:
    figure = plots.coverage(_coverage())
    figure.draw_without_rendering()
    scales = [np.ptp(ax.get_xlim()) / ax.get_position().width for ax in figure.axes]
    assert scales[0] == pytest.approx(scales[1], rel=0.02)


@pytest.mark.parametrize("n_targets", [1, 12])
def test_coverage_of_one_and_of_many_targets(n_targets: int) -> None:
    frame = pd.concat(
        [
            _coverage().query("target == 'Tg'").assign(target=f"a_rather_long_target_name_no_{i}")
            for i in range(n_targets)
        ]
    )
    figure = plots.coverage(frame)
    assert len(figure.axes[0].get_yticks()) == n_targets
    assert is_png(figure)


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


def _curve(figure: plots.Chart, panel: int = 0):
    return next(line for line in figure.axes[panel].lines if len(line.get_xdata()) > 5)


def test_pit_ecdf_is_the_ecdf_minus_the_diagonal() -> None:
    line = _curve(plots.pit_ecdf([0.3, 0.3, 0.9, 0.9]))
    found = dict(zip(np.round(line.get_xdata(), 2), line.get_ydata(), strict=True))
    assert found[0.29] == pytest.approx(-0.29)
    assert found[0.3] == pytest.approx(0.5 - 0.3)
    assert found[0.89] == pytest.approx(0.5 - 0.89)
    assert found[1.0] == pytest.approx(0.0)


def test_pit_ecdf_tells_calibrated_from_narrow_wide_and_biased() -> None:
    z = stats.norm.ppf((np.arange(300) + 0.5) / 300)
    cases = {"good": z, "narrow": 1.5 * z, "wide": 0.6 * z, "biased": z + 0.4}
    figure = plots.pit_ecdf({name: stats.norm.cdf(v) for name, v in cases.items()})
    colors = [_curve(figure, i).get_color() for i in range(4)]
    assert colors == [PREDICTED, MISSED, MISSED, MISSED]
    words = words_of(figure)
    assert "3 of 4 leave the band" in words
    assert "n = 300" in words


def test_ranks_of_simulation_based_calibration_are_discrete_uniform() -> None:
    # Every rank equally often: the curve is zero at every point, whatever the number of draws.
    for n_draws in (9, 99, 250):
        figure = plots.pit_ecdf({"rho": np.arange(n_draws + 1)}, n_draws=n_draws)
        assert np.abs(_curve(figure).get_ydata()).max() < 1e-12
    stuck = plots.pit_ecdf({"rho": np.zeros(100)}, n_draws=99)
    assert _curve(stuck).get_color() == MISSED


def test_the_band_widens_with_the_number_of_quantities() -> None:
    u = np.linspace(0.005, 0.995, 100)
    one, many = plots.pit_ecdf(u), plots.pit_ecdf(dict.fromkeys("abcdefgh", u))
    heights = [f.axes[0].collections[0].get_datalim(f.axes[0].transData).height
               for f in (one, many)]  # fmt: skip
    assert heights[1] > 1.1 * heights[0]


@pytest.mark.parametrize("u", [[0.4], np.linspace(0, 1, 20_000)])
def test_pit_ecdf_of_one_value_and_of_many(u) -> None:
    assert is_png(plots.pit_ecdf(u))


def test_influence_names_the_worst_cells_and_counts_the_bad_ones() -> None:
    k = np.array([0.1, 0.9, 0.2, 1.4, 0.71, np.inf])
    labels = [f"row {i} CCO" for i in range(6)]
    words = words_of(plots.influence(k, labels=labels, n_named=2))
    assert "1  row 5 CCO: inf" in words
    assert "2  row 3 CCO: 1.40" in words
    assert "row 1 CCO" not in words
    assert "4 of 6 beyond 0.7" in words


def test_influence_of_z_scores_looks_at_both_sides() -> None:
    figure = plots.influence([-4.0, 1.0, 2.9], labels=["a<b", "b", "c"], measure="z")
    words = words_of(figure)
    assert "1  a<b: -4.00" in words
    assert "1 of 3 beyond 3" in words
    assert "leave-one-out z-score [sd]" in words
    assert is_png(figure)


def test_a_unit_slip_does_not_flatten_the_others() -> None:
    z = np.append(np.linspace(-2, 2, 50), 1000.0)
    ax = plots.influence(z, labels=[str(i) for i in range(51)], measure="z").axes[0]
    assert ax.get_yscale() == "symlog"
    assert ax.get_ylim()[1] > 1000


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match="at least one value"):
        plots.pit_histogram([])
    with pytest.raises(DataError, match=r"lacks \['upper'\]"):
        plots.coverage(_coverage().drop(columns="upper"))
    with pytest.raises(DataError, match="shares between 0 and 1"):
        plots.coverage(_coverage().assign(upper=56.0))
    with pytest.raises(DataError, match="7 levels"):
        plots.coverage(pd.concat([_coverage().assign(level=i / 10) for i in range(1, 8)]))
    with pytest.raises(DataError, match="Are they ranks"):
        plots.pit_ecdf([3.0, 7.0])
    with pytest.raises(DataError, match="integers from 0 to 9"):
        plots.pit_ecdf([3.0, 10.0], n_draws=9)
    with pytest.raises(DataError, match="Cannot draw 0 quantities"):
        plots.pit_ecdf({})
    with pytest.raises(DataError, match="1 labels for 2 cells"):
        plots.influence([0.1, 0.2], labels=["a"])
    with pytest.raises(DataError, match="measure is 'r'"):
        plots.influence([0.1], labels=["a"], measure="r")

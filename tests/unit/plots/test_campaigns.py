"""Figures of a search show its calls, rounds, regions and failures."""

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


def test_campaign_path_shows_regions_failures_and_start() -> None:
    figure = plots.campaign_path(
        _calls(),
        prop=GAP,
        region=(2.0, 2.5),
        temporary={1: (3.0, 3.6), 2: (2.5, 3.0)},
        start=np.array([4.1, 9.0, 14.0]),
    )
    words = words_of(figure)
    for word in ("gap [eV]", "target region", "temporary target", "failed or waiting", "round 5"):
        assert word in words
    failures = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert list(failures[0].get_xdata()) == [8, 31]
    assert is_png(figure)


def test_campaign_path_of_an_open_region_is_clipped_to_the_axis() -> None:
    figure = plots.campaign_path(_calls(), prop=DIPOLE, region=(2.0, np.inf))
    low, high = figure.axes[0].get_ylim()
    assert high < 10
    assert low > 0


def test_learning_curve_means_and_own_campaign() -> None:
    arms = {"SPACIER": np.cumsum(np.ones((3, 4)), 1), "random": np.zeros((3, 4))}
    figure = plots.learning_curve(arms, own=np.array([0, 1, 1, 2]), batch=2)
    words = words_of(figure)
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
    assert "inverse temperature" in words_of(figure)
    assert "round 2" in words_of(figure)


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match=r"lacks \['hit'\]"):
        plots.campaign_path(_calls().drop(columns="hit"), prop=GAP)
    with pytest.raises(DataError, match="0 rows"):
        plots.campaign_path(_calls().iloc[:0], prop=GAP)
    with pytest.raises(DataError, match="no curve"):
        plots.learning_curve({})


def _measured() -> pd.DataFrame:
    value = np.array([300.0, 310.0, 3980.0, 330.0, np.nan, np.nan, np.nan, 320.0])
    return pd.DataFrame(
        {
            "round": [1] * 4 + [2] * 4,
            "median": 315.0,
            "lower": 290.0,
            "upper": 340.0,
            "value": value,
            "hit": False,
            "state": ["told"] * 4 + ["failed", "withdrawn", "pending", "told"],
        }
    )


def test_one_value_far_away_stands_at_the_edge_and_does_not_flatten_the_axis() -> None:
    figure = plots.campaign_path(_measured(), prop=Property("Tm", "K"), verb="measured")
    assert figure.axes[0].get_ylim()[1] < 400
    words = words_of(figure)
    assert "3980" in words
    assert "beyond the axis" in words
    assert "computed" not in words


def test_failed_withdrawn_and_waiting_are_marked_apart() -> None:
    words = words_of(plots.campaign_path(_measured(), prop=Property("Tm", "K")))
    for word in ("failed", "withdrawn", "waiting"):
        assert word in words.split(" | ")


@pytest.mark.parametrize(("sign", "expected"), [(1, [2, 3, 3, 5]), (-1, [2, 2, 1, 1])])
def test_best_so_far_never_becomes_worse(sign: int, expected: list[float]) -> None:
    values = np.array([3.0, 1.0, 5.0]) if sign > 0 else np.array([np.nan, 1.0, 5.0])
    figure = plots.best_so_far(values, prop=DIPOLE, sign=sign, start=2.0)
    assert list(figure.axes[0].lines[0].get_ydata()) == expected
    assert "best before the campaign" in words_of(figure)
    assert is_png(figure)


def test_a_search_without_values_has_no_curve() -> None:
    with pytest.raises(DataError, match="no value is known"):
        plots.best_so_far(np.array([np.nan]), prop=DIPOLE, sign=1)


def test_conditions_are_panels_and_categories_are_named() -> None:
    figure = plots.against_conditions(
        {"temperature [K]": [300.0, 310.0, 320.0], "solvent": ["none", "water", "none"]},
        np.array([1.0, 2.0, 3.0]),
        prop=DIPOLE,
        rounds=np.array([-1, 0, 2]),
        region=(2.0, np.inf),
    )
    assert len(figure.axes) == 2
    words = words_of(figure)
    for word in (
        "temperature [K]",
        "solvent",
        "water",
        "before",
        "not proposed",
        "round 2",
        "dipole [D]",
    ):
        assert word in words
    assert is_png(figure)


def test_nothing_against_conditions_says_so() -> None:
    with pytest.raises(DataError, match="nothing to draw"):
        plots.against_conditions({}, np.array([1.0]), prop=DIPOLE, rounds=np.array([1]))


def test_intervals_that_leave_the_axis_end_in_arrowheads() -> None:
    calls = _calls()
    calls[["lower", "upper"]] = np.column_stack([calls["median"] * 0.99, calls["median"] * 1.01])
    calls.loc[3, "lower"], calls.loc[5, "upper"] = 1e-3, 1e3
    figure = plots.campaign_path(calls, prop=GAP)
    assert words_of(figure).count("interval goes on") == 1
    assert "interval goes on" not in words_of(plots.campaign_path(calls[8:], prop=GAP))
    (ax,) = figure.axes
    heads = {line.get_marker(): list(line.get_xdata()) for line in ax.lines}
    assert heads["v"] == [4]
    assert heads["^"] == [6]


@pytest.mark.parametrize(("rounds", "drawn"), [({2: (2.5, 3.0)}, True), ({1: (90.0, 99.0)}, False)])
def test_a_temporary_target_is_in_the_legend_if_it_is_drawn(
    rounds: dict[int, tuple[float, float]], drawn: bool
) -> None:
    figure = plots.campaign_path(_calls(), prop=GAP, region=(2.0, 2.5), temporary=rounds)
    assert ("temporary target" in words_of(figure)) is drawn


LONG = Property("solubility_of_the_product_in_water_at_the_plateau_pressure", "mg/mL", "log")


def test_long_names_and_the_legend_stay_in_the_figure() -> None:
    gases = ["nitrogen, dried over molecular sieve", "argon", "helium"]
    found = {"temperature [K]": [300.0, 310.0, 320.0], "carrier gas": gases}
    rounds, values = np.array([-1, 0, 1]), np.array([2.0, 3.0, 4.0])
    for figure in (
        plots.campaign_path(_calls(), prop=LONG, region=(2.0, 2.5), start=np.array([4.0, 900.0])),
        plots.best_so_far(values, prop=LONG, sign=1, start=3.0),
        plots.against_conditions(found, values, prop=LONG, rounds=rounds),
    ):
        figure.draw_without_rendering()
        for text in (*(ax.yaxis.label for ax in figure.axes), *figure.legends):
            box = text.get_window_extent()
            assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1 + 1
            assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1
    left, right = figure.axes
    assert left.bbox.x1 < right.get_xticklabels()[0].get_window_extent().x0

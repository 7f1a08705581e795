"""Sections of figures appear where there is something to draw."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from bayesmat.reporting import page
from bayesmat.reporting.figures import conditions, learning
from tests.unit.reporting.accounts import recipes, region


def test_sampler_section_appears_with_stages() -> None:
    stages = pd.DataFrame(
        {
            "round": [1, 1],
            "stage": [1, 2],
            "beta": [0.3, 1.0],
            "ess_fraction": [0.5, 0.8],
            "acceptance": [0.1, 0.2],
            "unique_fraction": [0.9, 0.6],
        }
    )
    assert "The sampler" not in page(region())
    assert "The sampler" in page(replace(region(), stages=stages))


def test_conditions_are_drawn_where_there_are_some() -> None:
    assert "Under which conditions" in conditions(recipes())
    assert conditions(region()) == ""


def test_a_search_without_values_has_no_curve_of_the_best() -> None:
    empty = tuple(replace(call, values={}) for call in recipes().calls)
    assert "The best so far" in learning(recipes(), {}, "")
    assert learning(replace(recipes(), calls=empty), {}, "") == ""

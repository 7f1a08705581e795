"""Sections of figures appear where there is something to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayesmat import plots
from bayesmat.plots.style import Chart
from bayesmat.reporting import page
from bayesmat.reporting.figures import conditions, learning
from tests.unit.reporting.accounts import laboratory, recipes, region


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


def test_what_was_known_before_is_drawn_beside_what_was_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: dict[str, Any] = {}

    def seen(given: Mapping[str, Sequence[Any]], values: np.ndarray, **named: Any) -> Chart:
        drawn.update({"given": given, "values": values.tolist()}, **named)
        return plots.against_conditions(given, values, **named)

    drawing = SimpleNamespace(against_conditions=seen)
    monkeypatch.setattr("bayesmat.reporting.figures.plots", drawing)
    assert "Under which conditions" in conditions(laboratory())
    assert drawn["values"] == [290.0, 3980.0, 310.0, 311.0, 288.0]
    assert drawn["rounds"].tolist() == [-1, 1, 1, 0, -1]
    assert next(iter(drawn["given"].values())) == [1.5] * 5


def test_a_search_without_values_has_no_curve_of_the_best() -> None:
    empty = tuple(replace(call, values={}) for call in recipes().calls)
    assert "The best so far" in learning(recipes(), {}, "")
    assert learning(replace(recipes(), calls=empty), {}, "") == ""

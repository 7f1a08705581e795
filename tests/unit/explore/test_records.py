import dataclasses
import json
import math

import numpy as np
import pytest
import torch

from bayesmat.data.properties import Property
from bayesmat.data.rows import Rows
from bayesmat.data.table import PropertyTable
from bayesmat.errors import CampaignError
from bayesmat.explore.goals import AtLeast, AtMost, Maximize, Minimize, Within
from bayesmat.explore.records import Proposal, RoundTrace, SamplerStage, Status
from bayesmat.explore.stored import ItemRow
from bayesmat.explore.written import (
    goal_from_json,
    goal_to_json,
    jsonable,
    prediction_from_json,
    prediction_to_json,
    table_from_json,
    table_to_json,
)
from bayesmat.models.prediction import Prediction


@pytest.mark.parametrize(
    "goal",
    [Within("a", 1.0, 2.0), AtLeast("a", 0.1), AtMost("b", 3.0), Maximize("a"), Minimize("a")],
)
def test_goals_survive_json(goal):
    assert goal_from_json(json.loads(json.dumps(goal_to_json(goal)))) == goal


def test_tables_survive_json_to_the_last_digit():
    table = PropertyTable(
        ("C", "CC"),
        "smiles",
        (Property("gap", "eV", "log"), Property("state", categories=("solid", "gas"))),
        np.array([[0.1 + 0.2, 1.0], [np.nan, np.nan]]),
        np.array([[1e-17, np.nan], [np.nan, np.nan]]),
        groups=("x", "y"),
    )
    again = table_from_json(json.loads(json.dumps(table_to_json(table), allow_nan=False)))
    for field in ("materials", "kind", "properties", "groups"):
        assert getattr(again, field) == getattr(table, field)
    np.testing.assert_array_equal(again.values, table.values)
    np.testing.assert_array_equal(again.stds, table.stds)
    empty = table.subset([])
    assert table_from_json(table_to_json(empty)).values.shape == (0, 2)


def test_what_a_database_can_hold():
    @dataclasses.dataclass
    class Stage:
        beta: float

    given = {
        "array": np.arange(2), "tensor": torch.tensor([[1.0, float("nan")]]), "stage": Stage(0.5),
        "numbers": (np.float64(1.5), np.int64(2), np.bool_(True), float("-inf")), "none": None,
    }  # fmt: skip
    expected = {
        "array": [0, 1], "tensor": [[1.0, None]], "stage": {"beta": 0.5},
        "numbers": [1.5, 2, True, "-inf"], "none": None,
    }  # fmt: skip
    assert jsonable(given) == expected
    json.dumps(jsonable(given), allow_nan=False)
    with pytest.raises(CampaignError, match=r"object.* cannot be stored.*numbers, text"):
        jsonable({"x": object()})


def prediction():
    numbers = np.arange(4.0).reshape(2, 2)
    properties = (Property("gap", "eV", "log"), Property("Tb", "K"))
    return Prediction(
        Rows(("C", "CC")), properties, numbers + 5, numbers, numbers + 9, 0.9,
        numbers / 7, numbers / 3, np.array([0.25, np.nan]),
    )  # fmt: skip


def test_predictions_survive_json():
    said = prediction()
    written = json.loads(
        json.dumps(prediction_to_json(said, np.array([0.5, np.nan]), [1, -2.0]), allow_nan=False)
    )
    # The table knows one property more than the model, in another order.
    known = (Property("Tb", "K"), Property("x", ""), Property("gap", "eV", "log"))
    table = PropertyTable(("CCO",), "smiles", known, [[300.0, 0.0, 1.0]])
    items = tuple(map(ItemRow, said.materials, written))
    again, probability, scores = prediction_from_json(items, table)
    assert [p.name for p in again.properties] == ["Tb", "gap"]
    np.testing.assert_array_equal(again.median[:, ::-1], said.median)
    np.testing.assert_array_equal(again.observation_sd[:, ::-1], said.observation_sd)
    np.testing.assert_array_equal(again.domain_distance, said.domain_distance)
    np.testing.assert_array_equal(probability, [0.5, np.nan])
    assert (again.level, scores.tolist()) == (0.9, [1.0, -2.0])


def test_a_proposal_reads_as_a_table_and_escapes_what_others_wrote():
    given = Proposal(3, prediction(), np.array([0.5, 0.1]), np.zeros(2), RoundTrace("<b>rule"))
    assert given.materials == ("C", "CC")
    frame = given.to_frame()
    assert frame["P(goals)"].tolist() == [0.5, 0.1]
    assert "gap median [eV]" in frame
    assert str(given).startswith("Round 3: 2 materials by <b>rule\n")
    notes = {"Name": ("methane", None), "price": (1234.56, 2.0)}
    beside = dataclasses.replace(given, notes=notes)
    assert "1234.56" in str(beside)
    assert beside.names == ("methane", "")
    assert given.names == ("", "")
    page = given._repr_html_()
    assert "<b>rule" not in page
    assert "&lt;b&gt;rule" in page


def test_a_proposal_says_what_it_aims_at_and_no_chance_that_is_not_known():
    notes = {"selection": {"tau": 0.4}, "source": {}}
    trace = RoundTrace("SPACIER", temporary={"gap": (2.0, 3.0), "Tb": (300.0, math.inf)})
    trace = dataclasses.replace(trace, notes=notes)
    given = Proposal(1, prediction(), np.array([0.5, 0.1]), np.zeros(2), trace)
    assert str(given).startswith(
        "Round 1: 2 materials by SPACIER. It aims at gap of 2 to 3 eV and Tb of at least 300 K, on "
        "the way to the goals that P(goals) is of.\n"
    )
    there = dataclasses.replace(trace, notes={"selection": {"tau": 0.0}})
    assert dataclasses.replace(given, trace=there).aim == ""
    extreme = Proposal(1, prediction(), np.full(2, np.nan), np.zeros(2), RoundTrace("qLogNEI"))
    assert "P(goals)" not in extreme.to_frame()
    assert "P(goals)" not in str(extreme)
    said = "Score: log of the expected improvement by a row and those above it together."
    assert said in str(extreme)
    assert said in extreme._repr_html_()


def test_predictions_draw_molecules_where_the_kind_has_structures():
    assert prediction()._repr_html_().count("<svg") == 0
    shown = dataclasses.replace(prediction(), kind="smiles")._repr_html_()
    assert shown.count("<svg") == 2
    assert "<p>Predictions of 2 materials</p>" in shown


def test_a_trace_is_read_as_it_was_written():
    stages = (SamplerStage(0.4, 0.5), SamplerStage(1.0, 0.25, 0.2, 0.5))
    trace = RoundTrace(
        "rule", "digest", 9, 2, "a line", {"fit": 0.5}, {"gap": (2.5, math.inf)}, stages,
        {"torch": "2"}, {"selection": {"tau": 0.1}, "source": {}},
    )  # fmt: skip
    assert RoundTrace.from_json(json.loads(json.dumps(trace.to_json()))) == trace


def test_one_is_not_many():
    status = Status(1, 1, 0, 0, ("C",), 0, None, {})
    assert str(status).startswith("1 round, 1 material proposed: 0 measured")
    recipes = dataclasses.replace(status, proposed=2, unasked=1, noun="recipe")
    assert "2 recipes proposed" in str(recipes)
    assert "1 recipe measured unasked" in str(recipes)
    assert "noun" not in recipes._repr_html_()


def test_text_of_a_trace_can_be_written_to_a_file():
    assert jsonable({"a\ud83d": ["\udcff", "\u00e9"]}) == {"a\\ud83d": ["\\udcff", "\u00e9"]}

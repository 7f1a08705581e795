import copy
import pickle
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from bayesmat.data.properties import Condition, Property
from bayesmat.data.rows import Rows
from bayesmat.data.table import PropertyTable
from bayesmat.errors import ArgumentError, DataError, MaterialError

T = Condition("temperature", "K")
SOLVENT = Condition("solvent", categories=("water", "dmf"))
TABLE = PropertyTable(
    ("OCC", "CC"), "smiles", (Property("Tb", "K"),), [[1.0], [2.0]],
    conditions=(T, SOLVENT), condition_values=[[298.15, 0], [350, 1]],
)  # fmt: skip
RECIPES = PropertyTable(
    None, "recipe", (Property("y"),), [[1.0], [2.0], [3.0]],
    conditions=(Condition("x", ""), Condition("time", "hour")),
    condition_values=[[0.5, 2], [0.5, 3], [0.5, 2]],
)  # fmt: skip


def test_rows_are_a_sequence_of_materials_with_one_key_each():
    rows = TABLE.rows
    assert isinstance(rows, Sequence)
    assert list(rows) == ["CCO", "CC"] == [rows[0], rows[1]]
    assert rows.keys == (
        "CCO, temperature=298.15 K, solvent=water",
        "CC, temperature=350 K, solvent=dmf",
    )
    assert rows[1:].keys == rows.keys[1:] == rows.take([1]).keys
    assert rows.named(1) == {"temperature": 350.0, "solvent": "dmf"}
    assert Rows(("CCO",)).keys == ("CCO",)


def test_recipes_are_told_apart_by_their_conditions():
    assert RECIPES.materials == ("x=0.5, time=2 hour", "x=0.5, time=3 hour", "x=0.5, time=2 hour")
    assert RECIPES.rows.materials is None
    assert RECIPES.subset([1]).materials == RECIPES.materials[1:2]
    longer = RECIPES.append(None, {"y": [4.0, 5.0]}, conditions={"x": 0.25, "time": [1, 2]})
    assert longer.materials[3:] == ("x=0.25, time=1 hour", "x=0.25, time=2 hour")
    assert list(RECIPES.to_frame().columns) == ["x", "time", "y"]


def test_a_condition_in_the_twelfth_digit_is_the_same():
    assert Rows(None, [[25 + 273.15]], (T,)).keys == Rows(None, [[298.15 + 1e-13]], (T,)).keys


def test_conditions_are_read_by_name_or_as_numbers():
    for given in (
        {"temperature": 300, "solvent": "dmf"},
        {"solvent": ["dmf", "dmf"], "temperature": [300.0, 300.0]},
        {"solvent": 1, "temperature": np.array([300, 300])},
        np.array([[300.0, 1], [300.0, 1]]),
    ):
        rows = Rows.of(TABLE, ["C(C)O", "CC"], given)
        assert rows.keys == (
            "CCO, temperature=300 K, solvent=dmf",
            "CC, temperature=300 K, solvent=dmf",
        )
    assert Rows.of(TABLE, rows).keys == rows.keys
    grid = Rows.of(RECIPES, conditions={"x": [0.1, 0.2, 0.3], "time": 1})
    assert len(grid) == 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, r"conditions \['temperature', 'solvent'\] are missing"),
        ({"temperature": 1, "pH": 7}, r"\['solvent'\] are missing and conditions \['pH'\] are un"),
        ({"temperature": [1, 2, 3], "solvent": 0}, r"\{'temperature': 3\} values for 2 rows"),
        ({"temperature": 1, "solvent": "brine"}, r"knows \['water', 'dmf'\], not \['brine'\]"),
        ({"temperature": 1, "solvent": [0, 2]}, r"impossible"),
        ({"temperature": float("nan"), "solvent": 0}, r"impossible"),
        (np.zeros((2, 1)), r"need an array of shape \(2, 2\), got \(2, 1\)"),
    ],
)
def test_impossible_conditions_are_refused(given, said):
    with pytest.raises(DataError, match=said):
        Rows.of(TABLE, ["CCO", "CC"], given)


def test_what_does_not_fit_the_table_is_refused():
    with pytest.raises(MaterialError, match="C1"):
        Rows.of(TABLE, ["C1"], {"temperature": 1, "solvent": 0})
    with pytest.raises(DataError, match="recipes, which have no material"):
        Rows.of(RECIPES, ["CCO"], {"x": 1, "time": 1})
    with pytest.raises(DataError, match="no material is given"):
        Rows.of(TABLE, conditions={"temperature": 1, "solvent": 0})
    with pytest.raises(DataError, match="the table has"):
        Rows.of(TABLE, RECIPES.rows)
    with pytest.raises(DataError, match="leave conditions out"):
        Rows.of(TABLE, TABLE.rows, {"temperature": 1, "solvent": 0})
    with pytest.raises(DataError, match="needs materials: give strings, one a row"):
        PropertyTable(None, "smiles", (Property("y"),), [[1.0]])
    with pytest.raises(DataError, match="there are none: name at least one"):
        PropertyTable(None, "recipe", (Property("y"),), [[1.0]])


def test_copies_are_equal_and_read_only():
    for again in (copy.deepcopy(TABLE.rows), pickle.loads(pickle.dumps(TABLE.rows))):
        assert again.keys == TABLE.rows.keys
        with pytest.raises(ValueError, match="read-only"):
            again.conditions[0, 0] = 1.0


def labs(*categories: str) -> PropertyTable:
    return PropertyTable(
        None, "recipe", (Property("y"),), [[1.0]], conditions=(Condition("lab", None, categories),),
        condition_values=[[0.0]],
    )  # fmt: skip


@pytest.mark.parametrize(
    "given",
    ["1", 1, 1.0, np.int64(1), np.array(1), [1], np.array([1.0]), pd.Series([1], index=[7])],
)
def test_categories_that_are_numbers_are_named_by_them(given):
    assert Rows.of(labs("1", "2"), conditions={"lab": given}).keys == ("lab=1",)
    assert labs("1", "2").rows.under({"lab": 2}).keys == ("lab=2",)


def test_numbers_that_name_no_category_or_several_are_refused():
    for given in (0, 10, [20, 30], 1.5, float("nan")):
        with pytest.raises(DataError, match=r"'lab' knows \['10', '20'\], not"):
            Rows.of(labs("10", "20"), conditions={"lab": given if given != 10 else [10, 0]})
    with pytest.raises(DataError, match=r"not \['7.0'\]"):
        Rows.of(labs("007", "7"), conditions={"lab": 7.0})
    assert Rows.of(labs("yes", "True"), conditions={"lab": [True, np.True_]}).keys[0] == "lab=True"
    assert Rows.of(labs("True", "False"), conditions={"lab": True}).keys == ("lab=True",)


def test_columns_of_a_data_frame_are_conditions_by_name():
    frame = pd.DataFrame({"time": [1.0, 2.0], "x": [0.1, 0.2]})
    rows = Rows.of(RECIPES, conditions=frame)
    assert [rows.named(i)["x"] for i in range(2)] == [0.1, 0.2]
    with pytest.raises(DataError, match=r"\['y'\] are unknown"):
        Rows.of(RECIPES, conditions=frame.assign(y=0))
    two = PropertyTable(("CC",), "smiles", (Property("a"), Property("b")), [[1.0, 2.0]])
    longer = two.append(["CCO"], pd.DataFrame({"b": [4.0], "a": [3.0]}))
    assert longer.values[1].tolist() == [3.0, 4.0]


@pytest.mark.parametrize("given", [[[1.0]], np.ones((1, 1)), pd.DataFrame({"x": [1.0]})])
def test_nested_conditions_are_refused(given):
    with pytest.raises(DataError, match=r"'x' has values of shape \(1, 1\): give one value, or"):
        Rows.of(RECIPES, conditions={"x": given, "time": 1})


def test_categories_cannot_pass_for_other_conditions():
    columns = (
        Condition("s", None, ("a", "a, t=b", "N, N")),
        Condition("t", None, ("c", "b, t=c")),
    )
    keys = Rows(None, [[0, 1], [1, 0], [2, 0]], columns).keys
    assert keys == ('s=a, t="b, t=c"', 's="a, t=b", t=c', "s=N, N, t=c")


def test_what_is_missing_is_shown_as_it_may_be_given():
    with pytest.raises(DataError, match=r"as in conditions=\{'solvent': 'water'\}\.$"):
        Rows.of(TABLE, ["CCO"], {"temperature": 300})
    with pytest.raises(DataError, match=r"as in conditions=\{'x': 0\.5\}\.$"):
        Rows.of(RECIPES, conditions={"time": 1})
    said = (
        r"condition 'temperature' \[K\] is 'warm' \(not a number\), '2 eV' \(in eV, which does "
        r"not measure the same as K\): give .* as in conditions=\{'temperature': '350.0 K'\}\.$"
    )
    with pytest.raises(ArgumentError, match=said):
        Rows.of(TABLE, ["CCO"] * 3, {"temperature": ["warm", 300, "2 eV"], "solvent": "water"})


@pytest.mark.parametrize("given", ["25 °C", "25 degC", "298.15K", "298.15", ["25 C"]])
def test_a_condition_may_be_written_with_a_unit(given):
    rows = Rows.of(TABLE, ["CCO"], {"temperature": given, "solvent": "water"})
    assert rows.keys == ("CCO, temperature=298.15 K, solvent=water",)
    assert rows.under({"temperature": given}).keys == rows.keys


def test_a_table_shows_its_conditions():
    assert "; conditions temperature [K]: 298.1 to 350, solvent: water, dmf; mea" in repr(TABLE)
    said = "PropertyTable(3 rows of recipe; conditions x: 0.5, time [hour]: 2 to 3; measured y: 3)"
    assert repr(RECIPES) == said

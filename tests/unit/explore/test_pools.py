"""A pool keeps what stands beside its materials, and is held to what the table asks."""

import logging

import numpy as np
import pandas as pd
import pytest

import bayesmat as bm
from bayesmat.data.table import Condition, Property, PropertyTable
from bayesmat.errors import DataError, DesignError
from bayesmat.explore.pools import read_pool

COLUMNS = {
    "Name": ["ethanol", "ethane", "methane"],
    "SMILES": ["OCC", "CC", "C"],
    "price": ["3.5", "", "2"],
    "CAS": ["064-17-5", "74-84-0", "74-82-8"],
    "code": ["007", "008", "009"],
    "stock": ["1", "2", "3"],
}


def test_other_columns_travel_with_the_materials(tmp_path):
    frame = pd.DataFrame(COLUMNS)
    frame.to_csv(tmp_path / "pool.csv", index=False)
    frame.to_excel(tmp_path / "pool.xlsx", index=False)
    pools = [read_pool(one) for one in (frame, tmp_path / "pool.csv", str(tmp_path / "pool.xlsx"))]
    for pool in pools:
        assert pool.materials == ("CCO", "CC", "C")
        assert pool.conditions == {}
        assert pool.notes == {
            "Name": ("ethanol", "ethane", "methane"),
            "price": (3.5, None, 2.0),
            "CAS": ("064-17-5", "74-84-0", "74-82-8"),
            "code": ("007", "008", "009"),
            "stock": (1, 2, 3),
        }
    assert len({pool.digest for pool in pools}) == 1


def test_numbers_and_dates_of_a_frame_can_be_stored():
    frame = pd.DataFrame(
        {
            "smiles": ["C", "CC"],
            "price": np.array([1.5, np.nan]),
            "n": np.array([1, 2], dtype=np.int32),
            "bought": pd.to_datetime(["2024-03-05", "2024-03-06"]),
            "ok": [True, False],
        }
    )
    notes = read_pool(frame).notes
    assert notes["price"] == (1.5, None)
    assert notes["n"] == (1, 2)
    assert notes["bought"][0].startswith("2024-03-05")
    assert notes["ok"] == ("True", "False")
    assert {type(v) for column in notes.values() for v in column} <= {str, int, float, type(None)}


def table(*conditions):
    n = len(conditions)
    return PropertyTable(
        ("C",), "smiles", (Property("y"),), [[1.0]], conditions=conditions,
        condition_values=[[300.0, 0.0][:n]],
    )  # fmt: skip


def test_conditions_are_converted_into_the_units_of_the_table():
    frame = pd.DataFrame({"smiles": ["C", "CC"], "temperature (°C)": [25.0, 50.0],
                          "@solvent {}": ["water", "dmso"], "price": [1, 2]})  # fmt: skip
    pool = read_pool(frame)
    assert pool.conditions == {"solvent": ("water", "dmso"), "temperature": (25.0, 50.0)}
    assert pool.units == {"temperature": "degC"}
    assert list(pool.notes) == ["price"]
    known = table(Condition("temperature", "K"), Condition("solvent", None, ("dmso", "water")))
    np.testing.assert_allclose(pool.rows(known).conditions, [[298.15, 1], [323.15, 0]])
    named = read_pool(frame, conditions={"temperature": "K"})
    assert named.conditions == {"temperature": (298.15, 323.15)}
    assert list(named.notes) == ["@solvent {}", "price"]
    assert read_pool(frame, conditions={}).conditions == {}


def test_units_that_measure_something_else_are_refused():
    pool = bm.Pool(["C"], {"temperature": [1.0]}, units={"temperature": "eV"})
    with pytest.raises(DataError, match="cannot be converted to 'K'"):
        pool.rows(table(Condition("temperature", "K")))
    other = bm.Pool(["C"], {"temperature": [1.0]}, units={"temperature": "K"})
    assert other.digest != pool.digest


def test_a_pool_of_recipes_needs_no_material():
    frame = pd.DataFrame({"time [h]": [1.0, 2.0], "cost": [1, 2]})
    pool = read_pool(frame, conditions={"time": "h"})
    assert (pool.materials, pool.conditions) == (None, {"time": (1.0, 2.0)})
    marked = read_pool(frame.rename(columns={"time [h]": "@time [h]"}))
    assert marked.conditions == pool.conditions
    with pytest.raises(DataError, match="where there is none because rows are recipes"):
        read_pool(frame)


def test_a_written_table_is_a_pool(tmp_path):
    bm.to_csv(table(Condition("temperature", "K")), tmp_path / "t.csv")
    pool = read_pool(tmp_path / "t.csv")
    assert pool.materials == ("C",)
    assert pool.conditions == {"temperature": (300.0,)}
    assert pool.notes == {"y [1]": (1.0,)}


def test_all_bad_rows_come_together_or_are_left_out(caplog):
    frame = pd.DataFrame({"smiles": ["C", "C1", "CC", None], "temperature [K]": [1, 2, "x", 4]})
    with pytest.raises(DataError) as caught:
        read_pool(frame)
    assert [(c.row, c.column) for c in caught.value.cells] == [
        (3, "smiles"), (4, "temperature [K]"), (5, "smiles"),
    ]  # fmt: skip
    with caplog.at_level(logging.WARNING):
        assert read_pool(frame, on_invalid="drop").materials == ("C",)
    assert "3 cells of the data frame, left out" in caplog.text
    with pytest.raises(DataError, match=r"kind='composition'"):
        read_pool(pd.DataFrame({"key": ["Fe2O3", "NaCl"]}), material="key", on_invalid="drop")
    with pytest.raises(DataError, match="on_invalid is 'skip'"):
        read_pool(frame, on_invalid="skip")
    with pytest.raises(DesignError, match="no material and no condition"):
        bm.Pool([])

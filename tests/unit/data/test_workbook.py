"""Workbooks hold what a comma-separated file holds, and a few traps of their own."""

from datetime import datetime

import numpy as np
import pytest
from openpyxl import Workbook, load_workbook

from bayesmat.data.io import Column, read_csv, to_csv
from bayesmat.data.table import Condition, Property, PropertyTable
from bayesmat.errors import DataError


@pytest.fixture
def book(tmp_path):
    """Write rows to a workbook; `change` sees its sheet before it is saved."""

    def write(rows, change=None, name="lab.xlsx"):
        made = Workbook()
        for row in rows:
            made.active.append(row)
        if change is not None:
            change(made.active)
        made.save(tmp_path / name)
        return tmp_path / name

    return write


def simple(path, **others):
    return read_csv(path, material="smiles", properties={"gap": "eV"}, **others)


def test_a_workbook_is_read_like_a_file(book):
    rows = [["smiles", "gap [eV]", "gap_sd", "note"], ["OCC", 7.25, 0.1, "a"], ["C", None, None],
            [], ["CC", "6.5", None], ["", "", ""], [None]]  # fmt: skip
    table = read_csv(book(rows))
    assert table.materials == ("CCO", "C", "CC")
    np.testing.assert_array_equal(table.values[:, 0], [7.25, np.nan, 6.5])
    np.testing.assert_array_equal(table.stds[:, 0], [0.1, np.nan, np.nan])


def test_ids_and_classes_that_are_numbers_are_text(book):
    rows = [["id", "x [1]", "phase"], [17, 1.5, 1], ["017", 2, 2]]
    table = read_csv(book(rows), conditions={"phase": "{}"}, material="id", kind="id")
    assert table.materials == ("17", "017")
    assert table.conditions[0].categories == ("1", "2")


def test_all_traps_of_a_workbook_come_together(book):
    rows = [
        ["smiles", "gap"],
        ["CCO", datetime(2024, 3, 5)],
        ["CC", "1,234"],
        ["C", "=1+1"],
        ["CCC", 0.07],
        ["CCCC", "#DIV/0!"],
        ["CCCCC", 5.0],
        [None, 6.0],
        ["CCCCCC", True],
    ]

    def change(sheet):
        sheet["B5"].number_format = "0.0%"
        sheet.merge_cells("A7:A8")

    path = book(rows, change)
    with pytest.raises(DataError) as caught:
        simple(path)
    cells = [(c.row, c.column, c.value, c.reason) for c in caught.value.cells]
    expected = [
        (2, "gap", "2024-03-05", "a date; spreadsheets make one of a number"),
        (3, "gap", "1,234", "ambiguous: a decimal comma"),
        (4, "gap", "=1+1", "a formula whose value is not in the file"),
        (5, "gap", "7%", "give the column the unit '%'"),
        (6, "gap", "#DIV/0!", "not a number"),
        (8, "smiles", "", "covered by the merged cells A7:A8"),
        (9, "gap", "TRUE", "not a number"),
    ]
    assert [c[:3] for c in cells] == [e[:3] for e in expected]
    for (*_, reason), (*_, words) in zip(cells, expected, strict=True):
        assert words in reason
    kept = simple(path, on_invalid="drop")
    assert kept.materials == ("CCCCC",)


def test_merged_headings_name_no_column(book):
    path = book([["smiles", "gap", None], ["C", 1.0, 2.0]], lambda s: s.merge_cells("B1:C1"))
    with pytest.raises(DataError, match=r"(?s)headings of .* B1:C1: unmerge"):
        simple(path)


def test_the_sheet_is_named_where_several_hold_something(tmp_path):
    made = Workbook()
    made.active.append(["notes"])
    second = made.create_sheet("data")
    second.append(["smiles", "gap"])
    second.append(["C", 1.0])
    made.create_sheet("empty")
    made.save(tmp_path / "two.xlsx")
    with pytest.raises(DataError, match=r"2 sheets that hold something, \['Sheet', 'data'\]"):
        simple(tmp_path / "two.xlsx")
    assert simple(tmp_path / "two.xlsx", sheet="data").materials == ("C",)
    with pytest.raises(DataError, match=r"no sheet 'date'; it has \['Sheet', 'data', 'empty'\]"):
        simple(tmp_path / "two.xlsx", sheet="date")


def test_hidden_sheets_are_not_meant(tmp_path):
    made = Workbook()
    made.active.append(["smiles", "gap\n[eV]"])
    made.active.append(["C", 1.0])
    lists = made.create_sheet("lists")
    lists.append(["yes"])
    lists.sheet_state = "hidden"
    made.save(tmp_path / "hidden.xlsx")
    assert read_csv(tmp_path / "hidden.xlsx").property_names == ("gap",)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.xlsx", b"smiles,gap", "no workbook that can be read"),
        ("a.xlsx", b"PK\x03\x04broken", "no workbook that can be read"),
        ("a.xls", b"\xd0\xcf", "of another format: save it as .xlsx"),
    ],
)
def test_what_is_no_workbook_says_so(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        simple(tmp_path / name)


def test_empty_and_missing_workbooks_say_so(book, tmp_path):
    with pytest.raises(DataError, match="is empty: it needs a header row"):
        simple(book([]))
    with pytest.raises(DataError, match="is empty: it needs at least one row of data"):
        simple(book([["smiles", "gap"]]))
    with pytest.raises(DataError, match="cannot be opened"):
        simple(tmp_path / "none.xlsx")
    (tmp_path / "a.csv").write_text("smiles,gap\nC,1\n")
    with pytest.raises(DataError, match="has no sheet 'x': leave sheet out"):
        simple(tmp_path / "a.csv", sheet="x")


def test_a_workbook_holds_a_table_to_the_last_digit(tmp_path):
    rng = np.random.default_rng(0)
    values = np.exp(rng.normal(size=(20, 2)) * 40)
    values[:, 1] = rng.integers(0, 2, 20)
    values[3, 0] = np.nan
    stds = np.full((20, 2), np.nan)
    stds[:3, 0] = rng.random(3)
    table = PropertyTable(
        tuple("C" * (i + 1) for i in range(20)),
        "smiles",
        (Property("x", "m^2/s", "log"), Property("state", categories=("=1+1", "2"))),
        values,
        stds,
        (Condition("T", "K"),),
        rng.normal(size=(20, 1)),
        tuple(f"{i}" for i in range(20)),
    )
    to_csv(table, tmp_path / "t.xlsx")
    again = read_csv(tmp_path / "t.xlsx")
    for name in ("materials", "kind", "properties", "conditions", "groups"):
        assert getattr(again, name) == getattr(table, name)
    for name in ("values", "stds", "condition_values"):
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))
    assert load_workbook(tmp_path / "t.xlsx").active["D2"].data_type == "n"


def test_what_a_workbook_cannot_hold_is_refused(tmp_path):
    table = PropertyTable(("a\x07",), "id", (Property("x"),), [[1.0]])
    with pytest.raises(DataError, match="no workbook holds control characters"):
        to_csv(table, tmp_path / "t.xlsx")
    assert not (tmp_path / "t.xlsx").exists()
    table = PropertyTable(("C",), "smiles", (Property("x"),), [[1.0]])
    with pytest.raises(DataError, match=r"write '.xlsx' or '.csv'"):
        to_csv(table, tmp_path / "t.xlsm")


def test_units_of_a_workbook_are_converted(book):
    path = book([["smiles", "Tb (°C)", "sd"], ["C", -161.5, 2]])
    table = read_csv(path, material="smiles", properties={"Tb": Column("K", std="sd")})
    np.testing.assert_allclose(table.values, [[111.65]])

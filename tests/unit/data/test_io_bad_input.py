"""What a person may hand in, and what they are told."""

import numpy as np
import pandas as pd
import pytest

from bayesmat.data.io import Column, from_frame, read_csv
from bayesmat.data.table import Condition
from bayesmat.errors import DataError

SPOILT = (
    "smiles,gap,sd,T,solvent,lab\n"
    "CCO,7.0,0.1,298,water,A\n"  # row 2 is sound
    "C1CC,6.0,0.1,298,water,A\n"
    "CC,n.d.,0.1,298,water,A\n"
    "CC,inf,0.1,298,water,A\n"
    "CC,-2.0,0.1,298,water,A\n"
    "\n"
    'CC,"6,5",0.1,298,water,A\n'
    "CC,<5,0.1,298,water,A\n"
    "CC,6.0,-0.1,298,water,A\n"
    "CC,6.0,high,298,water,A\n"
    "CC,6.0,0.1,,water,A\n"
    "CC,6.0,0.1,hot,water,A\n"
    "CC,6.0,0.1,298,oil,A\n"
    "CC,6.0,0.1,298,,A\n"
    "CC,6.0,0.1,298,water,\n"
    ",6.0,0.1,298,water,A\n"
    "CC,6.0,0.1\n"
    "CC,6.0,0.1,298,water,A,surplus\n"
    "CC,1_0,,298,water,A\n"
    "CC,0,,298,water,A\n"
    "CC,1e999,,298,water,A\n"
)
REASONS = [
    (3, "smiles", "C1CC", "not valid SMILES syntax"),
    (4, "gap", "n.d.", "not a number"),
    (5, "gap", "inf", "infinite"),
    (6, "gap", "-2.0", "not positive, and the scale of the property is log"),
    (8, "gap", "6,5", "write a decimal point instead of the comma"),
    (9, "gap", "<5", "a limit or an estimate"),
    (10, "sd", "-0.1", "negative standard deviation"),
    (11, "sd", "high", "not a number"),
    (12, "T", "", "the condition is missing"),
    (13, "T", "hot", "not a number"),
    (14, "solvent", "oil", "unknown category; expected one of water, dmso"),
    (15, "solvent", "", "the condition is missing"),
    (16, "lab", "", "the group is missing"),
    (17, "smiles", "", "it is empty"),
    (18, "", "CC,6.0,0.1", "3 cells, but the header has 6"),
    (19, "", "CC,6.0,0.1,298,water,A,surplus", "7 cells, but the header has 6"),
    (20, "gap", "1_0", "not a number"),
    (21, "gap", "0", "not positive"),
    (22, "gap", "1e999", "infinite"),
]
ARGUMENTS = {
    "material": "smiles",
    "properties": {"gap": Column("log eV", std="sd")},
    "conditions": {"T": "K", "solvent": "{water|dmso}"},
    "group": "lab",
}


@pytest.fixture
def write(tmp_path):
    def write(content, encoding="utf-8"):
        path = tmp_path / "bad.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def simple(path, **others):
    return read_csv(path, material="smiles", properties={"gap": "eV"}, **others)


def test_one_error_lists_every_bad_cell(write):
    with pytest.raises(DataError) as caught:
        read_csv(write(SPOILT), **ARGUMENTS)
    assert [cell.row for cell in caught.value.cells] == [row for row, *_ in REASONS]
    for cell, (row, column, value, reason) in zip(caught.value.cells, REASONS, strict=True):
        assert (cell.row, cell.column, cell.value) == (row, column, value)
        assert reason in cell.reason
    message = str(caught.value)
    assert f"{len(REASONS)} cells of" in message
    assert "bad.csv" in message
    assert "on_invalid='drop'" in message
    assert "\n  row 4, column 'gap': 'n.d.' - not a number" in message
    assert "\n  row 18: 'CC,6.0,0.1' - 3 cells" in message


def test_drop_keeps_what_is_sound_and_records_the_rest(write):
    table = read_csv(write(SPOILT), on_invalid="drop", **ARGUMENTS)
    assert table.materials == ("CCO",)
    assert [cell.row for cell in table.dropped] == [row for row, *_ in REASONS]


def test_drop_leaves_out_a_cell_but_keeps_the_other_properties_of_its_row(write):
    path = write("smiles,a,b\nC,1,x\nCC,y,z\nCCC,,\nC1,1,1\n")
    table = read_csv(path, material="smiles", properties={"a": "1", "b": "1"}, on_invalid="drop")
    assert table.materials == ("C", "CCC")  # CCC was never measured: an honest row
    np.testing.assert_array_equal(table.values, [[1.0, np.nan], [np.nan, np.nan]])
    assert [(cell.row, cell.column) for cell in table.dropped] == [
        (2, "b"),
        (3, "a"),
        (3, "b"),
        (5, "smiles"),
    ]


def test_drop_of_everything_is_an_error_that_lists_it(write):
    with pytest.raises(DataError, match=r"no row of .* is left") as caught:
        simple(write("smiles,gap\nC1,1\nCC,x\n"), on_invalid="drop")
    assert [cell.row for cell in caught.value.cells] == [2, 3]


def test_rows_are_counted_as_spreadsheets_do(write):
    path = write('smiles,note,gap\nC,"two\nlines",1\n\nCC,,x\n')
    with pytest.raises(DataError) as caught:
        simple(path)
    assert [cell.row for cell in caught.value.cells] == [4]


def test_missing_and_duplicate_columns_and_unknown_units_come_together(write):
    path = write("smiles,smiles,gap,Tm\nC,C,1,2\n")
    with pytest.raises(DataError) as caught:
        read_csv(
            path,
            material="smiles",
            properties={"gap": "electronvolz", "Tb": "K", "Tm": Column("K", unit="eV")},
            conditions={"p": "bar"},
            group="lab",
            on_invalid="drop",
        )
    found = {(cell.row, cell.column): cell.reason for cell in caught.value.cells}
    assert found[1, "smiles"] == "duplicate column, 2 of this name"
    assert "unknown unit 'electronvolz'" in found[1, "gap"]
    assert found[1, "Tb"] == found[1, "p"] == found[1, "lab"] == "missing column"
    assert "cannot be converted to 'K'" in found[1, "Tm"]
    assert "it has ['smiles', 'smiles', 'gap', 'Tm']" in str(caught.value)


def test_unknown_units_in_call_and_heading(write):
    path = write("smiles,gap [electronvolz],E\nC,1,2\n")
    with pytest.raises(DataError) as caught:
        read_csv(path, material="smiles", properties={"gap": "eV", "E": "eVolt"})
    assert [cell.column for cell in caught.value.cells] == ["gap", "E"]
    assert "unknown unit 'electronvolz'" in caught.value.cells[0].reason
    assert "unknown unit 'eVolt'" in caught.value.cells[1].reason


def test_units_that_contradict_each_other(write):
    path = write("smiles,gap [eV]\nC,1\n")
    with pytest.raises(DataError, match="heading says the unit is 'eV', the call says 'hartree'"):
        read_csv(path, material="smiles", properties={"gap": Column("eV", unit="hartree")})


def test_ambiguous_headings_are_duplicates(write):
    with pytest.raises(DataError, match="duplicate column, 2 of this name"):
        simple(write("smiles,gap [eV],gap [hartree]\nC,1,2\n"))


def test_duplicate_columns_that_nobody_asked_for_do_no_harm(write):
    assert simple(write("smiles,gap,x,x\nC,1,2,3\n")).n_rows == 1


def test_semicolons_are_recognised(write):
    with pytest.raises(DataError, match="Save it with commas between the columns"):
        simple(write("smiles;gap\nC;1,5\n"))
    with pytest.raises(DataError, match=r"divided by semicolons.* as a workbook \(.xlsx\)"):
        simple(write('smiles;gap\n"C";1,"5"x\n'))
    with pytest.raises(DataError, match="divided by semicolons"):  # a heading may hold a comma
        simple(write("molecule;gap, eV;Tb;rho\nC;1;2;3\n"))


@pytest.mark.parametrize("content", ["", "\n\n", "smiles,gap\n", "smiles,gap\n\n , \n", "\ufeff"])
def test_empty_files(write, content):
    with pytest.raises(DataError, match=r"bad.csv is empty: it needs a header row and at least"):
        simple(write(content))


def test_absent_file(tmp_path):
    with pytest.raises(DataError, match=r"none.csv cannot be opened: No such file"):
        simple(tmp_path / "none.csv")


def test_wrong_encoding_lists_every_line(write):
    path = write("smiles,gap,note\nC,1,caf\u00e9\nCC,2,plain\nCCC,3,25 \u00b0C\n", "latin-1")
    with pytest.raises(DataError, match=r"wrong encoding, it is not UTF-8\. Save it as") as caught:
        simple(path, on_invalid="drop")
    assert [(c.row, c.reason) for c in caught.value.cells] == [
        (2, "byte 0xe9 is not UTF-8"),
        (4, "byte 0xb0 is not UTF-8"),
    ]
    assert "caf\\xe9" in caught.value.cells[0].value


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_wide_encodings_are_recognised(write, encoding):
    with pytest.raises(DataError, match=r"not UTF-8 text \(UTF-16, a spreadsheet or an archive"):
        simple(write("smiles,gap\nC,1\n", encoding))


def test_a_spreadsheet_is_not_a_csv(write):
    with pytest.raises(DataError, match="a spreadsheet or an archive"):
        simple(write(b"PK\x03\x04\x14\x00\x06\x00"))


def test_unclosed_quotation_mark(write):
    with pytest.raises(DataError, match="A quotation mark may be unclosed"):
        simple(write('smiles,gap\nC,"1\nCC,2\n'))


def test_a_file_that_does_not_describe_itself(write):
    with pytest.raises(DataError, match=r"name it, material='...', out of \['s', 'gap \[eV\]'\]"):
        read_csv(write("s,gap [eV]\nC,1\n"))
    with pytest.raises(DataError, match=r"\['gap'\] hold numbers without one.*\{'gap': '1'\}"):
        read_csv(write("smiles,gap\nC,1\n"))
    with pytest.raises(DataError, match="no property was asked for"):
        read_csv(write("smiles,gap\nC,1\n"), material="smiles")


def test_arguments_that_make_no_sense(write):
    path = write("smiles,gap\nC,1\n")
    with pytest.raises(DataError, match="on_invalid is 'ignore'; it must be 'raise' or 'drop'"):
        simple(path, on_invalid="ignore")
    with pytest.raises(DataError, match="'T' was given as a property, but it is not one"):
        read_csv(path, material="smiles", properties={"gap": Condition("T", "K")})
    with pytest.raises(DataError, match="share the names"):
        read_csv(path, material="smiles", properties={"gap": "eV"}, conditions={"gap": "eV"})


def test_frames_count_rows_from_two_whatever_their_index():
    frame = pd.DataFrame(
        {"s": ["C", "C1", None, "CC"], "x": [True, 1.0, 2.0, pd.Timestamp("2020-01-01")]},
        index=[40, 41, 42, 43],
    )
    with pytest.raises(DataError) as caught:
        from_frame(frame, material="s", properties={"x": "1"})
    assert [(c.row, c.column) for c in caught.value.cells] == [
        (2, "x"),
        (3, "s"),
        (4, "s"),
        (5, "x"),
    ]
    assert caught.value.cells[0].reason == "not a number but of type bool"
    assert caught.value.cells[3].reason.startswith("a date; spreadsheets make one of a number")


def test_empty_frames():
    with pytest.raises(DataError, match="data frame is empty"):
        from_frame(pd.DataFrame({"s": []}), material="s", properties={"x": "1"})


@pytest.mark.parametrize("kind", ["repeat_unit", "composition"])
def test_bad_materials_of_other_kinds_are_listed(write, kind):
    path = write("key,x\nnonsense,1\nother,2\n")
    with pytest.raises(DataError) as caught:
        read_csv(path, material="key", kind=kind, properties={"x": "1"})
    assert [cell.row for cell in caught.value.cells] == [2, 3]


@pytest.mark.parametrize("digits", [400, 5000])
def test_a_whole_number_beyond_double_precision_is_infinite(digits):
    frame = pd.DataFrame({"s": ["C", "CC"], "x": pd.Series([1.0, 10**digits], dtype=object)})
    with pytest.raises(DataError, match="1 cell of the data frame") as caught:
        from_frame(frame, material="s", properties={"x": "1"})
    assert [(c.row, c.column, c.reason) for c in caught.value.cells] == [(3, "x", "infinite")]

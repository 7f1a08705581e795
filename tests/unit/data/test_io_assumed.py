"""What a reader assumes where the call does not say, and what it refuses to guess."""

import logging

import numpy as np
import pandas as pd
import pytest

from bayesmat.data.io import from_frame, read_csv, to_csv
from bayesmat.data.materials import canonical, canonical_all
from bayesmat.data.table import Condition, Property
from bayesmat.errors import DataError, MaterialError


def read(columns, **asked):
    return from_frame(pd.DataFrame(columns), **asked)


@pytest.mark.parametrize(
    ("heading", "cells", "kind"),
    [
        ("smiles", ["OCC", "C"], "smiles"),
        ("SMILES", ["OCC", "C"], "smiles"),
        ("Canonical_Smiles", ["OCC", "C"], "smiles"),
        ("canonical smiles", ["OCC", "C"], "smiles"),
        ("SMILES (RDKit)", ["OCC", "C"], "smiles"),
        ("Formula", ["Fe2O3", "CO"], "composition"),
        ("composition", ["Fe2O3", "CO"], "composition"),
        ("formula_pretty", ["Fe2O3", "CO"], "composition"),
        ("PSMILES", ["*CC*", "*CC(*)C"], "repeat_unit"),
        ("repeat unit", ["*CC*", "*CC(*)C"], "repeat_unit"),
        ("Name", ["ethanol", "water"], "id"),
        ("sample_id", ["a1", "a2"], "id"),
        ("Material", ["OCC", "c1ccccc1"], "smiles"),
        ("material", ["Fe2O3", "NaCl"], "composition"),
        ("polymer", ["*CC*", "*CC(*)C"], "repeat_unit"),
    ],
)
def test_the_column_of_materials_and_its_kind_are_found(heading, cells, kind, caplog):
    table = read({"lab": ["A", "B"], heading: cells, "gap [eV]": [1.0, 2.0]})
    assert table.kind == kind
    assert table.materials == canonical_all(cells, kind)
    assert table.property_names == ("gap",)
    said = f"{heading!r} holds the materials, read as {kind!r}"
    assert table.assumed[0] == said
    assert said in caplog.text


@pytest.mark.parametrize(
    ("heading", "name", "unit"),
    [
        ("Tb [K]", "Tb", "K"),
        ("gap (eV)", "gap", "eV"),
        ("T/°C", "T", "degC"),
        ("rho / g cm^-3", "rho", "g cm^-3"),
        ("Tm (C)", "Tm", "degC"),
        ("x [1]", "x", ""),
        ("yield, %", "yield", "%"),
    ],
)
def test_numbers_whose_heading_says_a_unit_are_properties(heading, name, unit):
    table = read({"smiles": ["C", "CC"], heading: [1.0, None]})
    assert table.properties == (Property(name, unit),)
    np.testing.assert_array_equal(table.values[:, 0], [1.0, np.nan])


def test_scales_and_classes_of_headings_are_kept():
    table = read({"smiles": ["C"], "gap [log eV]": [1.0], "state {solid|gas}": ["gas"]})
    assert table.properties == (
        Property("gap", "eV", "log"),
        Property("state", categories=("solid", "gas")),
    )


@pytest.mark.parametrize(
    "heading", ["gap_sd", "gap std", "sd(gap)", "std_gap", "sd(gap) [eV]", "Gap_SD (eV)"]
)
def test_standard_deviations_are_recognised(heading):
    table = read({"smiles": ["C", "CC"], "gap [eV]": [1.0, 2.0], heading: [0.1, 0.2]})
    assert table.property_names == ("gap",)
    np.testing.assert_array_equal(table.stds[:, 0], [0.1, 0.2])
    assert any(f"with its standard deviations in {heading!r}" in line for line in table.assumed)


@pytest.mark.parametrize("heading", ["err_gap", "gap_error [eV]", "gap uncertainty"])
def test_what_may_be_an_interval_is_not_taken_for_a_standard_deviation(heading):
    table = read({"smiles": ["C"], "gap [eV]": [1.0], heading: [0.1]})
    assert table.property_names == ("gap",)
    assert np.isnan(table.stds).all()
    assert f"{heading!r} (if these are standard deviations" in table.assumed[-1]


def test_what_is_not_read_is_listed(caplog):
    columns = {
        "smiles": ["C", "CC"],
        "gap [eV]": [1.0, 2.0],
        "price": [3, 4],
        "supplier": ["A", "B"],
        "name": ["methane", "ethane"],
        "mu [debey]": [1, 2],
        "E [EV]": [1, 2],
    }
    with caplog.at_level(logging.WARNING):
        table = read(columns)
    ignored = table.assumed[-1]
    assert ignored.startswith("ignored: 'price' (numbers without a unit), 'supplier' (no numbers)")
    assert "'name' (no numbers)" in ignored
    assert "'mu [debey]' (unknown unit 'debey'" in ignored
    assert "'E [EV]' (the unit 'EV' is another one than 'eV'" in ignored
    assert len([r for r in caplog.records if "what the call leaves open" in r.message]) == 1
    assert "gap [eV]' is the property 'gap' in 'eV'" in repr(table)
    assert "supplier" in table._repr_html_()


def test_a_call_that_says_all_assumes_nothing(caplog):
    table = read({"smiles": ["C"], "gap": [1.0], "x": [2]}, material="smiles",
                 properties={"gap": "eV"})  # fmt: skip
    assert table.assumed == ()
    assert not caplog.records
    assert "assumed" not in repr(table)


def test_temperature_is_a_condition_and_a_letter_only_where_it_varies():
    table = read({"smiles": ["C"], "temperature [K]": [300.0], "p [Pa]": [1.0]})
    assert table.conditions == (Condition("temperature", "K"),)
    assert table.property_names == ("p",)
    cells = {"smiles": ["C", "C"], "T/K": [300.0, 350.0], "p [Pa]": [1.0, 1.0]}
    table = read(cells)
    assert table.conditions == (Condition("T", "K"),)
    assert "'T/K' is a condition of the measurements, no property" in table.assumed
    assert read({**cells, "smiles": ["C", "CC"]}).property_names == ("T", "p")
    assert read({"smiles": ["C"], "temperature [K]": [3.0]}).property_names == ("temperature",)


def test_marked_conditions_are_read():
    table = read({"smiles": ["C", "CC"], "@solvent {}": ["b", "a"], "gap [eV]": [1.0, 2.0]})
    assert table.conditions == (Condition("solvent", categories=("a", "b")),)


def test_rows_that_are_all_torn_are_listed(tmp_path):
    (tmp_path / "t.csv").write_text("smiles,gap [eV]\nC,1,000\n")
    with pytest.raises(DataError, match="row 2: 'C,1,000' - 3 cells, but the header has 2"):
        read_csv(tmp_path / "t.csv")


def test_a_heading_of_logarithms_is_an_error():
    with pytest.raises(DataError, match=r"'log k \[W/m\]': 'W/m' - the heading 'log k' says that"):
        read({"smiles": ["C"], "log k [W/m]": [1.0]})


def test_two_columns_of_materials_are_not_chosen_between():
    with pytest.raises(DataError, match=r"2 columns that may hold the materials, \['smiles', 'for"):
        read({"smiles": ["C"], "formula": ["CH4"], "gap [eV]": [1.0]})
    asked = read({"smiles": ["C"], "formula": ["CH4"], "gap [eV]": [1.0]}, kind="composition")
    assert asked.materials == ("H4C",)
    named = read({"smiles": ["C"], "formula": ["CH4"], "gap [eV]": [1.0]}, material="formula")
    assert named.kind == "composition"
    assert named.assumed[0] == "'formula' holds the materials, read as 'composition'"


def test_cells_of_two_kinds_are_not_guessed():
    with pytest.raises(DataError, match=r"can be read in 2 ways.*kind='smiles' or kind='composit"):
        read({"material": ["CO", "NO"], "gap [eV]": [1.0, 2.0]})
    with pytest.raises(DataError, match="if they are names, kind='id'"):
        read({"material": ["ethanol", "water"], "gap [eV]": [1.0, 2.0]})


ALIKE = {
    "smiles": ["c1ccccc1O", "CC(=O)O", "CCO", "C=C"],
    "repeat_unit": ["*CC*", "*CC(*)C", "*CCO*", "*OCC*"],
    "composition": ["Fe2O3", "NaCl", "SiO2", "Al0.5Ga0.5As"],
}


@pytest.mark.parametrize("on_invalid", ["raise", "drop"])
@pytest.mark.parametrize(
    ("true", "said"),
    [(true, said) for true in ALIKE for said in ALIKE if true != said],
)
def test_a_column_of_another_kind_is_told_apart(true, said, on_invalid):
    cells = ALIKE[true][:2] if (true, said) == ("smiles", "composition") else ALIKE[true]
    with pytest.raises(DataError, match=f"They read as .*kind='{true}'"):
        read({"key": cells, "gap": range(len(cells))}, material="key", kind=said,
             properties={"gap": "1"}, on_invalid=on_invalid)  # fmt: skip
    with pytest.raises(MaterialError, match=f"kind='{true}'"):
        canonical_all(cells, said)
    with pytest.raises(MaterialError, match=f"kind='{true}'"):
        canonical(cells[0], said)


def test_names_given_as_structures_are_told():
    asked = {"material": "key", "properties": {"gap": "eV"}}
    with pytest.raises(DataError, match="If they are names or codes, pass kind='id'"):
        read({"key": ["ethanol", "water"], "gap": [1.0, 2.0]}, **asked)


def test_one_mistyped_structure_says_nothing_of_the_kind():
    asked = {"material": "key", "properties": {"gap": "eV"}}
    with pytest.raises(DataError) as caught:
        read({"key": ["CCO", "CC", "C1CC"], "gap": [1.0, 2.0, 3.0]}, **asked)
    assert "kind=" not in str(caught.value)


def test_a_file_without_materials_but_with_conditions_holds_recipes(tmp_path):
    (tmp_path / "forrester.csv").write_text("x,y\n0.1,3\n0.5,4\n")
    table = read_csv(tmp_path / "forrester.csv", conditions={"x": "1"}, properties={"y": "1"})
    assert table.kind == "recipe"
    assert table.materials == ("x=0.1", "x=0.5")
    assert table.assumed == ("rows are recipes: no column holds materials",)
    for name in ("again.csv", "again.xlsx"):
        to_csv(table, tmp_path / name)
        again = read_csv(tmp_path / name)
        assert (again.kind, again.conditions) == ("recipe", table.conditions)
        assert again.assumed == ()
        np.testing.assert_array_equal(again.values, table.values)
        np.testing.assert_array_equal(again.condition_values, table.condition_values)


def test_numbers_of_runs_are_not_taken_for_materials():
    columns = {"id": ["1", "2"], "x": [0.1, 0.5], "y [eV]": [3.0, 4.0]}
    with pytest.raises(DataError, match="say material='id', or kind='recipe'"):
        read(columns, conditions={"x": "1"})
    assert read(columns, conditions={"x": "1"}, kind="recipe").kind == "recipe"
    assert read(columns, conditions={"x": "1"}, material="id", kind="id").materials == ("1", "2")
    with pytest.raises(DataError, match="recipes have no material, and material is 'id'"):
        read(columns, conditions={"x": "1"}, material="id", kind="recipe")


def test_conditions_that_a_call_leaves_out_are_named(tmp_path):
    """Rows at other temperatures would pass for replicates."""
    path = tmp_path / "t.csv"
    path.write_text("smiles,temperature [K],Cp [J/mol/K]\nCCO,300,112\nCCO,350,133\n")
    table = read_csv(path, material="smiles", properties={"Cp": "J/mol/K"})
    assert "look like conditions and are not read" in " ".join(table.assumed)
    asked = {"material": "smiles", "properties": {"Cp": "J/mol/K"}}
    assert not read_csv(path, **asked, conditions={"temperature": "K"}).assumed


def test_a_kind_that_the_call_names_overrules_the_heading(tmp_path):
    path = tmp_path / "polymers.csv"
    path.write_text("smiles,k [W/(m K)]\n*CC*,0.5\n*CC(*)C,0.2\n")
    table = read_csv(path, kind="repeat_unit")
    assert (table.kind, table.n_rows) == ("repeat_unit", 2)
    assert "'smiles' holds the materials, read as 'repeat_unit'" in table.assumed
    path.write_text("SMILES,gap [eV]\nNaCl,8.5\nMgO,7.8\n")
    assert read_csv(path, kind="composition").materials == ("NaCl", "MgO")


def test_words_that_tell_rows_of_one_material_apart_are_no_plain_remark(tmp_path):
    path = tmp_path / "seebeck.csv"
    rows = [f"{m},{c},{v}" for m in ("PbTe", "Si", "GaAs") for c, v in (("p", 200), ("n", 210))]
    path.write_text("formula,carrier,S [uV/K]\n" + "\n".join(rows) + "\n")
    (ignored,) = [line for line in read_csv(path).assumed if line.startswith("ignored")]
    assert ignored == (
        "ignored: 'carrier' (no numbers, yet it tells rows of one material apart: "
        "conditions={'carrier': '{}'} reads it)"
    )


def test_a_wide_positive_property_is_read_as_it_is_and_the_log_scale_named(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("smiles,temperature [°C],p [kPa],Tb [K]\nCO,10,0.3,338\nCCO,70,141,351\n")
    table = read_csv(path)
    assert table.properties[0].scale == "linear"
    assert table.assumed[-1] == (
        "'p [kPa]' is positive and goes from 0.3 to 141: properties={'p [kPa]': 'log kPa'}, "
        "conditions={'temperature [°C]': 'degC'} keeps its predictions positive"
    )
    call = {"properties": {"p [kPa]": "log kPa"}, "conditions": {"temperature [°C]": "degC"}}
    assert "keeps its" not in " ".join(read_csv(path, **call).assumed)


def test_recipes_without_a_condition_are_told_how_to_name_one(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("run,time [h],yield [%]\n1,2,50\n2,3,60\n")
    with pytest.raises(
        DataError, match=r"conditions, and no heading of .*runs.csv says which.*'1'"
    ):
        read_csv(path, kind="recipe")

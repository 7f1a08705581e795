import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmat.data.io import Column, from_frame, read_csv, to_csv
from bayesmat.data.table import Condition, Property, PropertyTable
from bayesmat.errors import DataError

DATA = Path(os.environ.get("BAYESMAT_DATA", ""))
needs_data = pytest.mark.skipif(
    not os.environ.get("BAYESMAT_DATA"), reason="BAYESMAT_DATA names no folder of public tables"
)


@pytest.fixture
def write(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "table.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def assert_same(one, other):
    for name in ("materials", "kind", "properties", "conditions", "groups"):
        assert getattr(one, name) == getattr(other, name)
    for name in ("values", "stds", "condition_values"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)


def test_read_csv_reads_what_is_asked_for(write):
    path = write("id,smiles,Tb,gap\n1,OCC,351.4,7.1\n2,C1=CC=CC=C1,,6.9\n3,OCC,351.6,\n")
    table = read_csv(path, material="smiles", properties={"gap": "log eV", "Tb": "K"})
    assert table.materials == ("CCO", "c1ccccc1", "CCO")
    assert table.properties == (Property("gap", "eV", "log"), Property("Tb", "K"))
    np.testing.assert_array_equal(table.values, [[7.1, 351.4], [6.9, np.nan], [np.nan, 351.6]])
    assert np.isnan(table.stds).all()
    assert table.dropped == ()


def test_conditions_categories_groups_and_stds(write):
    path = write(
        "key,T,solvent,x,x_sd,ok,lab\n"
        "C,25,water,1.5,0.1,yes,A\n"
        "CC,30,dmso,2.5,,no,B\n"
        'CCC,35,"water",3.5,0.3,,A\n'
    )
    table = read_csv(
        path,
        material="key",
        properties={"x": Column("g/cm^3", std="x_sd"), "ok": "{no|yes}"},
        conditions={"T": Column("K", unit="degC"), "solvent": "{}"},
        group="lab",
    )
    assert table.conditions == (
        Condition("T", "K"),
        Condition("solvent", categories=("dmso", "water")),
    )
    np.testing.assert_allclose(
        table.condition_values, [[298.15, 1], [303.15, 0], [308.15, 1]], rtol=1e-12
    )
    np.testing.assert_array_equal(table.values, [[1.5, 1], [2.5, 0], [3.5, np.nan]])
    np.testing.assert_array_equal(table.stds[:, 0], [0.1, np.nan, 0.3])
    assert table.groups == ("A", "B", "A")


def test_units_of_the_file_are_converted_values_and_stds(write):
    path = write("s,Tb [degC],sd,gap [hartree]\nC,-161.5,2,0.5\n")
    table = read_csv(
        path,
        material="s",
        properties={"Tb": Column("K", std="sd"), "gap": Property("gap", "eV", "log")},
    )
    np.testing.assert_allclose(table.values, [[111.65, 13.605693122994]], rtol=1e-9)
    assert table.stds[0, 0] == pytest.approx(2.0)
    named = read_csv(path, material="s", properties={"gap [hartree]": "eV"})
    assert named.property_names == ("gap",)


def test_a_property_may_have_another_name_than_its_column(write):
    path = write("s,E isomer pi-pi* wavelength in nm\nC,322\n")
    label = "E isomer pi-pi* wavelength in nm"
    table = read_csv(path, material="s", properties={label: Property("E_pi", "nm")})
    assert table.property_names == ("E_pi",)


@pytest.mark.parametrize(
    "empty", ["", " ", "NaN", "nan", "NA", "N/A", "#N/A", "null", "None", "<NA>"]
)
def test_ways_to_write_not_measured(write, empty):
    table = read_csv(write(f"s,x\nC,{empty}\nCC,1\n"), material="s", properties={"x": "1"})
    np.testing.assert_array_equal(table.values[:, 0], [np.nan, 1.0])


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), ("+1.", 1.0), (".5", 0.5), ("-1e-3", -1e-3), (" 2 ", 2.0), ("1E5", 1e5)],
)
def test_ways_to_write_a_number(write, text, value):
    table = read_csv(write(f"s,x\nC,{text}\n"), material="s", properties={"x": "1"})
    assert table.values[0, 0] == value


def test_spreadsheet_manners_are_understood(write):
    text = '\ufeff"smiles", x ,x\u00b2\r\n"C",1,\r\n\r\n,,\r\n"CC",2,,\r\n'
    table = read_csv(write(text), material="smiles", properties={"x": "1"})
    assert table.materials == ("C", "CC")


def test_zero_standard_deviation_is_unknown_and_logged(write, caplog):
    path = write("s,x,sd\nC,1,0\nCC,2,0.1\n")
    table = read_csv(path, material="s", properties={"x": Column("1", std="sd")})
    np.testing.assert_array_equal(table.stds[:, 0], [np.nan, 0.1])
    assert "1 standard deviations of 'x' are 0: read as unknown" in caplog.text


def test_from_frame_takes_numbers_text_and_missing_marks():
    frame = pd.DataFrame(
        {
            "s": ["OCC", "CC", "C"],
            "float": [1.5, np.nan, 2.5],
            "text": ["1", "", None],
            "nullable": pd.array([1, None, 3], dtype="Int64"),
        },
        index=[7, 7, 9],
    )
    properties = {"float": "1", "text": "1", "nullable": "1"}
    table = from_frame(frame, material="s", properties=properties)
    np.testing.assert_array_equal(
        table.values, [[1.5, 1, 1], [np.nan, np.nan, np.nan], [2.5, np.nan, 3]]
    )


@pytest.fixture
def rich():
    rng = np.random.default_rng(0)
    values = np.exp(rng.normal(size=(50, 3)) * 40)
    values[:, 2] = rng.integers(0, 3, 50)
    values[rng.random((50, 3)) < 0.3] = np.nan
    stds = np.where(rng.random((50, 3)) < 0.5, np.abs(rng.normal(size=(50, 3))), np.nan)
    stds[:, 1:] = np.nan
    stds[np.isnan(values)] = np.nan
    return PropertyTable(
        materials=tuple("C" * (i % 10 + 1) for i in range(50)),
        kind="smiles",
        properties=(
            Property("diffusion, self", "m^2/s", "log"),
            Property("n"),
            Property("état", categories=('the "first"', "2,b", "c")),
        ),
        values=values,
        stds=stds,
        conditions=(Condition("T", "K"), Condition("solvent", categories=("a", "b"))),
        condition_values=np.column_stack([rng.normal(size=50), rng.integers(0, 2, 50)]),
        groups=tuple(f"lab, {i % 3}" for i in range(50)),
    )


def test_to_csv_and_read_csv_are_inverse_to_the_last_digit(rich, tmp_path):
    to_csv(rich, tmp_path / "t.csv")
    assert_same(read_csv(tmp_path / "t.csv"), rich)
    header = (tmp_path / "t.csv").read_text("utf-8").splitlines()[0]
    assert header.startswith(
        'material (smiles),@T [K],@solvent {a|b},"diffusion, self [log m^2/s]",'
        '"sd(diffusion, self) [m^2/s]",n [1],'
    )


@pytest.mark.parametrize(
    ("kind", "material"), [("repeat_unit", "*CC(*)C"), ("composition", "Fe2O3"), ("id", "a,\nb")]
)
def test_round_trip_of_every_kind(kind, material, tmp_path):
    table = PropertyTable((material,), kind, (Property("x", "%"),), np.array([[np.nan]]))
    to_csv(table, tmp_path / "t.csv")
    assert_same(read_csv(tmp_path / "t.csv"), table)


def test_a_property_called_relative_survives_a_file(tmp_path):
    table = PropertyTable(("O",), "smiles", (Property("rel humidity", "%"),), [[5.0]], [[1.0]])
    to_csv(table, tmp_path / "t.csv")
    assert_same(read_csv(tmp_path / "t.csv"), table)


@needs_data
def test_polymers_of_radonpy():
    table = read_csv(
        DATA / "PI1070.csv",
        material="smiles",
        kind="repeat_unit",
        properties={
            "density": Column("g/cm^3", std="density_std"),
            "thermal_conductivity": "log W/(m*K)",
        },
        conditions={"temp": "K"},
        group="polymer_class",
    )
    assert table.n_rows == len(set(table.materials)) == 1077
    assert np.isnan(table.stds[:, 0]).sum() == 58  # single runs, written as 0


@needs_data
def test_ragged_table_of_photoswitches():
    columns = {
        "E isomer pi-pi* wavelength in nm": Property("E_pi", "nm"),
        "PBE0 DFT E isomer pi-pi* wavelength in nm": Property("E_pi_pbe0", "nm"),
    }
    table = read_csv(DATA / "Photoswitch.csv", material="SMILES", properties=columns)
    assert (~np.isnan(table.values)).sum(axis=0).tolist() == [392, 114]


@pytest.mark.parametrize(
    "heading",
    ["Tb (°C)", "Tb [°C]", "Tb (degC)", "Tb, degC", "Tb / degC", "Tb in degC", "Tb (C)", "Tb (℃)",
     "Tb (°C) (DSC)", "Tb (deg C)", "Tb (degrees C)"],
)  # fmt: skip
def test_the_unit_of_a_heading_is_converted(heading):
    """100 degrees Celsius are 373.15 K, wherever the heading says so."""
    frame = pd.DataFrame({"smiles": ["O"], heading: [100.0]})
    table = from_frame(frame, material="smiles", properties={heading: "K"})
    assert table.values[0, 0] == pytest.approx(373.15)
    assert table.properties[0].unit == "K"
    assert table.property_names[0] in ("Tb", "Tb (DSC)")


def test_a_heading_is_found_by_its_name_and_its_unit_kept():
    frame = pd.DataFrame({"smiles": ["O"], "density (g/cm3)": [0.997]})
    table = from_frame(frame, material="smiles", properties={"density": "kg/m^3"})
    assert table.values[0, 0] == pytest.approx(997.0)


@pytest.mark.parametrize(
    ("heading", "unit", "reason"),
    [
        ("gap (nm)", "eV", "cannot be converted to 'eV'"),
        ("gap (kJ/mol)", "eV", "per mole and 'eV' per particle"),
        ("k (W/m K)", "W/(m*K)", "what stands below the line"),
        ("gap (EV)", "eV", "Perhaps 'eV'?"),
        ("Tb_degC", "K", "holds 'degC'"),
        ("Tb_C", "K", "holds 'C'"),
        ("gap_hartree", "eV", "holds 'hartree'"),
        ("Tb °C", "K", "holds '°C'"),
        ("Tb (°C) exp", "K", "holds '°C'"),
        ("Tb {°C}", "K", "holds '°C'"),
        ("Tb <°C>", "K", "holds '°C'"),
        ("Tb（°C）", "K", "holds '°C'"),
        ("log Tb (K)", "K", "are logarithms"),
        ("Tb (log K)", "K", "are logarithms"),
        ("logS", "log mol/L", r"Column('log mol/L', unit='mol/L')"),
        ("ln_k", "1/s", "are logarithms"),
        ("log10(S)", "log", "are logarithms"),
    ],
)
def test_a_unit_that_contradicts_the_heading_is_refused(heading, unit, reason):
    frame = pd.DataFrame({"smiles": ["O"], heading: [1.0]})
    with pytest.raises(DataError) as caught:
        from_frame(frame, material="smiles", properties={heading: unit})
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("heading", "unit"),
    [("flash_point", "K"), ("Tb_K", "K"), ("E_V", "eV"), ("T_c", "K"), ("log P", "1"),
     ("logarithm", "K"), ("Tb K", "K"), ("catalog no", "K"), ("gap_dft", "eV"),
     ("length dft", "nm"), ("Tb exp", "K"), ("yield", "1"), ("a/b ratio", "1"), ("H/C", "1"),
     ("x alpha", "1"), ("x %", "%"), ("Tb Kelvin", "K"), ("density_kg_m3", "kg/m^3"),
     ("H_kcal_mol", "kcal/mol"), ("viscosity 25 °C", "Pa*s"), ("Tg 10 C/min", "K"),
     ("Tg at 25 °C dry", "K"), ("solubility_pH 7", "mol/L"), ("gap in water", "eV"),
     ("lifetime as measured", "s")],
)  # fmt: skip
def test_a_heading_that_ends_in_a_word_is_left_alone(heading, unit):
    """A point is also a unit of length, which no temperature is measured in."""
    frame = pd.DataFrame({"smiles": ["O"], heading: [1.0]})
    table = from_frame(frame, material="smiles", properties={heading: unit})
    assert table.values[0, 0] == 1.0


def test_a_heading_that_ends_in_a_unit_can_be_settled_by_the_call():
    frame = pd.DataFrame({"smiles": ["O"], "Tb_degC": [100.0]})
    table = from_frame(frame, material="smiles", properties={"Tb_degC": Column("K", unit="degC")})
    assert table.values[0, 0] == pytest.approx(373.15)


@pytest.mark.parametrize("heading", ["Tg (DSC)", "gap (HOMO-LUMO)", "viscosity (25 °C)", "Tg (a)"])
def test_a_remark_in_a_heading_is_no_unit_and_that_is_said(heading, caplog):
    frame = pd.DataFrame({"smiles": ["O"], heading: [1.0]})
    table = from_frame(frame, material="smiles", properties={heading: "K"})
    assert table.property_names == (heading,)
    assert table.values[0, 0] == 1.0
    assert "is not a unit: its numbers are read in 'K'" in caplog.text


@pytest.mark.parametrize("unit", ["log degC", "log degF", "log °C"])
def test_a_logarithm_of_an_interval_scale_is_refused(unit):
    frame = pd.DataFrame({"smiles": ["O"], "Tb": [100.0]})
    with pytest.raises(DataError, match="whose zero is a convention"):
        from_frame(frame, material="smiles", properties={"Tb": unit})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1,234", r"ambiguous: a decimal comma \(1.234\) or a thousands separator \(1234\)"),
        ("0,234", "decimal point instead of the comma"),
        ("1234,5", "decimal point instead of the comma"),
        ("1,234,567", "leave out the thousands separators"),
        ("1.234.567,8", "leave out the thousands separators"),
        ("1 234.5", "leave out the thousands separators"),
        ("−5", "minus sign is a typographic one"),
        ("12 %", "unit '%'"),
    ],
)
def test_numbers_of_other_habits_are_refused_with_both_readings(text, reason):
    frame = pd.DataFrame({"smiles": ["O", "C"], "Tb": ["1.0", text]})
    with pytest.raises(DataError, match=reason):
        from_frame(frame, material="smiles", properties={"Tb": "1"})


def test_a_long_list_of_bad_cells_is_cut_and_kept():
    frame = pd.DataFrame({"smiles": ["C1"] * 1817, "Tb": 1.0})
    with pytest.raises(DataError, match=r"and 1,797 more$") as caught:
        from_frame(frame, material="smiles", properties={"Tb": "K"})
    assert len(str(caught.value).splitlines()) == 22
    assert len(caught.value.cells) == 1817

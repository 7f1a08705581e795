import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmat.data.io import Column, from_frame, read_csv, to_csv
from bayesmat.data.table import Condition, Property, PropertyTable

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

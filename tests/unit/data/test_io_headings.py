"""Units that headings state in the many ways of papers, spreadsheets and programs."""

import pandas as pd
import pytest

from bayesmat.data.io import Column, from_frame
from bayesmat.errors import DataError


@pytest.mark.parametrize(
    ("heading", "name"),
    [("T/°C", "T"), ("T/ºC", "T"), ("boiling point/°C", "boiling point"), ("T / ° C", "T"),
     ("T/℃", "T"), ("T (degrees celsius)", "T"), ("T / (°C)", "T")],
)  # fmt: skip
def test_a_sign_of_degrees_after_a_slash_is_the_unit(heading, name):
    table = from_frame(
        pd.DataFrame({"s": ["O"], heading: [100.0]}), material="s", properties={heading: "K"}
    )
    assert table.property_names == (name,)
    assert table.values[0, 0] == pytest.approx(373.15)


@pytest.mark.parametrize(
    "heading",
    ["density / g cm^-3", "density in g cm^-3", "density, g cm-3", "density / g cm⁻³",
     "density/g cm-3", "density/g·cm−3", "density / g⋅cm^–3", "density, dry, g/cm3",
     "density / g\u2009cm-3", "density (g cm-3)", "density in g per cm3"],
)  # fmt: skip
def test_a_unit_with_blanks_or_unicode_signs_is_converted(heading):
    table = from_frame(
        pd.DataFrame({"s": ["O"], heading: [0.997]}), material="s", properties={heading: "kg/m^3"}
    )
    assert table.property_names[0].startswith("density")
    assert table.values[0, 0] == pytest.approx(997.0)


@pytest.mark.parametrize("heading", ["x/%", "x [%]", "x, %", "x in %"])
def test_percent_in_a_heading_is_a_hundredth(heading):
    table = from_frame(
        pd.DataFrame({"s": ["O"], heading: [12.0]}), material="s", properties={heading: "1"}
    )
    assert table.property_names == ("x",)
    assert table.values[0, 0] == pytest.approx(0.12)


@pytest.mark.parametrize(
    ("heading", "unit", "held", "means"),
    [
        ("Tg/C", "K", "C", "degC"),
        ("Tb.Celsius", "K", "Celsius", "degC"),
        ("Tb-degC", "K", "degC", "degC"),
        ("Tb°C", "K", "°C", "degC"),
        ("Tb_degC_exp", "K", "degC", "degC"),
        ("Tb Kelvin", "degC", "Kelvin", "kelvin"),
        ("x %", "1", "%", "%"),
        ("x%", "1", "%", "%"),
        ("yield wt%", "1", "wt %", "%"),
        ("x percent", "1", "percent", "%"),
        ("density_kg_m3", "g/cm^3", "kg m3", "kg/m^3"),
        ("density g/cm 3", "kg/m^3", "g cm3", "g/cm^3"),
        ("H_kcal_mol", "kJ/mol", "kcal mol", "kcal/mol"),
        ("E_kJ_mol", "eV", "kJ mol", "kJ/mol"),
        ("Cp_J_mol_K", "kJ/(mol*K)", "J mol K", "J/(mol*K)"),
        ("E_au", "eV", "au", "hartree"),
        ("r_au", "angstrom", "au", "bohr"),
    ],
)
def test_a_unit_in_the_words_of_a_heading_is_refused_with_what_to_say(heading, unit, held, means):
    frame = pd.DataFrame({"s": ["O"], heading: [1.0]})
    with pytest.raises(DataError) as caught:
        from_frame(frame, material="s", properties={heading: unit})
    assert f"the heading holds {held!r}, the property is in {unit!r}" in str(caught.value)
    assert f"unit={means!r})" in str(caught.value)
    settled = from_frame(frame, material="s", properties={heading: Column(unit, unit=unit)})
    assert settled.values[0, 0] == 1.0


def _with_sds(value, sds, given):
    frame = pd.DataFrame({"s": ["O"], value: [5.0], sds: [2.0]})
    return from_frame(frame, material="s", properties={value: given})


@pytest.mark.parametrize(
    ("value", "sds", "unit", "sd"),
    [
        ("gap", "err [meV]", "eV", 0.002),
        ("gap", "err/meV", "eV", 0.002),
        ("gap / meV", "err / eV", "eV", 2.0),
        ("gap [meV]", "gap_err", "eV", 0.002),
        ("gap", "err_eV", "eV", 2.0),
        ("Tb [°C]", "sd (C)", "K", 2.0),
        ("Tb", "sd_C", "K", 2.0),
        ("Tb", "sd/°F", "K", 2.0 / 1.8),
        ("x [%]", "err/%", "1", 0.02),
    ],
)
def test_the_unit_of_standard_deviations_is_read_as_that_of_values(value, sds, unit, sd):
    assert _with_sds(value, sds, Column(unit, std=sds)).stds[0, 0] == pytest.approx(sd)


@pytest.mark.parametrize(
    ("value", "sds", "unit", "reason"),
    [
        ("gap", "err_meV", "eV", "holds 'meV', the values are in 'eV'"),
        ("gap", "err meV dft", "eV", "'sd [meV]' or 'sd [eV]'"),
        ("gap [meV]", "err_eV", "eV", "holds 'eV', the values are in 'meV'"),
        ("Tb", "sd °F", "K", "holds '°F', the values are in 'K'"),
        ("gap", "err {meV}", "eV", "holds 'meV'"),
        ("gap", "err/%", "eV", "shares of the values"),
        ("gap", "err [%]", "eV", "multiply them by the values"),
        ("gap", "rel err %", "eV", "name the column 'sd [eV]'"),
        ("gap", "err percent", "eV", "shares of the values"),
        ("gap", "rel_err", "eV", "shares of the values"),
        ("n", "err/%", "1", "shares of the values"),
        ("x [%]", "rel. err/%", "%", "shares of the values"),
        ("gap", "sd log gap", "eV", "are logarithms"),
    ],
)
def test_standard_deviations_in_another_unit_than_they_would_be_read_in_are_refused(
    value, sds, unit, reason
):
    with pytest.raises(DataError) as caught:
        _with_sds(value, sds, Column(unit, std=sds))
    assert reason in str(caught.value)

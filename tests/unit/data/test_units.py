import numpy as np
import pytest

from bayesmat.data.units import check_unit, converter, has_zero, sd_converter
from bayesmat.errors import DataError


@pytest.mark.parametrize("unit", ["", "1", " 1 "])
def test_dimensionless_has_one_spelling(unit):
    assert check_unit(unit) == ""


@pytest.mark.parametrize("unit", ["foo", "2 eV", "eV (", "log eV", "eV+K", "import os"])
def test_unknown_unit_is_named_with_what_to_write_instead(unit):
    with pytest.raises(DataError, match="unknown unit") as caught:
        check_unit(unit)
    assert repr(unit) in str(caught.value)
    assert "'g/cm^3'" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "target", "value", "expected"),
    [
        ("hartree", "eV", 1.0, 27.211386245988),
        ("degC", "K", -273.15, 0.0),
        ("degF", "degC", 212.0, 100.0),
        ("%", "1", 12.0, 0.12),
        ("kcal/mol", "kJ/mol", 1.0, 4.184),
        ("g/cm^3", "kg/m^3", 1.1, 1100.0),
        ("K", "K", 300.0, 300.0),
    ],
)
def test_known_conversions(source, target, value, expected):
    converted = converter(source, target)(np.array([value]))
    np.testing.assert_allclose(converted, [expected], rtol=1e-9, atol=1e-9)


def test_equal_units_change_no_digit():
    values = np.random.default_rng(0).normal(size=100)
    assert np.array_equal(converter("eV", "eV")(values), values)


def test_other_dimension_is_refused():
    with pytest.raises(DataError, match=r"values in 'eV' cannot be converted to 'nm'"):
        converter("eV", "nm")


def test_standard_deviations_ignore_offsets():
    sd = np.array([0.0, 1.5, np.nan])
    np.testing.assert_allclose(sd_converter("degC", "K")(sd), sd)
    np.testing.assert_allclose(sd_converter("degF", "K")(sd), sd * 5 / 9, rtol=1e-10)
    np.testing.assert_allclose(sd_converter("hartree", "eV")(sd), sd * 27.211386245988, rtol=1e-9)


def test_standard_deviations_on_a_logarithmic_unit_are_refused():
    with pytest.raises(DataError, match="not linear"):
        sd_converter("dB", "1")


@pytest.mark.parametrize(
    ("unit", "meant"),
    [
        ("au", "'hartree' or 'bohr'"),
        ("a.u.", "'1' for arbitrary ones"),
        ("C", "'degC'"),
        ("F", "'degF'"),
        ("k", "'K'"),
        ("pH", "'1'"),
        ("mol%", "'%'"),
        ("mm Hg", "'mmHg'"),
    ],
)
def test_a_unit_of_two_meanings_is_refused_with_both(unit, meant):
    with pytest.raises(DataError, match="can mean two things") as caught:
        check_unit(unit)
    assert meant in str(caught.value)


@pytest.mark.parametrize("unit", ["W/m K", "W/m*K", "W/mK", "J/g K", "kJ/mol*K"])
def test_what_stands_below_the_line_must_be_clear(unit):
    with pytest.raises(DataError, match=r"does not say what stands below the line.*'W/\(m\*K\)'"):
        check_unit(unit)


@pytest.mark.parametrize(
    ("unit", "spelled"),
    [
        ("g/cm3", "g/cm^3"),
        ("cm-1", "cm^-1"),
        ("kg/m3", "kg/m^3"),
        ("℃", "degC"),
        ("m2/s", "m^2/s"),
        ("cmH2O", "cmH2O"),
    ],
)
def test_powers_and_degrees_as_people_write_them(unit, spelled):
    assert check_unit(unit) == spelled


@pytest.mark.parametrize(
    ("unit", "meant"), [("ev", "eV"), ("Kelvin", "kelvin"), ("Hartree", "hartree"), ("gpa", "GPa")]
)
def test_a_near_miss_is_named(unit, meant):
    with pytest.raises(DataError, match=f"Perhaps '{meant}'"):
        check_unit(unit)


@pytest.mark.parametrize(
    ("source", "target"), [("kJ/mol", "eV"), ("eV", "kJ/mol"), ("kcal/mol", "hartree")]
)
def test_per_mole_and_per_particle_are_told_apart(source, target):
    with pytest.raises(DataError, match=r"is per mole and .* per particle: .*/particle'"):
        converter(source, target)


def test_per_particle_is_converted():
    """CODATA 2018: 1 eV times the Avogadro constant is 96.48533 kJ/mol."""
    found = converter("kJ/mol", "eV/particle")(np.array([96.48533212]))
    np.testing.assert_allclose(found, 1.0, rtol=1e-8)


@pytest.mark.parametrize("unit", [5, None, 1.0, ["eV"]])
def test_a_unit_is_text(unit):
    with pytest.raises(DataError, match="write it as text"):
        check_unit(unit)


@pytest.mark.parametrize(("unit", "truth"), [("K", True), ("degC", False), ("degF", False),
                                             ("1", True), ("eV", True), ("dB", False)])  # fmt: skip
def test_a_natural_zero(unit, truth):
    assert has_zero(unit) is truth

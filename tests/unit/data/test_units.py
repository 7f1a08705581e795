import numpy as np
import pytest

from bayesmat.data.units import check_unit, converter, sd_converter
from bayesmat.errors import DataError


@pytest.mark.parametrize("unit", ["", "1", " 1 "])
def test_dimensionless_has_one_spelling(unit):
    assert check_unit(unit) == ""


@pytest.mark.parametrize("unit", ["foo", "g/cm3", "2 eV", "eV (", "log eV", "eV+K", "import os"])
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

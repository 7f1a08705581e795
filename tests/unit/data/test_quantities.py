"""Cells with a unit of their own."""

import numpy as np
import pytest

from bayesmat.data.quantities import quantities


def test_a_unit_in_a_cell_overrules_that_of_its_column():
    cells = np.array(["25", "300 K", "77 °F", "C 25", "2 eV", None], dtype=object)
    values, bad, stated = quantities(cells, "degC", "K")
    assert values[:3] == pytest.approx([298.15, 300.0, 298.15])
    assert bad == [(3, "not a number"), (4, "in eV, which does not measure the same as K")]
    assert np.isnan(values[3:]).all()
    assert stated == (1, 2)


def test_offsets_do_not_apply_to_standard_deviations():
    values, _, _ = quantities(np.array(["2 degC"]), "K", "K", of_sds=True)
    assert values.tolist() == [2.0]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("2,1", "not a number; write a decimal point instead of the comma"),
        ("2,1 eV", "not a number; write a decimal point instead of the comma"),
        ("2,150 eV", "ambiguous: a decimal comma (2.150 eV) or a thousands separator"),
        ("2.1(1)", "not a number"),
        ("2.1 1", "not a number"),
    ],
)
def test_digits_after_a_number_are_no_unit(cell, reason):
    """Units may hold digits, and "1" is one: ",1" was said to be another unit than eV."""
    values, bad, stated = quantities(np.array([cell], dtype=object), "eV", "eV")
    assert np.isnan(values).all()
    assert stated == ()
    assert bad[0][1].startswith(reason)

"""Conditions far outside of what was measured."""

import warnings

import pytest

from bayesmat.data.far import far_conditions, warn_far
from bayesmat.data.properties import Condition
from bayesmat.data.rows import Rows
from bayesmat.errors import SurprisingValue


def said(unit: str, measured: list[float], asked: list[float]) -> tuple[str, ...]:
    columns = (Condition("T", unit),)
    known, rows = (Rows(None, [[v] for v in values], columns) for values in (measured, asked))
    return far_conditions(known, rows)


@pytest.mark.parametrize(
    ("unit", "measured", "asked", "hint"),
    [
        ("K", [285, 345], [300, 25], "T 25 K lies far outside of the measured 285 to 345 K: "
         "298.15 K (entered in degC)?"),
        ("degC", [61, 118], [363.15], "T 363.15 degC lies far outside of the measured 61 to 118 "
         "degC: 90 degC (entered in K)?"),
        ("h", [0.5, 8], [240], "T 240 h lies far outside of the measured 0.5 to 8 h: 4 h (entered "
         "in min)?"),
        ("K", [298.15, 298.15], [25], "T 25 K lies far outside of the measured 298.15 K: 298.15 K "
         "(entered in degC)?"),
        ("", [0, 1], [-7.3], "T -7.3 lies far outside of the measured 0 to 1."),
    ],
)  # fmt: skip
def test_a_condition_far_outside_is_named_with_the_slip_that_explains_it(
    unit, measured, asked, hint
):
    assert said(unit, measured, asked) == (hint,)


@pytest.mark.parametrize(
    ("measured", "asked"), [([285, 345], [250, 420]), ([298.15], [350]), ([0.0, 1.0], [3.5])]
)
def test_an_extrapolation_and_a_new_value_are_no_slip(measured, asked):
    assert said("K", measured, asked) == ()


def test_categories_and_rows_without_conditions_are_never_far():
    solvent = (Condition("solvent", None, ("water", "dmf")),)
    assert far_conditions(Rows(None, [[0]], solvent), Rows(None, [[1]], solvent)) == ()
    assert far_conditions(Rows(("C",)), Rows(("CC",))) == ()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_far(Rows(("C",)), Rows(("CC",)))


def test_a_warning_can_be_filtered_by_its_class():
    T = (Condition("T", "K"),)
    with pytest.warns(SurprisingValue, match=r"298.15 K \(entered in degC\)\?"):
        warn_far(Rows(None, [[285.0], [345.0]], T), Rows(None, [[25.0]], T))

"""Mistakes of entering are undone, and told from genuine outliers."""

import math

import pytest

from bayesmat.data.slips import best_slip, slips


def about(median, sd):
    return lambda value: (value - median) / sd if math.isfinite(value) else math.inf


@pytest.mark.parametrize(
    ("value", "unit", "median", "sd", "name", "better"),
    [
        (3980.0, "K", 400.0, 30.0, "10 times too large", 398.0),
        (78.3, "K", 350.0, 10.0, "entered in degC", 351.45),
        (0.5, "GPa", 500.0, 50.0, "1000 times too small", 500.0),
        (-2.0, "eV", 2.1, 0.2, "entered with the wrong sign", 2.0),
        (938.0, "K", 400.0, 30.0, "two digits swapped", 398.0),
        (-0.0712, "", -0.0171, 0.001, "two digits swapped", -0.0172),
    ],
)
def test_the_slip_that_explains_a_value_is_named_and_undone(value, unit, median, sd, name, better):
    slip, probability = best_slip(value, about(median, sd), unit)
    assert slip.name == name
    assert slip.undo(value) == pytest.approx(better)
    assert 0 < probability < 1


def test_a_value_that_no_slip_explains_has_none():
    slip, probability = best_slip(700.0, about(400.0, 5.0), "K")
    assert (slip, probability) == (None, 0.0)


def test_nobody_types_a_nought_in_front():
    assert best_slip(407.0, about(47.0, 0.01), "") == (None, 0.0)
    slip, _ = best_slip(407.0, about(470.0, 0.01), "")
    assert slip.name == "two digits swapped"


def test_nobody_enters_kelvin_in_kelvin():
    assert "entered in K" not in {slip.name for slip in slips("K")}

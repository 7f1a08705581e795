"""Values without a chance are noticed, those in the tails are not."""

import numpy as np
import pytest

from bayesmat.data.properties import Property
from bayesmat.explore.standing import Cell
from bayesmat.explore.surprise import surprises

TM, GAP = Property("Tm", "K"), Property("gap", "eV", "log")
SAID = {
    "level": 0.9,
    "lower": {"Tm": 340.0, "gap": 1.0},
    "median": {"Tm": 400.0, "gap": 2.0},
    "upper": {"Tm": 460.0, "gap": 4.0},
}


def found(said=SAID, **cells):
    return list(surprises("CCO", cells, said, (TM, GAP)))


def test_a_mistyped_value_is_noticed_and_its_slip_is_named():
    (one,) = found(Tm=Cell(3980.0))
    assert one.better == pytest.approx(398.0)
    assert str(one) == (
        "Tm of CCO: 3980 K, predicted 340 to 460 K (90%). 398 K (10 times too large)? It is "
        "stored all the same; if it was mistyped: campaign.correct('CCO', {'Tm': 398}, reason=...)."
    )


def test_swapped_digits_are_named():
    (one,) = found(Tm=Cell(938.0))
    assert one.better == pytest.approx(398.0)
    assert "398 K (two digits swapped)?" in one.said


@pytest.mark.parametrize(
    ("cell", "noticed"),
    [
        (Cell(639.0), False),  # four half-widths are 240 K
        (Cell(641.0), True),
        (Cell(221.0), False),  # 180 K below are three
        (Cell(159.0), True),
        (Cell(641.0, 50.0), False),  # its own sd is allowed for
    ],
)
def test_the_rule_is_four_half_widths(cell, noticed):
    assert bool(found(Tm=cell)) is noticed


def test_log_properties_are_judged_on_their_scale():
    assert not found(gap=Cell(15.0))  # three half-widths are a factor of 8
    (one,) = found(gap=Cell(33.0))
    assert one.slip == "entered in kcal/mol"
    assert not found(gap=Cell(0.2, 0.1))


def test_a_slip_that_explains_a_value_is_named_from_three_half_widths_on():
    (one,) = found(gap=Cell(21.0))  # 3.4 half-widths
    assert one.better == pytest.approx(2.1)
    assert "2.1 eV (10 times too large)?" in one.said
    (one,) = found(Tm=Cell(161.0))  # 3.98
    assert one.better == pytest.approx(434.15)
    assert not found(Tm=Cell(630.0))  # 3.8, and no slip leads into 340 to 460 K


@pytest.mark.parametrize(
    ("draw", "rate"),
    [
        (lambda rng, n: rng.normal(size=n), 8e-7),
        (lambda rng, n: 2 * rng.normal(size=n), 1 / 73),  # intervals half as wide as need be
        (lambda rng, n: rng.standard_t(4, size=n) * 1.645 / 2.132, 1 / 326),
    ],
)
def test_false_alarms_are_as_rare_as_the_docstring_says(draw, rate):
    """Log values whose intervals span a factor of two: where a slip explains most.

    The count may be five standard deviations and four alarms off, so that a right rule fails in
    fewer than 1 in 10^6 runs; the seed is fixed besides.
    """
    n = 200_000
    z = draw(np.random.default_rng(0), n)
    values = 2.0 * np.exp(np.log(2.0) / 1.645 * z)
    alarms = sum(bool(found(gap=Cell(float(value)))) for value in values[np.abs(z) > 4.9])
    assert not any(found(gap=Cell(float(v))) for v in values[np.abs(z) < 4.9][:2000])
    assert abs(alarms - n * rate) <= 5 * np.sqrt(n * rate) + 4


def test_without_a_prediction_there_is_no_surprise():
    assert not found(said=None, Tm=Cell(3980.0))
    assert not found(said={"level": 0.9, "lower": {}, "median": {}, "upper": {}}, Tm=Cell(3980.0))


def test_the_correction_has_all_digits_and_small_values_have_slips_too():
    (one,) = found(Tm=Cell(4123.4))
    assert "{'Tm': 412.34}" in str(one)
    prop = Property("k", "S/m", "log")
    said = {"level": 0.9, "lower": {"k": 5e-15}, "median": {"k": 1e-14}, "upper": {"k": 2e-14}}
    (small,) = surprises("X", {"k": Cell(1e-11)}, said, (prop,))
    assert small.better == pytest.approx(1e-14)

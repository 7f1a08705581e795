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
        "Tm of CCO: 3980 K, predicted 340 to 460 K (90%). 398 K (10^1 times too large)? It is "
        "stored all the same; if it was mistyped: campaign.correct('CCO', {'Tm': 398}, reason=...)."
    )


@pytest.mark.parametrize(
    ("cell", "noticed"),
    [
        (Cell(639.0), False),  # four half-widths are 240 K
        (Cell(641.0), True),
        (Cell(161.0), False),
        (Cell(159.0), True),
        (Cell(641.0, 50.0), False),  # its own sd is allowed for
    ],
)
def test_the_rule_is_four_half_widths(cell, noticed):
    assert bool(found(Tm=cell)) is noticed


def test_log_properties_are_judged_on_their_scale():
    assert not found(gap=Cell(31.0))
    (one,) = found(gap=Cell(33.0))
    assert np.isfinite(one.better) or one.slip == ""
    assert not found(gap=Cell(0.2, 0.1))


def test_without_a_prediction_there_is_no_surprise():
    assert not found(said=None, Tm=Cell(3980.0))
    assert not found(said={"level": 0.9, "lower": {}, "median": {}, "upper": {}}, Tm=Cell(3980.0))

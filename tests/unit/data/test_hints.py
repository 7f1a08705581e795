"""What readers notice about columns, and what they keep quiet about."""

import numpy as np
import pytest

from bayesmat.data._hints import NO_NUMBERS, telling_apart, wide
from bayesmat.data._raw import Raw
from bayesmat.data.properties import Property


def raw(**columns):
    cells = [np.array(column, dtype=object) for column in columns.values()]
    return Raw("file.csv", tuple(columns), tuple(cells), np.arange(len(cells[0])) + 2)


@pytest.mark.parametrize(
    ("words", "is_told"),
    [
        (["a", "b"] * 6, True),
        (["a"] * 12, False),  # tells nothing apart
        ([f"w{i}" for i in range(12)], False),  # a name of each row
    ],
)
def test_few_words_that_differ_within_a_material_may_be_a_condition(words, is_told):
    file = raw(m=[f"m{i // 2}" for i in range(12)], w=words)
    assert ("w" in telling_apart(file, "m", {"w": NO_NUMBERS})) is is_told
    assert telling_apart(file, "m", {"w": "numbers without a unit"}) == {}
    assert telling_apart(file, None, {"w": NO_NUMBERS}) == {}


@pytest.mark.parametrize(
    ("values", "unit", "is_told"),
    [
        (["0.1", "20"], "eV", True),
        (["2", "20"], "eV", False),  # a decade
        (["-0.1", "20"], "eV", False),
        (["1", "200"], "degC", False),  # no logarithm of an interval scale
        (["", "20"], "eV", False),
    ],
)
def test_positive_values_of_more_than_a_decade_are_wide(values, unit, is_told):
    said = wide(raw(y=values), {"y": Property("y", unit)}, {})
    assert bool(said) is is_told
    assert wide(raw(y=values), {"y": Property("y", unit, "linear")}, {"T": "K"}) == [
        line.replace("} keeps", "}, conditions={'T': 'K'} keeps") for line in said
    ]

"""Conditions as callers give them."""

import numpy as np
import pytest

from bayesmat.data.given import condition_values, example_of
from bayesmat.data.properties import Condition
from bayesmat.errors import ArgumentError

T = Condition("t", "degC")


def test_numbers_without_a_unit_are_in_that_of_their_column():
    assert condition_values(T, [25.0, "25"], written="degC").tolist() == [25.0, 25.0]
    read = condition_values(T, ["298.15", "298.15 K", "25 degC"], written="K")
    assert read == pytest.approx([25.0] * 3)
    assert condition_values(T, [298.15], written="K") == pytest.approx([25.0])


def test_the_example_of_an_error_is_a_measured_value():
    known = np.array([10.0, 40.0, 70.0])
    assert (example_of(T, known), example_of(T)) == (40.0, 1.0)
    with pytest.raises(ArgumentError, match=r"conditions=\{'t': '40.0 degC'\}"):
        condition_values(T, "hot", known)

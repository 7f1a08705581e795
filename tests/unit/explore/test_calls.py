"""A call says where it stands."""

import math

import pytest

from bayesmat.data.properties import Property
from bayesmat.explore.calls import Call, Forecast


@pytest.mark.parametrize(
    ("said", "standing"),
    [
        ({}, "pending"),
        ({"values": {"gap": 1.0}}, "told"),
        ({"failure": "no conformer"}, "failed"),
        ({"state": "withdrawn"}, "withdrawn"),
    ],
)
def test_where_a_call_stands_is_said_or_read_off(said, standing):
    assert Call(1, "CCO", {}, **said).standing == standing


def test_a_forecast_without_a_value_has_no_pit():
    assert math.isnan(Forecast.from_interval((1.0, 2.0, 3.0), Property("x")).pit)

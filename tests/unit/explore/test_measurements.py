import math

import pytest

from bayesmat.data.properties import Property
from bayesmat.errors import CampaignError
from bayesmat.explore.measurements import cells, rows_of
from bayesmat.explore.store import ResultRow
from bayesmat.oracles import Evaluation

TABLE = (
    Property("gap", "eV", "log"),
    Property("Tb", "K"),
    Property("state", categories=("solid", "liquid")),
)


def test_values_become_cells_in_the_units_of_the_table():
    rows = cells(
        TABLE,
        "CCO",
        {"gap": 2000, "Tb": 78.25, "state": "liquid"},
        {"gap": 50, "Tb": 0.5},
        {"gap": "meV", "Tb": "degC"},
    )
    assert [(r.property, r.value, r.sd) for r in rows] == [
        ("gap", pytest.approx(2.0), pytest.approx(0.05)),
        ("Tb", pytest.approx(351.4), pytest.approx(0.5)),  # a difference has no offset
        ("state", 1.0, None),
    ]


@pytest.mark.parametrize(
    ("values", "sds", "units", "message"),
    [
        ({"Gap": 2.0}, {}, {}, r"'Gap' is no property.*\['gap', 'Tb', 'state'\]"),
        ({"gap": math.nan}, {}, {}, "nan is not a finite number; record .* with `fail`"),
        ({"gap": math.inf}, {}, {}, "inf is not a finite number"),
        ({"gap": 0.0}, {}, {}, "0 eV is not positive, and the scale is log"),
        ({"gap": "2.0"}, {}, {}, "'2.0' is text; give a number in 'eV'"),
        ({"gap": 2.0}, {"gap": 0.0}, {}, "standard deviation 0.0 is not positive"),
        ({"gap": 2.0}, {"gap": math.nan}, {}, "standard deviation nan is not positive"),
        ({"gap": 2.0}, {"Tb": 1.0}, {}, "'Tb' has a standard deviation or a unit but no value"),
        ({"gap": 2.0}, {}, {"gap": "elektronvolt"}, "unknown unit 'elektronvolt'"),
        ({"gap": 2.0}, {}, {"gap": "K"}, "'K' cannot be converted to 'eV'"),
        ({"state": "gas"}, {}, {}, r"'gas' is none of the classes \['solid', 'liquid'\]"),
        ({"state": 1.0}, {}, {}, "1.0 is none of the classes"),
        ({"state": "solid"}, {"state": 1.0}, {}, "neither a standard deviation nor a unit"),
        ({}, {}, {}, "no value was given"),
    ],
)
def test_what_cannot_become_part_of_the_history(values, sds, units, message):
    with pytest.raises(CampaignError, match=message) as error:
        cells(TABLE, "CCO", values, sds, units)
    assert "'CCO'" in str(error.value)
    assert "none of it was stored" in str(error.value)


def test_all_that_is_wrong_is_listed_at_once():
    with pytest.raises(CampaignError) as error:
        cells(TABLE, "CCO", {"gap": -1.0, "Tb": math.nan, "x": 1.0}, {}, {})
    assert str(error.value).count("\n") == 3


ORACLE = (Property("gap", "meV"), Property("dipole", "debye"))


def test_an_oracle_is_converted_and_what_the_table_lacks_is_kept_as_it_is():
    answer = Evaluation("CCO", {"gap": 2000.0, "dipole": 1.7}, {"gap": 10.0}, cost_s=4.0)
    gap, dipole = rows_of(answer, ORACLE, TABLE, {"gap"})
    assert (gap.property, gap.value, gap.sd) == ("gap", pytest.approx(2), pytest.approx(0.01))
    assert dipole == ResultRow("CCO", "dipole", 1.7, cost_s=4.0)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Evaluation.failed("C", "timed out", cost_s=2.0), "timed out"),
        (Evaluation("C", cost_s=2.0, failure=" "), "no reason was given"),
        (Evaluation("C", {"gap": -3.0}, cost_s=2.0), "unusable: 'gap': -0.003 eV is not positive"),
        (Evaluation("C", {"colour": 1.0}, cost_s=2.0), "unusable: 'colour' is no property"),
        (Evaluation("C", cost_s=2.0), "unusable: no value was given"),
    ],
)
def test_failures_keep_their_reason_and_cost(answer, reason):
    (row,) = rows_of(answer, ORACLE, TABLE, {"gap"})
    assert (row.property, row.value, row.cost_s) == (None, None, 2.0)
    assert row.failure is not None
    assert row.failure.startswith(reason)


@pytest.mark.parametrize(
    ("values", "sds", "kept", "why"),
    [
        ({"gap": 2.0, "tau": 0.0}, {}, ("gap",), "'tau': 0 ps is not positive, and the scale"),
        ({"gap": 2.0, "Tb": math.nan}, {}, ("gap",), "'Tb': nan is not a finite number"),
        ({"gap": 2.0, "homo": 1.0}, {}, ("gap",), "'homo' is no property of this campaign"),
        ({"gap": 2.0, "state": "gas"}, {}, ("gap",), "'state': 'gas' is none of the classes"),
        ({"gap": 2.0}, {"gap": 0.0}, ("gap",), "'gap': standard deviation 0.0 is not positive"),
        ({"gap": 2.0}, {"gap": math.nan}, ("gap",), "'gap': standard deviation nan"),
        ({"gap": 2.0}, {"Tb": 1.0}, ("gap",), "'Tb' has a standard deviation or a unit but no"),
        ({"gap": 2.0, "Tb": 300.0, "tau": -1.0}, {}, ("gap", "Tb"), "'tau': -1 ps"),
    ],
)
def test_what_cannot_be_used_is_left_out_and_spoils_nothing_else(values, sds, kept, why):
    oracle = (Property("gap", "eV"), Property("Tb", "K"), Property("tau", "ps", "log"))
    answer = Evaluation("C", values, sds, cost_s=2.0).checked()
    *rows, said = rows_of(answer, oracle, TABLE, {"gap"})
    assert tuple(row.property for row in rows) == kept
    assert (rows[0].value, rows[0].sd) == (2.0, None)
    assert (said.property, said.value, said.cost_s) == (None, None, 2.0)
    assert said.failure is not None
    assert said.failure.startswith(f"left out: {why}")


def test_an_answer_without_any_property_of_the_goals_is_a_failure():
    answer = Evaluation("C", {"gap": -3.0, "dipole": 1.0})
    (row,) = rows_of(answer, ORACLE, TABLE, {"gap", "Tb"})
    assert row.failure is not None
    assert row.failure.startswith("unusable: 'gap': -0.003 eV is not positive")


def test_a_class_is_known_by_its_name_whatever_the_oracle_declares():
    (row,) = rows_of(Evaluation("C", {"state": "liquid"}), (Property("state"),), TABLE, {"gap"})
    assert (row.property, row.value) == ("state", 1.0)
